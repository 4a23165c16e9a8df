/*
 * Messages of other projects' test sets, where they lie beside the source (CORPUS, or
 * ../shared/corpus from its top): each is parsed whole and in pieces, within its time, to the same
 * legal BODYSTRUCTURE; trees are compared with those that mime4j and mail-parser made of the same
 * files. Where they differ, the table below says why ours stands. Without the corpus there is
 * nothing to test.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/limits.h"
#include "base/sys.h"
#include "message/envelope.h"
#include "message/mime.h"
#include "tests/unit/message/imap_syntax.h"
#include "tests/unit/message/test.h"

#define FILE_MAX_SIZE (8u << 20)

struct tally {
	size_t messages;
	size_t compared;
	size_t agreed;
	size_t explained;
};

/* Files whose tree in the other project is another one, and why ours stands. */
static const struct {
	const char *path, *reason;
} known[] = {
	{ "mime/mail-parser/malformed/000.eml",
	    "an open boundary ends a header, even if it looks like a field" },
	{ "mime/mail-parser/malformed/007.eml",
	    "\"--ab\" in the header that will open \"ab\" begins with \"--a\"" },
	{ "mime/mail-parser/malformed/013.eml",
	    "a boundary that ends the text opens an empty part" },
	{ "mime/mail-parser/malformed/016.eml",
	    "of boundaries that begin a line the longest counts" },
	{ "mime/mail-parser/malformed/019.eml", "a line without a colon ends a header" },
	{ "mime/mail-parser/malformed/020.eml", "of two Content-Type fields the first counts" },
	{ "mime/mail-parser/thirdparty/001.eml",
	    "its line ends are mixed; their offsets are of another text" },
	{ "mime/mime4j/testmsgs/bad-newlines-multiple-parts-base64.eml",
	    "an encoded message/rfc822 is not looked into (RFC 2046 5.2.1)" },
	{ "mime/mime4j/testmsgs/base64encoded-rfc822message-nested.eml", "the same" },
	{ "mime/mime4j/testmsgs/very-long-boundary.eml",
	    "a boundary has 70 bytes at most; we take 200" },
	{ "mime/mime4j/testmsgs/very-very-long-boundary.eml", "the same" },
	{ "mime/mime4j/testmsgs/weird-boundary.eml",
	    "a boundary cannot end with a blank (RFC 2046 5.1.1)" },
};

static bool
is_known(struct span path)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (span_eq(path, span_str(known[i].path)))
			return true;
	}
	return false;
}

static const char *
corpus_root(struct str *out)
{
	const char *env = getenv("CORPUS");
	const char *srcdir = getenv("srcdir");

	if (env)
		str_puts(out, env);
	else
		str_printf(out, "%s/../shared/corpus", srcdir ? srcdir : ".");
	return str_cstr(out);
}

/* The file's bytes; false when it is not there. */
static bool
file_read(const char *root, struct span path, const char *suffix, struct str *out)
{
	struct str name = STR_INIT(4096);
	struct stat st;
	int fd;

	str_printf(&name, "%s/%.*s%s", root, SPAN_ARG(path), suffix);
	fd = sys_openat(AT_FDCWD, str_cstr(&name), O_RDONLY, 0);
	str_free(&name);
	if (fd < 0)
		return false;
	str_reset(out);
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < FILE_MAX_SIZE)
		str_grew(out, (size_t)sys_pread_all(
				  fd, str_reserve(out, (size_t)st.st_size), (size_t)st.st_size, 0));
	sys_close(fd);
	return true;
}

static const struct mime_part *
parse_pieces(struct span message, struct arena *arena)
{
	struct mime *m = mime_new(arena);
	const struct mime_part *root;

	while (message.n > 0) {
		size_t n = 1 + rand_below(200);

		mime_feed(m, span_head(message, n));
		message = span_from(message, n);
	}
	root = mime_finish(m);
	mime_free(m);
	return root;
}

static void
check_structure(const char *name, struct span message, const struct mime_part *root)
{
	struct arena arena;
	struct str whole = STR_INIT(16 << 20);
	struct str pieces = STR_INIT(16 << 20);

	arena_init(&arena, LIMIT_MIME_MEMORY);
	body_put(&whole, root, true);
	expect_legal(name, str_span(&whole));
	body_put(&pieces, parse_pieces(message, &arena), true);
	expect_span(name, str_span(&pieces), str_span(&whole));
	str_reset(&whole);
	envelope_put(&whole, root);
	expect_legal(name, str_span(&whole));
	str_free(&whole);
	str_free(&pieces);
	arena_free(&arena);
}

/* Our tree as mime4j's tags would have it: P[ ] multipart, M( ) message, L leaf. */
static void
put_shape(const struct mime_part *root, struct str *out)
{
	static const char *const open[] = { "L", "P[", "M(" };
	static const char *const close[] = { "", "]", ")" };

	for (const struct mime_part *p = root; p; p = mime_next(root, p)) {
		const struct mime_part *up = p;

		str_puts(out, open[p->kind]);
		if (p->child)
			continue;
		str_puts(out, close[p->kind]);
		for (; up != root && !up->next; up = up->parent)
			str_puts(out, close[up->parent->kind]);
	}
}

