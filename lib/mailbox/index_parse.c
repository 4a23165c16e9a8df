/*
 * The file of an index read from its bytes (FORMAT): header, snapshot, log. Called by index.c and
 * by the fuzz target. Must take any bytes: the file is in the account's own directory. Where the
 * log ends to make sense the reading stops: a writer that died, or one that is still writing, left
 * it so.
 */
#include "base/crc32c.h"
#include "mailbox/index_impl.h"
#include "mailbox/index_record.h"

void
index_put_header(struct str *out, const struct index *ix, uint64_t names, uint32_t crc)
{
	size_t begin = out->n;

	str_puts(out, INDEX_MAGIC);
	str_put32(out, INDEX_VERSION);
	str_put32(out, INDEX_OLDEST);
	str_put(out, span_of(ix->id, INDEX_ID));
	str_put32(out, ix->uidvalidity);
	str_put32(out, ix->uidnext);
	str_put64(out, ix->modseq);
	str_put64(out, ix->modseq_floor);
	str_put64(out, ix->n);
	str_put64(out, names);
	str_put32(out, crc);
	while (out->n - begin < INDEX_HEADER - 4)
		str_putc(out, '\0');
	str_put32(out, crc32c(0, span_of(out->p + begin, INDEX_HEADER - 4)));
}

struct header {
	uint64_t count;
	uint64_t names;
	uint32_t crc;
};

static bool
header_get(struct index *ix, struct span file, struct header *out)
{
	const char *p = file.p;

	if (file.n < INDEX_HEADER || memcmp(p, INDEX_MAGIC, 8) != 0 ||
	    crc32c(0, span_of(p, INDEX_HEADER - 4)) != bytes_get32(p + INDEX_HEADER - 4) ||
	    bytes_get32(p + 12) > INDEX_VERSION)
		return false;
	memcpy(ix->id, p + 16, INDEX_ID);
	ix->uidvalidity = bytes_get32(p + 32);
	ix->uidnext = bytes_get32(p + 36);
	ix->modseq = bytes_get64(p + 40);
	ix->modseq_floor = bytes_get64(p + 48);
	*out = (struct header){ bytes_get64(p + 56), bytes_get64(p + 64), bytes_get32(p + 72) };
	return ix->uidvalidity > 0 && ix->uidnext > 0;
}

static bool
snapshot_get(struct index *ix, struct span file, const struct header *header)
{
	uint64_t records = header->count * INDEX_MAIL_SIZE;
	uint32_t uidnext = ix->uidnext;
	struct mail mail;

	if (header->count > LIMIT_MAILBOX_MESSAGES || header->names > LIMIT_MAILBOX_INDEX ||
	    file.n - INDEX_HEADER < records + header->names)
		return false;
	ix->log_at = INDEX_HEADER + records + header->names;
	if (crc32c(0, span_of(file.p + INDEX_HEADER, records + header->names)) != header->crc)
		return false;
	for (uint64_t i = 0; i < header->count; i++) {
		index_get_mail(file.p + INDEX_HEADER + i * INDEX_MAIL_SIZE, &mail);
		if (mail.name_at < INDEX_HEADER + records || mail.name_at >= ix->log_at ||
		    !index_add(ix, &mail))
			return false;
	}
	return ix->uidnext == uidnext;
}

bool
index_parse(struct index *ix, struct span file)
{
	struct header header;

	if (!header_get(ix, file, &header) || !snapshot_get(ix, file, &header))
		return false;
	ix->reserved = ix->granted = ix->uidnext;
	ix->end = ix->log_at + records_apply(ix, span_from(file, ix->log_at), ix->log_at);
	/* Whoever reserved these may have died in a power cut: they are not for us. */
	ix->granted = 0;
	index_squeeze(ix);
	return true;
}
