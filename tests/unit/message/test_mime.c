/*
 * The MIME tree: RFC 2046, parameters of RFC 2231, IMAP's part numbers; each message fed at every
 * cut. Trees are shown as type/subtype[at+size,crlf,lines] with children in braces, extents being
 * those of bodies. Then the bombs of ABUSE 23, each within a second and with a known answer.
 */
#include "config.h"

#include "base/limits.h"
#include "message/mime.h"
#include "message/mime_field.h"
#include "tests/unit/message/test.h"

static const struct {
	const char *name, *in, *want;
} trees[] = {
	{ "plain", "A: b\r\n\r\nhi\r\n", "text/plain[8+4,4,1]" },
	{ "plain lf", "A: b\n\nhi\n\n", "text/plain[6+4,6,2]" },
	{ "empty", "", "text/plain[0+0,0,0]" },
	{ "header alone", "A: b\r\n", "text/plain[6+0,0,0]" },
	{ "no header", "hi\r\n", "text/plain[0+4,4,1]" },
	{ "html", "Content-Type: text/html; charset=x\r\n\r\n<p>", "text/html[38+3,3,0]" },
	{ "bad type", "Content-Type: text\r\n\r\n<p>", "text/plain[22+3,3,0]" },
	{ "two types", "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", "a/b[40+0,0,0]" },
	{ "folded",
	    "Content-Type:\r\n (x) multipart\r\n /mixed;\r\n boundary\r\n =\r\n "
	    "b\r\n\r\n--b\r\n\r\nx"
	    "\r\n--b--\r\n",
	    "multipart/mixed[62+17,17,4]{text/plain[69+1,1,0]}" },
	{ "two parts",
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\n"
	    "Content-Type: text/html\r\n\r\ntwo\r\n\r\n--b--\r\npost\r\n",
	    "multipart/mixed[45+69,69,11]{text/plain[57+3,3,0]text/html[94+5,5,1]}" },
	{ "two parts lf",
	    "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n--b\n"
	    "Content-Type: text/html\n\ntwo\n\n--b--\npost\n",
	    "multipart/mixed[43+58,69,11]{text/plain[52+3,3,0]text/html[85+4,5,1]}" },
	{ "no end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n",
	    "multipart/mixed[43+9,12,3]{text/plain[48+4,5,1]}" },
	{ "no parts", "Content-Type: multipart/mixed; boundary=b\n\nhello\n",
	    "multipart/mixed[43+6,7,1]{}" },
	{ "no boundary", "Content-Type: multipart/mixed\n\n--b\n\none\n", "text/plain[31+9,12,3]" },
	{ "empty boundary", "Content-Type: multipart/mixed; boundary=\" \"\n\n--\n",
	    "text/plain[45+3,4,1]" },
	{ "empty part", "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b--\n",
	    "multipart/mixed[43+10,12,2]{text/plain[47+0,0,0]}" },
	{ "empty body", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n",
	    "multipart/mixed[43+11,14,3]{text/plain[48+0,0,0]}" },
	{ "blanks after the boundary",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\nx\n--b-- \n",
	    "multipart/mixed[43+16,20,4]{text/plain[50+1,1,0]}" },
	{ "boundary with blanks",
	    "Content-Type: multipart/mixed; boundary=\"b c \"\n\n--b c\n\nx\n--b c--\n",
	    "multipart/mixed[48+17,21,4]{text/plain[55+1,1,0]}" },
	{ "boundary in the header",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: c\n--b\n\nx\n",
	    "multipart/mixed[43+16,21,5]{text/plain[52+0,0,0]text/plain[57+2,3,1]}" },
	{ "no line end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b",
	    "multipart/mixed[43+10,13,3]{text/plain[48+1,1,0]}" },
	{ "after the end",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n--b\n\ny\n",
	    "multipart/mixed[43+20,27,7]{text/plain[48+1,1,0]}" },
	{ "nested",
	    "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: "
	    "multipart/alternative; "
	    "boundary=b\n\n--b\n\nx\n--b\n\ny\n--b--\n\n--a\n\nz\n--a--\n",
	    "multipart/mixed[43+87,102,15]{multipart/alternative[96+20,27,7]{text/plain[101+1,1,0]"
	    "text/plain[108+1,1,0]}text/plain[122+1,1,0]}" },
	{ "inner not ended",
	    "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: "
	    "multipart/alternative; "
	    "boundary=b\n\n--b\n\nx\n--a\n\nz\n--a--\n",
	    "multipart/mixed[43+73,83,10]{multipart/alternative[96+6,8,2]{text/plain[101+1,1,0]}"
	    "text/plain[108+1,1,0]}" },
	{ "boundary begins another",
	    "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; "
	    "boundary=ab\n\n--ab\n\nx\n--ab--\n--a--\n",
	    "multipart/mixed[43+69,77,8]{multipart/mixed[91+14,17,3]{text/plain[97+1,1,0]}}" },
	{ "same boundary twice",
	    "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; "
	    "boundary=a\n\n--a\n\nx\n--a--\n--a\n\ny\n--a--\n",
	    "multipart/mixed[43+73,84,11]{multipart/mixed[90+12,15,3]{text/plain[95+1,1,0]}"
	    "text/plain[108+1,1,0]}" },
	{ "message", "Content-Type: message/rfc822\n\nSubject: in\n\nhello\n",
	    "message/rfc822[30+19,22,3]{text/plain[43+6,7,1]}" },
	{ "message without a header", "Content-Type: message/rfc822\n\nhello\n",
	    "message/rfc822[30+6,7,1]{text/plain[30+6,7,1]}" },
	{ "message in a message",
	    "Content-Type: message/rfc822\n\nContent-Type: message/global\n\nA: b\n\nx",
	    "message/rfc822[30+37,41,4]{message/global[60+7,9,2]{text/plain[66+1,1,0]}}" },
	{ "empty message", "Content-Type: message/rfc822\n\n",
	    "message/rfc822[30+0,0,0]{text/plain[30+0,0,0]}" },
	{ "digest",
	    "Content-Type: multipart/digest; boundary=a\n\n--a\n\nA: b\n\nx\n--a\nContent-Type: "
	    "text/plain\n\ny\n--a--\n",
	    "multipart/digest[44+51,61,10]{message/rfc822[49+7,9,2]{text/plain[55+1,1,0]}"
	    "text/plain[87+1,1,0]}" },
	{ "message cut by a boundary",
	    "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: "
	    "message/rfc822\n\n--a--\n",
	    "multipart/mixed[43+40,44,4]{message/rfc822[77+0,0,0]{text/plain[77+0,0,0]}}" },
	{ "multipart in a message",
	    "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; "
	    "boundary=a\n\n--a\n\nx\n--a--\n",
	    "message/rfc822[30+56,62,6]{multipart/mixed[73+13,17,4]{text/plain[78+1,1,0]}}" },
	{ "boundary for an empty line",
	    "Content-Type: multipart/mixed; boundary=b\n--b\n\nx\n--b--\n",
	    "multipart/mixed[42+13,17,4]{text/plain[47+1,1,0]}" },
	{ "other type", "Content-Type: message/delivery-status\n\nA: b\n\n",
	    "message/delivery-status[39+6,8,2]" },
	{ "bare CR", "A: b\r\n\r\nx\ry\r", "text/plain[8+4,4,0]" },
	{ "From_", "From x y\nContent-Type: a/b\n\nx", "a/b[28+1,1,0]" },
	{ "rfc2231 boundary",
	    "Content-Type: multipart/mixed; boundary*1=c; boundary*0=\"b\"\n\n--bc\n\nx\n--bc--\n",
	    "multipart/mixed[61+15,19,4]{text/plain[67+1,1,0]}" },
	{ "dashes", "Content-Type: multipart/mixed; boundary=\"--\"\n\n----\n\nx\n------\n",
	    "multipart/mixed[46+15,19,4]{text/plain[52+1,1,0]}" },
};

