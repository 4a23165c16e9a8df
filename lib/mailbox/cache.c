/*
 * What clients ask of messages again and again, kept so that the messages need not be opened: the
 * file postern.cache of a folder (FORMAT). Called through mailbox.h, and by add.c for what is
 * delivered. Records are appended and never changed; the index says where a message's is, and the
 * record whose it is, so that a cache of another time is noticed. May be thrown away at any time,
 * and is never synced.
 */
#include "mailbox/cache.h"

#include <errno.h>
#include <fcntl.h>

#include "base/crc32c.h"
#include "base/sys.h"
#include "message/header.h"

#define CACHE_FILE   "postern.cache"
#define CACHE_MAGIC  "poscach\n"
#define CACHE_HEADER 16 /* bytes: magic, version, oldest reader */
#define RECORD_HEAD  16 /* bytes: CRC, size of the parts, UIDVALIDITY, UID */
#define PART_HEAD    4	/* bytes: kind and size */
#define CACHE_UNIT   8	/* cache_at counts in these */
#define VERSION	     1

/* RFC 9051 7.5.2 (ENVELOPE), RFC 5256 (threads), and what list views of clients ask for beside. */
static const struct span wanted[] = {
	SPAN("Bcc"),
	SPAN("Cc"),
	SPAN("Content-Disposition"),
	SPAN("Content-Type"),
	SPAN("Date"),
	SPAN("From"),
	SPAN("Importance"),
	SPAN("In-Reply-To"),
	SPAN("List-Id"),
	SPAN("Message-ID"),
	SPAN("Priority"),
	SPAN("References"),
	SPAN("Reply-To"),
	SPAN("Sender"),
	SPAN("Subject"),
	SPAN("To"),
	SPAN("X-Priority"),
};

bool
cache_wants_header(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (span_eq_nocase(wanted[i], name))
			return true;
	return false;
}

bool
cache_pick_headers(struct span header, struct str *out)
{
	struct header_reader r = header_read(header);
	struct lines lines = lines_start(LINES_MAILDIR);
	struct header_field field;

	while (header_next(&r, &field))
		if (cache_wants_header(field.name))
			lines_put(&lines, field.whole, out);
	return !out->full;
}

void
cache_put_record(
    struct str *out, uint32_t uidvalidity, uint32_t uid, const struct cache_entry *entry)
{
	size_t begin = out->n, size;

	str_put64(out, 0);
	str_put32(out, uidvalidity);
	str_put32(out, uid);
	for (unsigned kind = 1; kind < CACHE_KINDS; kind++) {
		if (!entry->part[kind].p)
			continue;
		str_put32(out, (uint32_t)entry->part[kind].n << 8 | kind);
		str_put(out, entry->part[kind]);
	}
	size = out->n - begin - RECORD_HEAD;
	while (out->n % CACHE_UNIT != begin % CACHE_UNIT)
		str_putc(out, '\0');
	if (out->full)
		return;
	bytes_put32(out->p + begin + 4, (uint32_t)size);
	bytes_put32(out->p + begin, crc32c(0, span_of(out->p + begin + 4, size + RECORD_HEAD - 4)));
}

bool
cache_get_record(struct span bytes, uint32_t uidvalidity, uint32_t uid, struct cache_entry *out)
{
	struct span parts;

	*out = (struct cache_entry){ .part = { { NULL, 0 } } };
	if (bytes.n < RECORD_HEAD)
		return false;
	parts = span_from(bytes, RECORD_HEAD);
	if (bytes_get32(bytes.p + 4) > parts.n || bytes_get32(bytes.p + 8) != uidvalidity ||
	    bytes_get32(bytes.p + 12) != uid)
		return false;
	parts = span_head(parts, bytes_get32(bytes.p + 4));
	if (crc32c(0, span_of(bytes.p + 4, parts.n + RECORD_HEAD - 4)) != bytes_get32(bytes.p))
		return false;
	while (parts.n >= PART_HEAD) {
		uint32_t word = bytes_get32(parts.p);
		struct span part = span_from(parts, PART_HEAD);

		if (word >> 8 > part.n)
			return false;
		if ((word & 0xff) < CACHE_KINDS)
			out->part[word & 0xff] = span_head(part, word >> 8);
		parts = span_from(part, word >> 8);
	}
	return parts.n == 0;
}

/* Opens the file; with MAKE, one that is not there or is none of ours is begun anew. False: there
 * is none. */
static bool
cache_open(struct mailbox *mb, bool make)
{
	struct str head = STR_INIT(CACHE_HEADER);
	struct stat st;
	bool good;

	if (mb->cache >= 0 && fstat(mb->cache, &st) == 0 && st.st_nlink > 0)
		return true;
	if (mb->cache >= 0)
		sys_close(mb->cache);
	mb->cache = sys_open_beneath(
	    mb->folder.dir, CACHE_FILE, O_RDWR | O_NONBLOCK | (make ? O_CREAT : 0), 0600);
	if (mb->cache < 0)
		return false;
	str_puts(&head, CACHE_MAGIC);
	str_put32(&head, VERSION);
	str_put32(&head, VERSION);
	char there[CACHE_HEADER] = { 0 };
	good = sys_pread_all(mb->cache, there, CACHE_HEADER, 0) == CACHE_HEADER &&
	       memcmp(there, head.p, CACHE_HEADER) == 0;
	if (!good && make)
		good = sys_ftruncate(mb->cache, 0) == 0 &&
		       sys_pwrite_all(mb->cache, head.p, CACHE_HEADER, 0) == 0;
	if (!good) {
		sys_close(mb->cache);
		mb->cache = -1;
	}
	str_free(&head);
	return good;
}