static void
xml_shape(struct span xml, struct str *out)
{
	static const struct {
		struct span tag;
		const char *shape;
	} tags[] = {
		{ SPAN("<multipart>"), "P[" },
		{ SPAN("</multipart>"), "]" },
		{ SPAN("<message>"), "M(" },
		{ SPAN("</message>"), ")" },
		{ SPAN("<body>"), "L" },
	};

	while (xml.n > 0) {
		xml = span_from(xml, span_find(xml, '<'));
		for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
			if (span_starts(xml, tags[i].tag))
				str_puts(out, tags[i].shape);
		}
		xml = span_from(xml, 1);
	}
}

#define OFFSETS_MAX 100

/* Where the bodies of all parts begin, in rising order. */
struct offsets {
	uint64_t at[OFFSETS_MAX];
	size_t n;
};

static int
offset_cmp(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void
put_offsets(struct offsets *o, struct str *out)
{
	qsort(o->at, o->n, sizeof(o->at[0]), offset_cmp);
	for (size_t i = 0; i < o->n; i++)
		str_printf(out, "%llu ", (unsigned long long)o->at[i]);
}

static void
tree_offsets(const struct mime_part *root, struct str *out)
{
	struct offsets o = { .n = 0 };

	for (const struct mime_part *p = root; p && o.n < OFFSETS_MAX; p = mime_next(root, p))
		o.at[o.n++] = p->body.at;
	put_offsets(&o, out);
}

static void
json_offsets(struct span json, struct str *out)
{
	static const struct span key = SPAN("\"offset_body\": ");
	struct offsets o = { .n = 0 };

	for (;;) {
		struct cursor c;

		json = span_from(json, span_find_span(json, key));
		json = span_from(json, key.n);
		c = cursor_of(json);
		if (o.n == OFFSETS_MAX || !cursor_u64(&c, UINT64_MAX, &o.at[o.n]))
			break;
		o.n++;
	}
	put_offsets(&o, out);
}

static void
compare(struct span path, struct span ours, struct span theirs, struct tally *t)
{
	bool same = span_eq(ours, theirs);

	t->compared++;
	t->agreed += same;
	t->explained += !same && is_known(path);
	if (!same && !is_known(path))
		print_message("%.*s:\n  ours   %.*s\n  theirs %.*s\n", SPAN_ARG(path),
		    SPAN_ARG(ours), SPAN_ARG(theirs));
}

static void
check_message(const char *root_path, struct span path, struct str *file, struct tally *t)
{
	struct arena arena;
	const struct mime_part *root;
	struct span stem = span_head(path, path.n - 4);
	struct str ours = STR_INIT(1 << 20);
	struct str theirs = STR_INIT(1 << 20);
	struct str other = STR_INIT(FILE_MAX_SIZE);
	uint64_t started = cpu_now();

	arena_init(&arena, LIMIT_MIME_MEMORY);
	root = mime_parse(str_span(file), &arena);
	assert_non_null(root);
	check_structure(path.p, str_span(file), root);
	expect_quick(path.p, started);
	t->messages++;
	if (file_read(root_path, stem, ".xml", &other)) {
		str_puts(&ours, "M(");
		put_shape(root, &ours);
		str_putc(&ours, ')');
		xml_shape(str_span(&other), &theirs);
		compare(path, str_span(&ours), str_span(&theirs), t);
	} else if (file_read(root_path, stem, ".json", &other)) {
		tree_offsets(root, &ours);
		json_offsets(str_span(&other), &theirs);
		/* Their results for files with CRs are of the text without them; the other file is
		 * of the text with them. */
		if (!span_eq(str_span(&ours), str_span(&theirs)) &&
		    memchr(file->p, '\r', file->n) &&
		    file_read(root_path, stem, ".crlf.json", &other)) {
			str_reset(&theirs);
			json_offsets(str_span(&other), &theirs);
		}
		compare(path, str_span(&ours), str_span(&theirs), t);
	}
	str_free(&ours);
	str_free(&theirs);
	str_free(&other);
	arena_free(&arena);
}

static void
test_corpus(void **state)
{
	struct str root = STR_INIT(4096);
	struct str index = STR_INIT(FILE_MAX_SIZE);
	struct str file = STR_INIT(FILE_MAX_SIZE);
	struct span rest;
	struct span line;
	struct tally t = { 0 };

	(void)state;
	if (!file_read(corpus_root(&root), span_lit("mime/INDEX.tsv"), "", &index)) {
		str_free(&root);
		skip();
	}
	rest = str_span(&index);
	while (span_token(&rest, span_lit("\n"), &line)) {
		struct span path = span_head(line, span_find(line, '\t'));

		if (span_ends(path, span_lit(".eml")) &&
		    file_read(str_cstr(&root), path, "", &file))
			check_message(str_cstr(&root), path, &file, &t);
	}
	print_message(
	    "%zu messages; %zu trees compared: %zu agree, %zu differ for a known reason\n",
	    t.messages, t.compared, t.agreed, t.explained);
	assert_int_equal(t.agreed + t.explained, t.compared);
	str_free(&root);
	str_free(&index);
	str_free(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