static void
put_tree(const struct mime_part *root, struct str *out)
{
	const struct mime_part *p = root;

	while (p) {
		const struct mime_part *up = p;

		str_printf(out, "%.*s/%.*s[%llu+%llu,%llu,%llu]", SPAN_ARG(p->type),
		    SPAN_ARG(p->subtype), (unsigned long long)p->body.at,
		    (unsigned long long)p->body.size, (unsigned long long)p->body.crlf_size,
		    (unsigned long long)p->body.lines);
		if (p->kind != MIME_LEAF)
			str_puts(out, p->child ? "{" : "{}");
		for (; !p->child && up != root && !up->next; up = up->parent)
			str_putc(out, '}');
		p = mime_next(root, p);
	}
}

static const struct mime_part *
feed_cut(struct span in, size_t a, size_t b, struct arena *arena)
{
	struct mime *m = mime_new(arena);
	const struct mime_part *root;

	mime_feed(m, span_head(in, a));
	mime_feed(m, span_from(span_head(in, b), a));
	mime_feed(m, span_from(in, b));
	root = mime_finish(m);
	mime_free(m);
	return root;
}

static void
test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		struct span in = span_str(trees[i].in);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct arena arena;
			struct str got = STR_INIT(10000);

			arena_init(&arena, 1 << 20);
			put_tree(feed_cut(in, cut, size_min(in.n, cut + 2), &arena), &got);
			expect_text(trees[i].name, str_span(&got), trees[i].want);
			str_free(&got);
			arena_free(&arena);
		}
	}
}

