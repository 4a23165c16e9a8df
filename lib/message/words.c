/*
 * Encoded words: RFC 2047, with RFC 2231 5 (a language after the charset, ignored). Called to show
 * headers, for SEARCH and SORT, and by bounce and sendmail to write them. Linear: each "=?" is
 * looked at once, each word's text once. Output is valid UTF-8 on one line.
 */
#include "config.h"

#include "base/base64.h"
#include "base/cursor.h"
#include "base/utf8.h"
#include "message/charset.h"
#include "message/decode.h"
#include "message/words.h"

#define WORD_BYTES \
	45 /* of text in a word: base64 of it and "=?utf-8?B?" "?=" make 72 of 75 (RFC 2047 2) */

struct word {
	struct span charset;
	char encoding; /* 'b' or 'q' */
	struct span text;
};

/* Takes the word that begins at the cursor; false, and the cursor stays, when there is none. */
static bool
word_take(struct cursor *c, struct word *out)
{
	struct cursor at = *c;
	struct span encoding;

	if (!cursor_word(&at, span_lit("=?")))
		return false;
	out->charset = cursor_run(&at, CC_TOKEN);
	out->charset = span_head(out->charset, span_find(out->charset, '*'));
	if (!cursor_skip(&at, '?') || !cursor_take(&at, 1, &encoding) || !cursor_skip(&at, '?'))
		return false;
	out->encoding = ascii_lower(encoding.p[0]);
	if (out->encoding != 'b' && out->encoding != 'q')
		return false;
	if (!cursor_until(&at, '?', &out->text) || !cursor_skip(&at, '='))
		return false;
	*c = at;
	return true;
}

static void
word_decode(const struct word *w, struct str *bytes)
{
	if (w->encoding == 'b')
		decode_put_base64(bytes, w->text);
	else
		decode_put_q(bytes, w->text);
}

/* Bytes of words that follow each other in one charset; written when another begins, or text. */
struct gather {
	struct span charset;
	struct str bytes;
};

static void
gather_flush(struct gather *g, struct str *out)
{
	struct str text = STR_INIT(4 * g->bytes.n + 4);

	charset_put_utf8(&text, g->charset, str_span(&g->bytes));
	/* A line end that was encoded is still none: the value is one line. */
	for (size_t i = 0; i < text.n; i++)
		str_putc(out, text.p[i] == '\r' || text.p[i] == '\n' ? ' ' : text.p[i]);
	str_reset(&g->bytes);
	str_free(&text);
}

/* One word, or text up to where the next may begin. BLANKS: those before it, not yet written. */
static void
piece_take(struct cursor *c, struct span blanks, struct gather *g, struct str *out)
{
	struct word w;
	const char *from = c->p;

	if (word_take(c, &w) && charset_known(w.charset)) {
		if (g->bytes.n == 0)
			charset_put_clean(out, blanks);
		if (g->bytes.n > 0 && !span_eq_nocase(g->charset, w.charset))
			gather_flush(g, out);
		g->charset = w.charset;
		word_decode(&w, &g->bytes);
		return;
	}
	if (g->bytes.n > 0)
		gather_flush(g, out);
	charset_put_clean(out, blanks);
	if (c->p == from)
		c->p++;
	while (!cursor_done(c) && *c->p != '=' && !cclass_is(*c->p, CC_BLANK))
		c->p++;
	charset_put_clean(out, span_of(from, (size_t)(c->p - from)));
}

bool
words_put_decoded(struct str *out, struct span text)
{
	struct cursor c = cursor_of(text);
	struct gather g = { .bytes = STR_INIT(text.n + 128) };
	struct span blanks;

	while (!cursor_done(&c)) {
		blanks = cursor_run(&c, CC_BLANK);
		if (cursor_done(&c))
			break;
		piece_take(&c, blanks, &g, out);
	}
	if (g.bytes.n > 0)
		gather_flush(&g, out);
	str_free(&g.bytes);
	return !out->full;
}

bool
words_need_encoding(struct span utf8)
{
	for (size_t i = 0; i < utf8.n; i++) {
		if (cclass_is(utf8.p[i], CC_8BIT | CC_CTL))
			return true;
	}
	return span_find_span(utf8, span_lit("=?")) < utf8.n;
}

/* As many whole characters of *REST as a word holds. */
static struct span
word_cut(struct span *rest)
{
	struct cursor c = cursor_of(*rest);
	struct span word;

	while (!cursor_done(&c)) {
		struct cursor next = c;

		if (utf8_next(&next) < 0)
			next.p++;
		if ((size_t)(next.p - rest->p) > WORD_BYTES)
			break;
		c = next;
	}
	word = span_head(*rest, (size_t)(c.p - rest->p));
	*rest = cursor_rest(&c);
	return word;
}

bool
words_put_encoded(struct str *out, struct span utf8)
{
	bool first = true;

	if (!words_need_encoding(utf8))
		return str_put(out, utf8);
	while (utf8.n > 0) {
		struct span word = word_cut(&utf8);

		str_puts(out, first ? "=?utf-8?B?" : " =?utf-8?B?");
		base64_put(out, word);
		str_puts(out, "?=");
		first = false;
	}
	return !out->full;
}
