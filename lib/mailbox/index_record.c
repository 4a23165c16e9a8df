/*
 * The records of an index's log (FORMAT), one function to write each and one to apply it. Called by
 * index.c, which reads them, and by all that change a mailbox. A change is made in one way alone:
 * as a record, written and then applied, so that who reads the file comes to the same state.
 * Records come from a file that the account's owner can write: lengths, UIDs and numbers are
 * checked, and what does not fit ends the reading.
 */
#include "mailbox/index_record.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "mailbox/index_impl.h"

enum record_type {
	RECORD_MESSAGE = 1,
	RECORD_FLAGS,
	RECORD_EXPUNGE,
	RECORD_RESERVE,
	RECORD_CLEAN,
	RECORD_DIRS,
	RECORD_KEYWORD,
	RECORD_NAME,
	RECORD_CACHED,
	RECORD_USE,
	RECORD_SIZES,
	RECORD_TYPES,
	RECORD_OPTIONAL = 128, /* from here on: what a reader does not know it may pass over */
};

#define RECORD_PAYLOAD (1u << 24) /* bytes: the length has 24 bits */

/* Begins a record; returns where, for record_end. */
static size_t
record_begin(struct str *out)
{
	size_t at = out->n;

	str_put64(out, 0);
	return at;
}

static void
record_end(struct str *out, size_t at, enum record_type type)
{
	size_t payload = out->n - at - INDEX_RECORD_HEAD;

	if (out->full)
		return;
	assert(payload < RECORD_PAYLOAD);
	bytes_put32(out->p + at + 4, (uint32_t)payload << 8 | type);
	bytes_put32(out->p + at, crc32c(0, span_of(out->p + at + 4, payload + 4)));
}

void
index_put_mail(struct str *out, const struct mail *mail)
{
	str_put32(out, mail->uid);
	str_put32(out, mail->flags);
	str_put64(out, mail->keywords);
	str_put64(out, mail->modseq);
	str_put64(out, mail->size);
	str_put64(out, mail->vsize);
	str_put64(out, (uint64_t)mail->date);
	str_put64(out, mail->id);
	str_put32(out, mail->name_at);
	str_put32(out, mail->cache_at);
}

void
index_get_mail(const char *p, struct mail *out)
{
	*out = (struct mail){
		.uid = bytes_get32(p),
		.flags = bytes_get32(p + 4) & ~MAIL_GONE,
		.keywords = bytes_get64(p + 8),
		.modseq = bytes_get64(p + 16),
		.size = bytes_get64(p + 24),
		.vsize = bytes_get64(p + 32),
		.date = (int64_t)bytes_get64(p + 40),
		.id = bytes_get64(p + 48),
		.name_at = bytes_get32(p + 56),
		.cache_at = bytes_get32(p + 60),
	};
}

static void
put_name(struct str *out, struct span name)
{
	assert(name.n <= UINT8_MAX);
	str_putc(out, (char)name.n);
	str_put(out, name);
}

static void
put_set(struct str *out, struct uid_set set)
{
	for (size_t i = 0; i < set.n; i++) {
		str_put32(out, set.v[i].first);
		str_put32(out, set.v[i].last);
	}
}

/* The next part of SET that fits in one record. */
static struct uid_set
set_part(struct uid_set *set)
{
	struct uid_set part = { set->v, size_min(set->n, (RECORD_PAYLOAD - 64) / 8) };

	set->v += part.n;
	set->n -= part.n;
	return part;
}

void
record_message(struct str *out, const struct mail *mail, struct span name)
{
	size_t at = record_begin(out);

	index_put_mail(out, mail);
	put_name(out, name);
	record_end(out, at, RECORD_MESSAGE);
}

void
record_flags(struct str *out, uint64_t modseq, const struct flag_change *change, struct uid_set set)
{
	while (set.n > 0) {
		size_t at = record_begin(out);

		str_put64(out, modseq);
		str_put32(out, change->add);
		str_put32(out, change->remove);
		str_put64(out, change->add_keywords);
		str_put64(out, change->remove_keywords);
		put_set(out, set_part(&set));
		record_end(out, at, RECORD_FLAGS);
	}
}

void
record_expunge(struct str *out, uint64_t modseq, struct uid_set set)
{
	while (set.n > 0) {
		size_t at = record_begin(out);

		str_put64(out, modseq);
		put_set(out, set_part(&set));
		record_end(out, at, RECORD_EXPUNGE);
	}
}

static void
record_number(struct str *out, enum record_type type, uint32_t n)
{
	size_t at = record_begin(out);

	str_put32(out, n);
	record_end(out, at, type);
}

void
record_reserve(struct str *out, uint32_t next, uint32_t limit)
{
	size_t at = record_begin(out);

	str_put32(out, next);
	str_put32(out, limit);
	record_end(out, at, RECORD_RESERVE);
}