static void
test_fields(void **state)
{
	struct arena arena;
	const struct mime_part *root;

	(void)state;
	arena_init(&arena, 1 << 20);
	root = mime_parse(span_lit("From: a\nSUBJECT: b\n c\nSubject: d\nContent-ID: <x>\n"
				   "Content-Type: message/rfc822\n\nTo: e\n\n"),
	    &arena);
	expect_text("from", root->envelope[ENVELOPE_FROM], " a");
	expect_text("first counts", root->envelope[ENVELOPE_SUBJECT], " b\n c");
	assert_null(root->envelope[ENVELOPE_TO].p);
	expect_text("id", root->field[MIME_ID], " <x>");
	expect_text("inner", root->child->envelope[ENVELOPE_TO], " e");
	arena_free(&arena);
}

static void
test_find(void **state)
{
	static const char message[] =
	    "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\nContent-Type: "
	    "message/rfc822\n\n"
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: i/a\n\n--b\n"
	    "Content-Type: i/b\n\n--b--\n--a\nContent-Type: message/rfc822\n\nContent-Type: "
	    "i/c\n\nx\n--a--\n";
	static const struct {
		uint32_t path[4];
		size_t n;
		const char *want; /* type/subtype */
	} rows[] = {
		{ { 0 }, 0, "multipart/mixed" },
		{ { 1 }, 1, "text/plain" },
		{ { 1, 1 }, 2, NULL },
		{ { 2 }, 1, "message/rfc822" },
		{ { 2, 1 }, 2, "i/a" },
		{ { 2, 2 }, 2, "i/b" },
		{ { 2, 3 }, 2, NULL },
		{ { 2, 2, 1 }, 3, NULL },
		{ { 3 }, 1, "message/rfc822" },
		{ { 3, 1 }, 2, "i/c" },
		{ { 3, 2 }, 2, NULL },
		{ { 3, 1, 1 }, 3, NULL },
		{ { 4 }, 1, NULL },
		{ { 0 }, 1, NULL },
		{ { UINT32_MAX }, 1, NULL },
	};
	struct arena arena;
	const struct mime_part *root;

	(void)state;
	arena_init(&arena, 1 << 20);
	root = mime_parse(span_str(message), &arena);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct mime_part *p = mime_find(root, rows[i].path, rows[i].n);
		struct str got = STR_INIT(100);

		if (p)
			str_printf(&got, "%.*s/%.*s", SPAN_ARG(p->type), SPAN_ARG(p->subtype));
		expect_text(rows[i].want ? rows[i].want : "none", str_span(&got),
		    rows[i].want ? rows[i].want : "");
		str_free(&got);
	}
	root = mime_parse(span_lit("\nhello"), &arena);
	assert_ptr_equal(mime_find(root, (uint32_t[]){ 1 }, 1), root);
	assert_null(mime_find(root, (uint32_t[]){ 1, 1 }, 2));
	root = mime_parse(span_lit("Content-Type: message/rfc822\n\nA: b\n\nhello"), &arena);
	assert_ptr_equal(mime_find(root, (uint32_t[]){ 1 }, 1), root);
	assert_ptr_equal(mime_find(root, (uint32_t[]){ 1, 1 }, 2), root->child);
	arena_free(&arena);
}

