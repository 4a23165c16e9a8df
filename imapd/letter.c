/*
 * A message as far as it is needed: RFC 9051's data items in the order of what they cost. Called by
 * fetch_*.c and search_*.c. Owns the open file, the bytes of the cache record and the tree of
 * parts. A file whose size is not what the index says has been changed by another program, which
 * nobody should: then what is cached is not believed, and the file is parsed as it is now.
 */
#include "config.h"

#include "imapd/letter.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/sys.h"
#include "message/header.h"

#define BLOCK 65536 /* bytes read at a time while parsing */

enum letter_tried {
	TRIED_CACHE = 1,
	TRIED_PARSE = 2,
	TRIED_PICK = 4,
};

void
letter_init(struct letter *l, struct mailbox *mb)
{
	*l = (struct letter){ .mb = mb, .fd = -1 };
	str_init(&l->bytes, 2 * LIMIT_MAIL_CACHE);
	str_init(&l->picked, LIMIT_HEADER_BLOCK);
	arena_init(&l->arena, LIMIT_MIME_MEMORY);
}

static void
letter_close(struct letter *l)
{
	if (l->fd >= 0)
		sys_close(l->fd);
	l->fd = -1;
}

void
letter_free(struct letter *l)
{
	letter_close(l);
	str_free(&l->bytes);
	str_free(&l->picked);
	arena_free(&l->arena);
}

void
letter_begin(struct letter *l, const struct mail *mail)
{
	letter_close(l);
	l->mail = *mail;
	l->tried = 0;
	l->root = NULL;
	l->changed = false;
	l->cache = (struct cache_entry){ .part = { { NULL, 0 } } };
	if (l->arena.used > 0)
		arena_reset(&l->arena);
}

enum verdict
letter_open(struct letter *l, struct err *err)
{
	struct stat st;
	enum verdict v;

	if (l->fd >= 0)
		return VERDICT_OK;
	v = mailbox_open_message(l->mb, l->mail.uid, &l->fd, err);
	if (v != VERDICT_OK)
		return v;
	if (fstat(l->fd, &st) != 0)
		return err_sys(err, errno, "look at message");
	l->size = (uint64_t)st.st_size;
	l->changed = l->size != l->mail.size;
	if (l->changed) {
		l->cache = (struct cache_entry){ .part = { { NULL, 0 } } };
		l->tried = TRIED_CACHE;
		l->root = NULL;
	}
	return VERDICT_OK;
}

uint64_t
letter_size(const struct letter *l)
{
	return l->size;
}

enum verdict
letter_read(struct letter *l, uint64_t at, size_t n, struct str *out, struct err *err)
{
	char *p = str_reserve(out, n);
	ssize_t got;

	if (!p)
		return err_set(err, VERDICT_LIMIT, "the message is too large");
	got = at <= INT64_MAX ? sys_pread_all(l->fd, p, n, (off_t)at) : 0;
	if (got < 0)
		return err_sys(err, errno, "read message");
	str_grew(out, (size_t)got);
	return VERDICT_OK;
}

static void
letter_look_up(struct letter *l)
{
	if (l->tried & TRIED_CACHE)
		return;
	l->tried |= TRIED_CACHE;
	(void)mailbox_cache_get(l->mb, l->mail.uid, &l->bytes, &l->cache, NULL);
	if (l->cache.part[CACHE_PARTS].p)
		l->root = parts_get(l->cache.part[CACHE_PARTS], &l->arena);
}

/* From the open file. */
static enum verdict
letter_parse(struct letter *l, struct err *err)
{
	struct str block = STR_INIT(BLOCK);
	struct mime *mime;
	enum verdict v = VERDICT_OK;
	uint64_t at = 0;

	arena_reset(&l->arena);
	mime = mime_new(&l->arena);
	do {
		str_reset(&block);
		v = letter_read(l, at, BLOCK, &block, err);
		mime_feed(mime, str_span(&block));
		at += block.n;
	} while (v == VERDICT_OK && block.n == BLOCK);
	l->root = mime_finish(mime);
	mime_free(mime);
	str_free(&block);
	l->size = at;
	l->tried |= TRIED_PARSE;
	if (v == VERDICT_OK && !l->root)
		v = err_set(err, VERDICT_LIMIT, "the message has too many parts");
	return v;
}

/* The fields that are kept, from the header of the open file, parsed before. */
static enum verdict
letter_pick(struct letter *l, struct err *err)
{
	size_t n = (size_t)(l->root->header.size < LIMIT_HEADER_BLOCK ? l->root->header.size
								      : LIMIT_HEADER_BLOCK);
	struct str header = STR_INIT(LIMIT_HEADER_BLOCK);
	enum verdict v = letter_read(l, l->root->header.at, n, &header, err);

	str_reset(&l->picked);
	if (v == VERDICT_OK)
		cache_pick_headers(str_span(&header), &l->picked);
	str_free(&header);
	l->tried |= TRIED_PICK;
	return v;
}

/* Reads the file and caches what is found; a cache that takes nothing costs time alone. */
static enum verdict
letter_learn(struct letter *l, struct err *err)
{
	struct str parts = STR_INIT(LIMIT_MAIL_CACHE);
	struct cache_entry entry = { .part = { { NULL, 0 } } };
	enum verdict v = letter_open(l, err);

	if (v == VERDICT_OK)
		v = letter_parse(l, err);
	if (v == VERDICT_OK)
		v = letter_pick(l, err);
	if (v == VERDICT_OK && !l->changed && parts_put(&parts, l->root)) {
		entry.part[CACHE_PARTS] = str_span(&parts);
		entry.part[CACHE_HEADERS] = span_of(l->picked.n ? l->picked.p : "", l->picked.n);
		(void)mailbox_cache_put(l->mb, l->mail.uid, &entry, NULL);
	}
	str_free(&parts);
	return v;
}

void
letter_distrust(struct letter *l)
{
	l->changed = false;
	(void)letter_learn(l, NULL);
}

enum verdict
letter_parts(struct letter *l, const struct mime_part **out, struct err *err)
{
	enum verdict v = VERDICT_OK;

	letter_look_up(l);
	if (!l->root)
		v = letter_learn(l, err);
	*out = l->root;
	return v;
}

enum verdict
letter_headers(struct letter *l, struct span *out, struct err *err)
{
	enum verdict v = VERDICT_OK;

	letter_look_up(l);
	*out = l->cache.part[CACHE_HEADERS];
	if (out->p)
		return VERDICT_OK;
	if (!(l->tried & TRIED_PICK))
		v = letter_learn(l, err);
	*out = str_span(&l->picked);
	return v;
}

enum verdict
letter_vsize(struct letter *l, uint64_t *out, struct err *err)
{
	size_t i;
	enum verdict v = VERDICT_OK;

	if (l->mail.vsize == 0 && l->mail.size > 0) {
		v = mailbox_measure(l->mb, l->mail.uid, err);
		i = mailbox_find(l->mb, l->mail.uid);
		if (v == VERDICT_OK && i < mailbox_count(l->mb) &&
		    mailbox_at(l->mb, i)->uid == l->mail.uid)
			l->mail = *mailbox_at(l->mb, i);
	}
	*out = l->mail.vsize;
	return v;
}