bool
cache_batch_begin(struct mailbox *mb, struct cache_batch *b)
{
	struct stat st;

	*b = (struct cache_batch){ .mb = mb };
	str_init(&b->records, LIMIT_MAILBOX_CACHE);
	if (!cache_open(mb, true) || fstat(mb->cache, &st) != 0)
		return false;
	b->at = ((uint64_t)st.st_size + CACHE_UNIT - 1) / CACHE_UNIT * CACHE_UNIT;
	return true;
}

/* Returns the record's place, 0: it is not to be written. */
static uint32_t
cache_batch_add(struct cache_batch *b, uint32_t uid, const struct cache_entry *entry)
{
	size_t before = b->records.n;

	if (b->at == 0)
		return 0;
	cache_put_record(&b->records, b->mb->ix.uidvalidity, uid, entry);
	if (!b->records.full && b->records.n - before <= LIMIT_MAIL_CACHE &&
	    b->at + b->records.n <= LIMIT_MAILBOX_CACHE)
		return (uint32_t)((b->at + before) / CACHE_UNIT);
	str_cut(&b->records, before);
	b->records.full = false;
	return 0;
}

uint32_t
cache_batch_add_draft(struct cache_batch *b, uint32_t uid, const struct draft *draft)
{
	struct span head = str_span(&draft->head);
	struct str headers = STR_INIT(LIMIT_MAIL_CACHE);
	struct cache_entry entry = { .part = { { NULL, 0 } } };
	uint32_t at = 0;

	/* A header that goes on after what was kept is not known. */
	if (header_size(head) < head.n && cache_pick_headers(head, &headers)) {
		entry.part[CACHE_HEADERS] = headers.n ? str_span(&headers) : span_lit("");
		if (draft->parts.n > 0)
			entry.part[CACHE_PARTS] = str_span(&draft->parts);
		at = cache_batch_add(b, uid, &entry);
	}
	str_free(&headers);
	return at;
}

bool
cache_batch_end(struct cache_batch *b)
{
	const struct str *r = &b->records;
	bool good = r->n == 0 || sys_pwrite_all(b->mb->cache, r->p, r->n, (off_t)b->at) == 0;

	str_free(&b->records);
	return good;
}

/* Under the lock. Returns the record's place, 0: it could not be written. */
static uint32_t
cache_append(struct mailbox *mb, uint32_t uid, const struct cache_entry *entry)
{
	struct cache_batch batch;
	uint32_t at = 0;

	if (cache_batch_begin(mb, &batch))
		at = cache_batch_add(&batch, uid, entry);
	return cache_batch_end(&batch) ? at : 0;
}

enum verdict
mailbox_cache_get(
    struct mailbox *mb, uint32_t uid, struct str *bytes, struct cache_entry *out, struct err *err)
{
	const struct mail *mail = mailbox_mail(mb, uid);
	size_t want = 2048;
	char head[RECORD_HEAD];
	ssize_t got;

	*out = (struct cache_entry){ .part = { { NULL, 0 } } };
	if (!mail || !mail->cache_at || !cache_open(mb, false))
		return err_set(err, VERDICT_ABSENT, "nothing is cached");
	for (int i = 0; i < 2; i++) {
		char *p;

		str_reset(bytes);
		p = str_reserve(bytes, want);
		got = p ? sys_pread_all(mb->cache, p, want, (off_t)mail->cache_at * CACHE_UNIT) : 0;
		if (got < RECORD_HEAD)
			break;
		str_grew(bytes, (size_t)got);
		if (cache_get_record(str_span(bytes), mb->ix.uidvalidity, uid, out))
			return VERDICT_OK;
		/* Few are longer. */
		memcpy(head, bytes->p, RECORD_HEAD);
		want = RECORD_HEAD + size_min(bytes_get32(head + 4), LIMIT_MAIL_CACHE);
	}
	return err_set(err, VERDICT_ABSENT, "nothing is cached");
}

enum verdict
mailbox_cache_put(
    struct mailbox *mb, uint32_t uid, const struct cache_entry *entry, struct err *err)
{
	struct str bytes = STR_INIT(2 * LIMIT_MAIL_CACHE), record = STR_INIT(64);
	struct cache_entry all;
	enum verdict v = mailbox_hold_uids(mb, err);
	uint32_t at = 0;

	if (v == VERDICT_OK && mailbox_mail(mb, uid)) {
		(void)mailbox_cache_get(mb, uid, &bytes, &all, NULL);
		for (unsigned kind = 1; kind < CACHE_KINDS; kind++)
			if (entry->part[kind].p)
				all.part[kind] = entry->part[kind];
		at = cache_append(mb, uid, &all);
		if (at) {
			record_cached(&record, uid, at);
			v = mailbox_write(mb, &record, err);
		}
	}
	mailbox_release(mb);
	str_free(&bytes);
	str_free(&record);
	if (v == VERDICT_OK && at == 0)
		v = err_set(err, VERDICT_LIMIT, "it could not be cached");
	return v;
}

/*
 * Half of the file and more belongs to nobody, once it is large enough to matter: it is dropped,
 * and filled again by what clients ask for. The records still name their messages, so that old
 * places in the index do no harm.
 */
void
cache_tidy(struct mailbox *mb)
{
	struct stat st;
	uint64_t used = 0;

	if (!cache_open(mb, false) || fstat(mb->cache, &st) != 0 || st.st_size < (1 << 20))
		return;
	for (size_t i = 0; i < mb->ix.n; i++)
		used += mb->ix.v[i].cache_at != 0;
	/* Most records are about this long. */
	if (used * 1024 > (uint64_t)st.st_size / 2)
		return;
	sys_unlinkat(mb->folder.dir, CACHE_FILE, 0);
	sys_close(mb->cache);
	mb->cache = -1;
}