static const struct {
	const char *in;
	const char *want; /* name=value, a star for extended; NULL: no type */
	const char *text; /* the last one as UTF-8 */
} params[] = {
	{ "text/plain", "", NULL },
	{ " text/plain ; charset=utf-8", "charset=utf-8;", "utf-8" },
	{ "text/plain;charset=\"a b\";x=y", "charset=a b;x=y;", "y" },
	{ "text/plain; a=\"q\\\"\\\\\"", "a=q\"\\;", "q\"\\" },
	{ "text (c) / (d) plain (e); (f) a (g) = (h) b (i)", "a=b;", "b" },
	{ "a/b; n=foo=bar/baz", "n=foo=bar/baz;", "foo=bar/baz" },
	{ "a/b; n=foo bar.pdf; m=x", "n=foo;m=x;", "x" },
	{ "a/b;;; ; n=x;", "n=x;", "x" },
	{ "a/b; n; m=x", "m=x;", "x" },
	{ "a/b; =y; m=x", "m=x;", "x" },
	{ "a/b; n=\"x", "n=x;", "x" },
	{ "a/b; n=", "n=;", "" },
	{ "a/b; n=\"\"", "n=;", "" },
	{ "a/b junk; n=x", "n=x;", "x" },
	{ "a/b n=x", "n=x;", "x" },
	{ "a/b; n=\"x\"y; m=z", "n=x;m=z;", "z" },
	{ "a/b; t*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	    "t*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A;", "This is ***fun***" },
	{ "a/b; u*0=\"ftp://\"; u*1=\"cs.utk.edu\"", "u=ftp://cs.utk.edu;", "ftp://cs.utk.edu" },
	{ "a/b; u*1=\"cs.utk.edu\"; u*0=\"ftp://\"", "u=ftp://cs.utk.edu;", "ftp://cs.utk.edu" },
	{ "a/b; t*0*=utf-8''J%C3; t*1*=%B6rg%20; t*2=\"isn't %it\"",
	    "t*=utf-8''J%C3%B6rg%20isn't%20%25it;", "J\xc3\xb6rg isn't %it" },
	{ "a/b; t*0=x; t*2=y", "t=x;", "x" },
	{ "a/b; t*1=x", "", NULL },
	{ "a/b; t*0=x; t*0=y; t*1=z", "t=x;", "x" },
	{ "a/b; t*99999=x", "t*99999=x;", "x" },
	{ "a/b; f=a; f*=utf-8''b", "f=a;f*=utf-8''b;", "b" },
	{ "a/b; f*=''%41", "f*=''%41;", "A" },
	{ "a/b; f*=x-foo''%41%ff", "f*=x-foo''%41%ff;", "A\xef\xbf\xbd" },
	{ "a/b; f*=%41%4", "f*=%41%4;", "A%4" },
	{ "a/b; f=\"=?iso-8859-1?q?J=F6?=\"", "f==?iso-8859-1?q?J=F6?=;", "J\xc3\xb6" },
	{ "a/b; f*=utf-8''a%0d%0ab", "f*=utf-8''a%0d%0ab;", "a  b" },
	{ "a", NULL, NULL },
	{ "a/", NULL, NULL },
	{ "/b", NULL, NULL },
	{ "", NULL, NULL },
};

static void
test_params(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		struct arena arena;
		struct mime_value v;
		struct str got = STR_INIT(1000);
		struct str text = STR_INIT(1000);
		bool ok;

		arena_init(&arena, 1 << 20);
		ok = mime_type_parse(span_str(params[i].in), &arena, &v);
		expect_number(params[i].in, ok, params[i].want != NULL);
		for (size_t k = 0; k < v.param_count; k++)
			str_printf(&got, "%.*s%s=%.*s;", SPAN_ARG(v.param[k].name),
			    v.param[k].extended ? "*" : "", SPAN_ARG(v.param[k].value));
		expect_text(params[i].in, str_span(&got), ok ? params[i].want : "");
		if (params[i].text) {
			const struct mime_param *p =
			    mime_param_find(&v, v.param[v.param_count - 1].name);

			mime_param_put_text(&text, p);
			expect_text(params[i].in, str_span(&text), params[i].text);
		}
		str_free(&got);
		str_free(&text);
		arena_free(&arena);
	}
}

static size_t
count_parts(const struct mime_part *root)
{
	size_t n = 0;

	for (const struct mime_part *p = root; p; p = mime_next(root, p))
		n++;
	return n;
}

/* HEAD once, then REPEAT with its "#" replaced by a number, COUNT times. */
static void
bomb(struct str *out, const char *head, const char *repeat, size_t count)
{
	str_reset(out);
	str_puts(out, head);
	for (size_t i = 0; i < count; i++) {
		for (const char *c = repeat; *c; c++) {
			if (*c == '#')
				str_put_u64(out, i);
			else
				str_putc(out, *c);
		}
	}
}

#define HEAD "Content-Type: multipart/mixed; boundary=b\n\n"

