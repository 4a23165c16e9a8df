/*
 * Sections of a message: RFC 9051 6.4.5.1 and 9 (section, partial). Called by fetch_parse.c and
 * fetch_body.c. Pure; lies in the command's arena. Bounded by LIMIT_IMAP_SECTION numbers and
 * LIMIT_IMAP_FIELDS names (ABUSE 30): no message is deeper, no client asks for more.
 */
#include "config.h"

#include "imapd/section.h"

#include "base/limits.h"
#include "message/envelope.h"

static const struct {
	struct span name;
	enum section_what what;
	bool of_part;	 /* it may stand behind a number alone */
	bool with_names; /* a list of fields follows */
} texts[] = {
	{ SPAN("HEADER.FIELDS.NOT"), SECTION_FIELDS_NOT, false, true },
	{ SPAN("HEADER.FIELDS"), SECTION_FIELDS, false, true },
	{ SPAN("HEADER"), SECTION_HEADER, false, false },
	{ SPAN("TEXT"), SECTION_TEXT, false, false },
	{ SPAN("MIME"), SECTION_MIME, true, false },
};

static bool
take_names(struct args *a, struct section *out)
{
	struct span *v = arena_alloc_array(a->arena, LIMIT_IMAP_FIELDS, sizeof(*v));

	if (!v)
		return args_fail(a, "The command is too long");
	out->field = v;
	out->cached = out->what == SECTION_FIELDS;
	if (!args_space(a) || !args_open(a))
		return false;
	do {
		if (out->fields == LIMIT_IMAP_FIELDS)
			return args_fail(a, "A list of header fields is too long");
		if (!args_astring(a, &v[out->fields]))
			return false;
		out->cached = out->cached && cache_wants_header(v[out->fields]);
		out->fields++;
	} while (cursor_skip(&a->in, ' '));
	return args_close(a);
}

static bool
take_text(struct args *a, struct section *out)
{
	struct span name = cursor_run(&a->in, CC_ALPHA);
	const char *from = name.p;

	while (cursor_skip(&a->in, '.'))
		cursor_run(&a->in, CC_ALPHA);
	name = span_of(from, (size_t)(a->in.p - from));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!span_eq_nocase(name, texts[i].name) || (texts[i].of_part && out->depth == 0))
			continue;
		out->what = texts[i].what;
		return !texts[i].with_names || take_names(a, out);
	}
	return args_fail(a, "There is no such section");
}

/* "1.2.3", and a "." when a text follows. */
static bool
take_numbers(struct args *a, bool *text_out, struct section *out)
{
	uint32_t *v = arena_alloc_array(a->arena, LIMIT_IMAP_SECTION, sizeof(*v));

	if (!v)
		return args_fail(a, "The command is too long");
	out->part = v;
	*text_out = true;
	while (!cursor_done(&a->in) && cclass_is(*a->in.p, CC_DIGIT)) {
		if (out->depth == LIMIT_IMAP_SECTION)
			return args_fail(a, "A section is too deep");
		if (!args_nz_number(a, &v[out->depth++]))
			return false;
		*text_out = cursor_skip(&a->in, '.');
		if (!*text_out)
			break;
	}
	return true;
}

/* "<0.512>" */
static bool
take_partial(struct args *a, struct section *out)
{
	if (!cursor_skip(&a->in, '<'))
		return true;
	out->partial = true;
	if (!args_number(a, INT64_MAX, &out->from))
		return false;
	if (!cursor_skip(&a->in, '.') || !args_number(a, INT64_MAX, &out->count) ||
	    out->count == 0 || !cursor_skip(&a->in, '>'))
		return args_fail(a, "A range of bytes is not as it should be");
	return true;
}

bool
section_parse(struct args *a, bool tells, struct section *out)
{
	bool text = true;

	*out = (struct section){ .what = SECTION_ALL };
	if (!cursor_skip(&a->in, '['))
		return args_fail(a, "A section is missing");
	if (!args_next_is(a, ']')) {
		if (!take_numbers(a, &text, out))
			return false;
		if (text && (!tells || !take_text(a, out)))
			return args_fail(a, "There is no such section");
	}
	if (!cursor_skip(&a->in, ']'))
		return args_fail(a, "A section has no end");
	return take_partial(a, out);
}

static void
put_names(struct str *out, const struct section *s)
{
	for (size_t i = 0; i < s->fields; i++) {
		struct cursor c = cursor_of(s->field[i]);

		str_puts(out, i == 0 ? " (" : " ");
		if (cursor_run(&c, CC_IMAP_ATOM).n > 0 && cursor_done(&c))
			str_put(out, s->field[i]);
		else
			imap_put_string(out, s->field[i]);
	}
	str_putc(out, ')');
}

bool
section_put(struct str *out, const struct section *s)
{
	str_putc(out, '[');
	for (size_t i = 0; i < s->depth; i++) {
		if (i > 0)
			str_putc(out, '.');
		str_put_u64(out, s->part[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (s->what != texts[i].what)
			continue;
		if (s->depth > 0)
			str_putc(out, '.');
		str_put(out, texts[i].name);
		if (texts[i].with_names)
			put_names(out, s);
	}
	str_putc(out, ']');
	if (s->partial)
		str_printf(out, "<%llu>", (unsigned long long)s->from);
	return !out->full;
}

const struct mime_part *
section_part(const struct section *s, const struct mime_part *root)
{
	const struct mime_part *p = mime_find(root, s->part, s->depth);

	if (!p || s->depth == 0 || s->what == SECTION_ALL || s->what == SECTION_MIME)
		return p;
	/* Headers and text are those of the message that the part holds. */
	return p->kind == MIME_MESSAGE ? p->child : NULL;
}

const struct mime_extent *
section_find(const struct section *s, const struct mime_part *root)
{
	const struct mime_part *p = section_part(s, root);

	if (!p)
		return NULL;
	return s->what == SECTION_ALL || s->what == SECTION_TEXT ? &p->body : &p->header;
}

bool
section_wants(const struct section *s, struct span name)
{
	for (size_t i = 0; i < s->fields; i++)
		if (span_eq_nocase(s->field[i], name))
			return s->what == SECTION_FIELDS;
	return s->what == SECTION_FIELDS_NOT;
}
