/*
 * Content-Type and Content-Disposition: RFC 2045 5.1, RFC 2183 2, RFC 2231. Called by the MIME
 * parser, by BODYSTRUCTURE and by whoever wants a file's name. The pieces of a parameter may come
 * in any order; they are sorted, not searched for, so a field of n pieces costs n log n and n is
 * bounded (ABUSE 23). Tolerates missing quotes and stray semicolons, as mailers need.
 */
#include "config.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/num.h"
#include "message/charset.h"
#include "message/mime_field.h"
#include "message/token.h"
#include "message/words.h"

#define SECTION_NONE UINT32_MAX /* the name had no "*N" */

/* One "name*3*=value" as it was written. */
struct piece {
	struct span name;
	struct span value;
	uint32_t section;
	uint32_t order; /* in the field */
	bool extended;
};

static int
piece_cmp(const void *a, const void *b)
{
	const struct piece *x = a;
	const struct piece *y = b;
	int r = span_cmp_nocase(x->name, y->name);

	if (r != 0)
		return r;
	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* "name", "name*", "name*3", "name*3*". */
static void
piece_name(struct span name, struct piece *out)
{
	struct span number;
	struct cursor c;
	uint64_t v;

	out->section = SECTION_NONE;
	out->extended = name.n > 1 && name.p[name.n - 1] == '*';
	if (out->extended)
		name.n--;
	if (!span_cut(name, '*', &out->name, &number))
		return;
	c = cursor_of(number);
	if (cursor_u64(&c, LIMIT_MIME_PARAMS, &v) && cursor_done(&c))
		out->section = (uint32_t)v;
	else
		out->name = name;
}

/* Quotes are often left out around blanks-free text with specials in it. */
static struct span
value_take(struct cursor *c, struct arena *arena)
{
	const char *from = c->p;
	struct str text = STR_INIT(cursor_left(c));
	struct span kept;

	if (cursor_peek(c) != '"') {
		while (
		    !cursor_done(c) && *c->p != ';' && *c->p != '\0' && !cclass_is(*c->p, CC_SPACE))
			c->p++;
		return span_of(from, (size_t)(c->p - from));
	}
	token_quoted(c, &text);
	kept = text.n > 0 ? arena_dup(arena, str_span(&text)) : span_lit("");
	str_free(&text);
	return kept;
}

/* To the next parameter: past what is left of this one. */
static void
skip_to_semicolon(struct cursor *c)
{
	while (!cursor_done(c) && *c->p != ';') {
		if (*c->p == '"')
			token_quoted(c, NULL);
		else if (*c->p == '(')
			token_comment(c, NULL);
		else
			c->p++;
	}
}

/* The next parameter; false at the end. A malformed one has an empty name. */
static bool
piece_take(struct cursor *c, struct arena *arena, struct piece *out)
{
	struct span name;

	while (token_skip_cfws(c) || cursor_skip(c, ';'))
		continue;
	if (cursor_done(c))
		return false;
	*out = (struct piece){ 0 };
	name = cursor_run(c, CC_TOKEN);
	token_skip_cfws(c);
	if (name.n > 0 && cursor_skip(c, '=')) {
		piece_name(name, out);
		token_skip_cfws(c);
		out->value = value_take(c, arena);
		if (!out->value.p)
			out->name.n = 0;
	}
	skip_to_semicolon(c);
	return true;
}

static size_t
semicolons(struct span s)
{
	size_t n = 1;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ';';
	return n;
}

static size_t
pieces_take(
    struct cursor *c, struct arena *arena, struct mime_value *out, struct piece **pieces_out)
{
	size_t max = size_min(semicolons(cursor_rest(c)), LIMIT_MIME_PARAMS);
	struct piece *v = arena_alloc_array(arena, max, sizeof(*v));
	struct piece p;
	size_t n = 0;

	*pieces_out = v;
	out->limited = !v;
	while (v && piece_take(c, arena, &p)) {
		if (p.name.n == 0)
			continue;
		if (n == max) {
			out->limited = true;
			break;
		}
		p.order = (uint32_t)n;
		v[n++] = p;
	}
	return n;
}

/* A plain piece among extended ones: what would be read as an escape is escaped (RFC 2231 4.1). */
static void
put_piece(struct str *out, const struct piece *p, bool extended)
{
	for (size_t i = 0; i < p->value.n; i++) {
		char c = p->value.p[i];

		if (extended && !p->extended && (c == '%' || !cclass_is(c, CC_TOKEN)))
			str_printf(out, "%%%02X", (unsigned char)c);
		else
			str_putc(out, c);
	}
}

/* Pieces 0, 1, 2, ... of one name, from V on, joined; returns how many there are. */
static size_t
pieces_count(const struct piece *v, size_t n, size_t *size_out)
{
	size_t count = 0;

	*size_out = 0;
	while (count < n && v[count].section == count && span_eq_nocase(v[count].name, v[0].name))
		*size_out += 3 * v[count++].value.n;
	return count;
}

static struct span
pieces_join(const struct piece *v, size_t count, size_t size, struct arena *arena)
{
	struct str text = STR_INIT(size);
	struct span kept;

	for (size_t i = 0; i < count; i++)
		put_piece(&text, &v[i], v[0].extended);
	kept = text.n > 0 ? arena_dup(arena, str_span(&text)) : span_lit("");
	str_free(&text);
	return kept;
}

static int
order_cmp(const void *a, const void *b)
{
	const struct piece *x = a;
	const struct piece *y = b;

	return x->order < y->order ? -1 : 1;
}

/* Joins what belongs together in V, which is sorted by name and section; returns how many are left.
 */
static size_t
pieces_merge(struct piece *v, size_t n, struct arena *arena)
{
	size_t kept = 0;
	size_t i = 0;

	while (i < n) {
		struct piece p = v[i++];
		size_t size;
		size_t count;

		if (p.section == SECTION_NONE) {
			v[kept++] = p;
			continue;
		}
		/* Without a piece 0, behind a gap or twice: nothing that could be joined. */
		count = pieces_count(&v[i - 1], n - i + 1, &size);
		if (count > 0)
			p.value = pieces_join(&v[i - 1], count, size, arena);
		while (i < n && v[i].section != SECTION_NONE && span_eq_nocase(v[i].name, p.name))
			i++;
		if (count == 0)
			continue;
		v[kept] = p;
		kept += p.value.p != NULL;
	}
	return kept;
}

static void
params_parse(struct cursor *c, struct arena *arena, struct mime_value *out)
{
	struct piece *v;
	size_t n = pieces_take(c, arena, out, &v);

	if (n == 0)
		return;
	qsort(v, n, sizeof(*v), piece_cmp);
	n = pieces_merge(v, n, arena);
	qsort(v, n, sizeof(*v), order_cmp);
	out->param = arena_alloc_array(arena, size_max(n, 1), sizeof(*out->param));
	if (!out->param) {
		out->limited = true;
		return;
	}
	out->param_count = n;
	for (size_t i = 0; i < n; i++)
		out->param[i] = (struct mime_param){ v[i].name, v[i].value, v[i].extended };
}

bool
mime_type_parse(struct span value, struct arena *arena, struct mime_value *out)
{
	struct cursor c = cursor_of(value);

	*out = (struct mime_value){ 0 };
	token_skip_cfws(&c);
	out->type = cursor_run(&c, CC_TOKEN);
	token_skip_cfws(&c);
	if (out->type.n == 0 || !cursor_skip(&c, '/'))
		return false;
	token_skip_cfws(&c);
	out->subtype = cursor_run(&c, CC_TOKEN);
	if (out->subtype.n == 0)
		return false;
	/* The first semicolon is often forgotten. */
	params_parse(&c, arena, out);
	return true;
}

bool
mime_disposition_parse(struct span value, struct arena *arena, struct mime_value *out)
{
	struct cursor c = cursor_of(value);

	*out = (struct mime_value){ 0 };
	token_skip_cfws(&c);
	out->type = cursor_run(&c, CC_TOKEN);
	if (out->type.n == 0)
		return false;
	skip_to_semicolon(&c);
	params_parse(&c, arena, out);
	return true;
}

const struct mime_param *
mime_param_find(const struct mime_value *value, struct span name)
{
	const struct mime_param *found = NULL;

	for (size_t i = 0; i < value->param_count; i++) {
		const struct mime_param *p = &value->param[i];

		if (span_eq_nocase(p->name, name) && (!found || (p->extended && !found->extended)))
			found = p;
	}
	return found;
}

static void
percent_decode(struct span text, struct str *out)
{
	while (text.n > 0) {
		size_t plain = span_find(text, '%');
		uint64_t byte;

		str_put(out, span_head(text, plain));
		text = span_from(text, plain);
		if (text.n >= 3 && num_parse_hex(span_of(text.p + 1, 2), &byte)) {
			str_putc(out, (char)byte);
			text = span_from(text, 3);
		} else {
			str_put(out, span_head(text, 1));
			text = span_from(text, 1);
		}
	}
}

static void
put_one_line(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		str_putc(out, text.p[i] == '\r' || text.p[i] == '\n' ? ' ' : text.p[i]);
}

bool
mime_param_put_text(struct str *out, const struct mime_param *param)
{
	struct str bytes = STR_INIT(param->value.n);
	struct str text = STR_INIT(4 * param->value.n + 4);
	struct span charset;
	struct span language;
	struct span rest;

	if (!param->extended) {
		words_put_decoded(&text, param->value);
	} else {
		span_cut(param->value, '\'', &charset, &rest);
		if (!span_cut(rest, '\'', &language, &rest))
			rest = param->value;
		percent_decode(rest, &bytes);
		if (!charset_put_utf8(&text, charset, str_span(&bytes)))
			charset_put_clean(&text, str_span(&bytes));
	}
	put_one_line(out, str_span(&text));
	str_free(&bytes);
	str_free(&text);
	return !out->full;
}