void
record_clean(struct str *out, uint32_t next)
{
	record_number(out, RECORD_CLEAN, next);
}

void
record_use(struct str *out, uint32_t use)
{
	record_number(out, RECORD_USE, use);
}

static void
put_time(struct str *out, struct timespec t)
{
	str_put64(out, (uint64_t)t.tv_sec);
	str_put32(out, (uint32_t)t.tv_nsec);
}

void
record_dirs(struct str *out, const struct index_dirs *dirs)
{
	size_t at = record_begin(out);

	put_time(out, dirs->new);
	put_time(out, dirs->cur);
	str_put32(out, dirs->recent);
	str_put64(out, dirs->unverified);
	record_end(out, at, RECORD_DIRS);
}

void
record_keyword(struct str *out, unsigned number, struct span name)
{
	size_t at = record_begin(out);

	str_put32(out, number);
	put_name(out, name);
	record_end(out, at, RECORD_KEYWORD);
}

void
record_name(struct str *out, uint32_t uid, bool raw, struct span name)
{
	size_t at = record_begin(out);

	str_put32(out, uid);
	str_put32(out, raw);
	put_name(out, name);
	record_end(out, at, RECORD_NAME);
}

void
record_cached(struct str *out, uint32_t uid, uint32_t cache_at)
{
	size_t at = record_begin(out);

	str_put32(out, uid);
	str_put32(out, cache_at);
	record_end(out, at, RECORD_CACHED);
}

void
record_sizes(struct str *out, uint32_t uid, uint64_t size, uint64_t vsize)
{
	size_t at = record_begin(out);

	str_put32(out, uid);
	str_put64(out, size);
	str_put64(out, vsize);
	record_end(out, at, RECORD_SIZES);
}

/* A payload as it is applied; AT: where it stands in the file. */
struct payload {
	struct span bytes;
	uint64_t at;
};

static struct mail *
mail_of(struct index *ix, uint32_t uid)
{
	size_t i = index_find(ix, uid);

	return i < ix->n && ix->v[i].uid == uid ? &ix->v[i] : NULL;
}

static void
saw_modseq(struct index *ix, uint64_t modseq)
{
	if (modseq > ix->modseq)
		ix->modseq = modseq;
}

/* Is a name of one byte length here, and nothing after it? */
static bool
name_fits(struct span bytes)
{
	return bytes.n > 1 && bytes.n == (size_t)(unsigned char)bytes.p[0] + 1;
}

static bool
apply_message(struct index *ix, const struct payload *p)
{
	struct mail mail;

	if (p->bytes.n < INDEX_MAIL_SIZE || !name_fits(span_from(p->bytes, INDEX_MAIL_SIZE)))
		return false;
	index_get_mail(p->bytes.p, &mail);
	mail.name_at = (uint32_t)(p->at + INDEX_MAIL_SIZE);
	if (!index_add(ix, &mail))
		return false;
	saw_modseq(ix, mail.modseq);
	return true;
}

/* The I-th range of BYTES; false: it is none. */
static bool
range_get(struct span bytes, size_t i, struct uid_range *out)
{
	out->first = bytes_get32(bytes.p + 8 * i);
	out->last = bytes_get32(bytes.p + 8 * i + 4);
	return out->first > 0 && out->first <= out->last;
}

static bool
apply_flags(struct index *ix, const struct payload *p)
{
	struct span sets = span_from(p->bytes, 32);
	struct flag_change change;
	struct uid_range range;
	uint64_t modseq;

	if (p->bytes.n < 32 || sets.n % 8)
		return false;
	modseq = bytes_get64(p->bytes.p);
	change = (struct flag_change){ bytes_get32(p->bytes.p + 8), bytes_get32(p->bytes.p + 12),
		bytes_get64(p->bytes.p + 16), bytes_get64(p->bytes.p + 24) };
	for (size_t i = 0; i < sets.n / 8; i++) {
		if (!range_get(sets, i, &range))
			return false;
		for (size_t k = index_find(ix, range.first);
		     k < ix->n && ix->v[k].uid <= range.last; k++) {
			struct mail *mail = &ix->v[k];

			mail->flags = (mail->flags & ~(change.remove & ~MAIL_GONE)) |
				      (change.add & ~MAIL_GONE);
			mail->keywords =
			    (mail->keywords & ~change.remove_keywords) | change.add_keywords;
			mail->modseq = modseq;
		}
	}
	saw_modseq(ix, modseq);
	return true;
}

static bool
apply_expunge(struct index *ix, const struct payload *p)
{
	struct span sets = span_from(p->bytes, 8);
	struct uid_range range;
	uint64_t modseq;

	if (p->bytes.n < 8 || sets.n % 8)
		return false;
	modseq = bytes_get64(p->bytes.p);
	for (size_t i = 0; i < sets.n / 8; i++) {
		if (!range_get(sets, i, &range))
			return false;
		index_vanish(ix, modseq, range);
	}
	saw_modseq(ix, modseq);
	return true;
}

