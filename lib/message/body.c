/*
 * BODY and BODYSTRUCTURE: RFC 9051 7.5.2, its grammar in 9. Called by imapd and the mailbox index.
 * Walks the MIME tree by its links: each part is opened when it is reached and closed when the walk
 * leaves it, so depth costs nothing. Parameters are read anew from the raw fields, in an arena
 * reset for each part. Always a legal structure, whatever the message.
 */
#include "config.h"

#include "base/limits.h"
#include "message/decode.h"
#include "message/envelope.h"
#include "message/header.h"
#include "message/mime_field.h"
#include "message/token.h"

struct body {
	struct str *out;
	struct arena arena; /* of one field */
	bool extended;
};

static const struct span nil = { NULL, 0 };

static void
put_params(struct str *out, const struct mime_value *v)
{
	if (v->param_count == 0) {
		str_puts(out, "NIL");
		return;
	}
	for (size_t i = 0; i < v->param_count; i++) {
		struct str name = STR_INIT(v->param[i].name.n + 1);

		str_put(&name, v->param[i].name);
		if (v->param[i].extended)
			str_putc(&name, '*');
		str_putc(out, i == 0 ? '(' : ' ');
		imap_put_string(out, str_span(&name));
		str_putc(out, ' ');
		imap_put_string(out, v->param[i].value);
		str_free(&name);
	}
	str_putc(out, ')');
}

/* The parameters of the Content-Type; without one, what RFC 2045 5.2 says that it is. */
static void
put_type_params(struct body *b, const struct mime_part *p)
{
	struct mime_value v;

	str_putc(b->out, ' ');
	if (p->field[MIME_TYPE].p && mime_type_parse(p->field[MIME_TYPE], &b->arena, &v))
		put_params(b->out, &v);
	else if (span_eq_nocase(p->type, span_lit("text")))
		str_puts(b->out, "(\"charset\" \"us-ascii\")");
	else
		str_puts(b->out, "NIL");
	arena_reset(&b->arena);
}

static void
put_text(struct body *b, struct span value)
{
	struct str text = STR_INIT(value.n + 1);

	str_putc(b->out, ' ');
	if (value.p)
		header_put_unfolded(&text, value);
	imap_put_nstring(b->out, text.n > 0 ? str_span(&text) : nil);
	str_free(&text);
}

static void
put_disposition(struct body *b, struct span value)
{
	struct mime_value v;

	str_putc(b->out, ' ');
	if (!mime_disposition_parse(value, &b->arena, &v)) {
		str_puts(b->out, "NIL");
	} else {
		str_putc(b->out, '(');
		imap_put_string(b->out, v.type);
		str_putc(b->out, ' ');
		put_params(b->out, &v);
		str_putc(b->out, ')');
	}
	arena_reset(&b->arena);
}

/* RFC 3282: tags with commas between them. */
static void
put_language(struct body *b, struct span value)
{
	struct cursor c = cursor_of(value);
	bool any = false;

	while (!cursor_done(&c)) {
		struct span tag;

		token_skip_cfws(&c);
		tag = cursor_run(&c, CC_LDH);
		if (tag.n == 0) {
			cursor_next(&c);
			continue;
		}
		str_puts(b->out, any ? " " : " (");
		imap_put_string(b->out, tag);
		any = true;
	}
	str_puts(b->out, any ? ")" : " NIL");
}

/* What closes every extended form: disposition, language, location. */
static void
put_extension(struct body *b, const struct mime_part *p)
{
	put_disposition(b, p->field[MIME_DISPOSITION]);
	put_language(b, p->field[MIME_LANGUAGE]);
	put_text(b, p->field[MIME_LOCATION]);
}

static void
put_encoding(struct body *b, const struct mime_part *p)
{
	struct span name = encoding_name(p->field[MIME_ENCODING]);

	str_putc(b->out, ' ');
	imap_put_string(b->out, name.n > 0 ? name : span_lit("7bit"));
}

/* Up to where a message inside, or the end, follows. */
static void
part_open(struct body *b, const struct mime_part *p)
{
	str_putc(b->out, '(');
	if (p->kind == MIME_MULTIPART) {
		/* The grammar wants a part; a multipart that has none shows an empty one. */
		if (!p->child)
			str_puts(b->out,
			    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)");
		return;
	}
	imap_put_string(b->out, p->type);
	str_putc(b->out, ' ');
	imap_put_string(b->out, p->subtype);
	put_type_params(b, p);
	put_text(b, p->field[MIME_ID]);
	put_text(b, p->field[MIME_DESCRIPTION]);
	put_encoding(b, p);
	str_printf(b->out, " %llu", (unsigned long long)p->body.crlf_size);
	if (p->kind == MIME_MESSAGE) {
		str_putc(b->out, ' ');
		envelope_put(b->out, p->child);
		str_putc(b->out, ' ');
	}
}

static void
part_close(struct body *b, const struct mime_part *p)
{
	if (p->kind == MIME_MULTIPART) {
		str_putc(b->out, ' ');
		imap_put_string(b->out, p->subtype);
		if (b->extended) {
			put_type_params(b, p);
			put_extension(b, p);
		}
	} else {
		if (p->kind == MIME_MESSAGE || span_eq_nocase(p->type, span_lit("text")))
			str_printf(b->out, " %llu", (unsigned long long)p->body.lines);
		if (b->extended) {
			put_text(b, p->field[MIME_MD5]);
			put_extension(b, p);
		}
	}
	str_putc(b->out, ')');
}

bool
body_put(struct str *out, const struct mime_part *p, bool extended)
{
	struct body b = { .out = out, .extended = extended };
	const struct mime_part *top = p;

	arena_init(&b.arena, 2 * LIMIT_HEADER_BLOCK);
	part_open(&b, p);
	while (p) {
		if (p->child) {
			p = p->child;
			part_open(&b, p);
			continue;
		}
		part_close(&b, p);
		while (p != top && !p->next) {
			p = p->parent;
			part_close(&b, p);
		}
		p = p == top ? NULL : p->next;
		if (p)
			part_open(&b, p);
	}
	arena_free(&b.arena);
	return !out->full;
}