static const struct {
	const char *name, *head, *repeat;
	size_t count;
	size_t parts;
	bool limited;
} bombs[] = {
	{ "depth", "", "Content-Type: multipart/mixed; boundary=b#.\n\n--b#.\n", 100000, 100,
	    true },
	{ "depth and prefixes", "", "Content-Type: multipart/mixed; boundary=b#\n\n--b#\n", 100000,
	    10000, true },
	{ "messages", "", "Content-Type: message/rfc822\n\n", 100000, 100, true },
	{ "parts", HEAD, "--b\n\nx\n", 1000000, 10000, true },
	{ "empty parts", HEAD, "--b\n", 1000000, 10000, true },
	{ "dashes", HEAD, "--\n", 1000000, 1, false },
	{ "nearly boundaries", HEAD, "--a\n", 1000000, 1, false },
	{ "same boundary", "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 100000, 10000,
	    true },
	{ "ends", HEAD, "--b--\n", 1000000, 1, false },
	{ "folds", "Subject: x\n", " x\n", 1000000, 1, true },
	{ "fields", "", "A: b\n", 1000000, 1, true },
	{ "types", "", "Content-Type: a/b\n", 100000, 1, true },
	{ "one line", "\n", "0123456789", 1000000, 1, false },
	{ "line ends", "\n", "\n", 4000000, 1, false },
	{ "name", "", "aaaaaaaaaa", 1000000, 1, false },
	{ "continuations", "Content-Type: a/b", "; f*#*=x", 100000, 1, true },
	{ "continuations backwards", "Content-Type: a/b", "; f*#=x;f*0=y", 50000, 1, true },
	{ "semicolons", "Content-Type: a/b", ";", 1000000, 1, false },
	{ "comments", "Content-Type: a/b", "(", 1000000, 1, false },
	{ "quotes", "Content-Type: a/b; x=", "\"\\", 500000, 1, false },
	{ "From_", "", "From x\n", 500000, 1, true },
	{ "nul", "", "\x01\x7f", 500000, 1, false },
};

static void
test_bombs(void **state)
{
	struct str in = STR_INIT(64 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		struct arena arena;
		struct mime *m;
		uint64_t started;

		bomb(&in, bombs[i].head, bombs[i].repeat, bombs[i].count);
		arena_init(&arena, LIMIT_MIME_MEMORY);
		started = cpu_now();
		m = mime_new(&arena);
		for (struct span rest = str_span(&in); rest.n > 0; rest = span_from(rest, 65536))
			mime_feed(m, span_head(rest, 65536));
		expect_number(bombs[i].name, count_parts(mime_finish(m)), bombs[i].parts);
		expect_quick(bombs[i].name, started);
		expect_number(bombs[i].name, mime_limited(m), bombs[i].limited);
		mime_free(m);
		arena_free(&arena);
	}
	str_free(&in);
}

/* A hundred open boundaries that have 180 bytes in common, and lines that nearly match all of them.
 */
static void
test_common_boundaries(void **state)
{
	struct str in = STR_INIT(64 << 20);
	struct str common = STR_INIT(1000);
	struct arena arena;
	uint64_t started;

	(void)state;
	for (size_t i = 0; i < 180; i++)
		str_putc(&common, 'x');
	for (size_t i = 0; i < 99; i++)
		str_printf(&in, "Content-Type: multipart/mixed; boundary=%s%zu.\n\n--%s%zu.\n",
		    str_cstr(&common), i, str_cstr(&common), i);
	str_puts(&in, "\n");
	while (in.n < 16 << 20)
		str_printf(&in, "--%s\n", str_cstr(&common));
	arena_init(&arena, LIMIT_MIME_MEMORY);
	started = cpu_now();
	expect_number("parts", count_parts(mime_parse(str_span(&in), &arena)), 100);
	expect_quick("common boundaries", started);
	arena_free(&arena);
	str_free(&common);
	str_free(&in);
}

/* With too little memory there is less of a tree, but a tree. */
static void
test_small_arena(void **state)
{
	struct str in = STR_INIT(1 << 20);

	(void)state;
	bomb(&in, HEAD, "--b\nContent-Type: message/rfc822\n\nFrom: a\n\nx\n", 100);
	for (size_t cap = 0; cap < 20000; cap += 100) {
		struct arena arena;
		struct mime *m;
		const struct mime_part *root;

		arena_init(&arena, cap);
		m = mime_new(&arena);
		mime_feed(m, str_span(&in));
		root = mime_finish(m);
		assert_true(mime_limited(m));
		if (root)
			assert_in_range(count_parts(root), 1, 200);
		mime_free(m);
		arena_free(&arena);
	}
	str_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_common_boundaries),
		cmocka_unit_test(test_small_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