static bool
apply_reserve(struct index *ix, const struct payload *p)
{
	uint32_t next, limit;

	if (p->bytes.n != 8)
		return false;
	next = bytes_get32(p->bytes.p);
	limit = bytes_get32(p->bytes.p + 4);
	if (next < ix->uidnext || limit < next)
		return false;
	/* What others had reserved before is left out by all. */
	ix->uidnext = next;
	ix->reserved = ix->granted = limit;
	return true;
}

static bool
apply_clean(struct index *ix, const struct payload *p)
{
	uint32_t next;

	if (p->bytes.n != 4)
		return false;
	next = bytes_get32(p->bytes.p);
	if (next < ix->uidnext)
		return false;
	ix->uidnext = ix->reserved = ix->granted = next;
	return true;
}

static struct timespec
get_time(const char *p)
{
	return (struct timespec){ (time_t)bytes_get64(p), (long)bytes_get32(p + 8) };
}

static bool
apply_dirs(struct index *ix, const struct payload *p)
{
	if (p->bytes.n != 36)
		return false;
	ix->dirs = (struct index_dirs){ .new = get_time(p->bytes.p),
		.cur = get_time(p->bytes.p + 12),
		.recent = bytes_get32(p->bytes.p + 24),
		.unverified = bytes_get64(p->bytes.p + 28) };
	return true;
}

static bool
apply_keyword(struct index *ix, const struct payload *p)
{
	struct span name = span_from(p->bytes, 4);

	if (p->bytes.n < 4 || !name_fits(name))
		return false;
	return index_set_keyword(ix, bytes_get32(p->bytes.p), span_from(name, 1));
}

static bool
apply_name(struct index *ix, const struct payload *p)
{
	struct mail *mail;

	if (p->bytes.n < 8 || !name_fits(span_from(p->bytes, 8)))
		return false;
	mail = mail_of(ix, bytes_get32(p->bytes.p));
	if (mail) {
		mail->name_at = (uint32_t)(p->at + 8);
		mail->flags &= ~MAIL_RAW;
		mail->flags |= bytes_get32(p->bytes.p + 4) ? MAIL_RAW : 0;
	}
	return true;
}

static bool
apply_cached(struct index *ix, const struct payload *p)
{
	struct mail *mail;

	if (p->bytes.n != 8)
		return false;
	mail = mail_of(ix, bytes_get32(p->bytes.p));
	if (mail)
		mail->cache_at = bytes_get32(p->bytes.p + 4);
	return true;
}

static bool
apply_use(struct index *ix, const struct payload *p)
{
	if (p->bytes.n != 4)
		return false;
	ix->use = bytes_get32(p->bytes.p);
	return true;
}

static bool
apply_sizes(struct index *ix, const struct payload *p)
{
	struct mail *mail;

	if (p->bytes.n != 20)
		return false;
	mail = mail_of(ix, bytes_get32(p->bytes.p));
	if (mail) {
		mail->size = bytes_get64(p->bytes.p + 4);
		mail->vsize = bytes_get64(p->bytes.p + 12);
	}
	return true;
}

static bool (*const appliers[RECORD_TYPES])(struct index *ix, const struct payload *p) = {
	[RECORD_MESSAGE] = apply_message,
	[RECORD_FLAGS] = apply_flags,
	[RECORD_EXPUNGE] = apply_expunge,
	[RECORD_RESERVE] = apply_reserve,
	[RECORD_CLEAN] = apply_clean,
	[RECORD_DIRS] = apply_dirs,
	[RECORD_KEYWORD] = apply_keyword,
	[RECORD_NAME] = apply_name,
	[RECORD_CACHED] = apply_cached,
	[RECORD_USE] = apply_use,
	[RECORD_SIZES] = apply_sizes,
};

size_t
records_apply(struct index *ix, struct span bytes, uint64_t at)
{
	size_t done = 0;

	while (bytes.n - done >= INDEX_RECORD_HEAD) {
		const char *head = bytes.p + done;
		uint32_t word = bytes_get32(head + 4);
		size_t size = word >> 8, type = word & 0xff;
		struct payload payload = { span_of(head + INDEX_RECORD_HEAD, size),
			at + done + INDEX_RECORD_HEAD };

		if (bytes.n - done - INDEX_RECORD_HEAD < size ||
		    crc32c(0, span_of(head + 4, size + 4)) != bytes_get32(head))
			break;
		if (type < RECORD_OPTIONAL &&
		    (type >= RECORD_TYPES || !appliers[type] || !appliers[type](ix, &payload)))
			break;
		done += INDEX_RECORD_HEAD + size;
	}
	return done;
}
