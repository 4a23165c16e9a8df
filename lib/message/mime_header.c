/*
 * A part's header as the MIME parser needs it: RFC 2045 5.2 (defaults), RFC 2046 5.1.5
 * (digests), 5.1.1 (boundaries). Called by mime.c at the end of each header block. Copies the few
 * fields that IMAP and search ask for into the tree's arena; the first of a name counts. Works in a
 * scratch arena of its own for parameters, freed at once.
 */
#include "config.h"

#include "base/limits.h"
#include "message/header.h"
#include "message/mime_field.h"
#include "message/mime_header.h"

static const struct span content_names[MIME_FIELDS] = {
	[MIME_TYPE] = SPAN("Content-Type"),
	[MIME_ENCODING] = SPAN("Content-Transfer-Encoding"),
	[MIME_ID] = SPAN("Content-ID"),
	[MIME_DESCRIPTION] = SPAN("Content-Description"),
	[MIME_DISPOSITION] = SPAN("Content-Disposition"),
	[MIME_LANGUAGE] = SPAN("Content-Language"),
	[MIME_LOCATION] = SPAN("Content-Location"),
	[MIME_MD5] = SPAN("Content-MD5"),
};

static const struct span envelope_names[ENVELOPE_FIELDS] = {
	[ENVELOPE_DATE] = SPAN("Date"),
	[ENVELOPE_SUBJECT] = SPAN("Subject"),
	[ENVELOPE_FROM] = SPAN("From"),
	[ENVELOPE_SENDER] = SPAN("Sender"),
	[ENVELOPE_REPLY_TO] = SPAN("Reply-To"),
	[ENVELOPE_TO] = SPAN("To"),
	[ENVELOPE_CC] = SPAN("Cc"),
	[ENVELOPE_BCC] = SPAN("Bcc"),
	[ENVELOPE_IN_REPLY_TO] = SPAN("In-Reply-To"),
	[ENVELOPE_MESSAGE_ID] = SPAN("Message-ID"),
	[ENVELOPE_REFERENCES] = SPAN("References"),
};

/* Into the slot of its name, if that is one of NAMES and empty. False: ARENA is full. */
static bool
field_keep(const struct header_field *f, const struct span *names, size_t count, struct span *slots,
    struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		if (!span_eq_nocase(f->name, names[i]))
			continue;
		if (slots[i].p)
			return true;
		slots[i] = arena_dup(arena, f->value);
		return slots[i].p != NULL;
	}
	return true;
}

static bool
fields_read(struct mime_part *p, struct span block, struct arena *arena)
{
	struct header_reader r = header_read(block);
	struct header_field f;
	struct span *envelope = NULL;
	bool ok = true;

	if (!p->parent || p->parent->kind == MIME_MESSAGE) {
		envelope = arena_alloc_array(arena, ENVELOPE_FIELDS, sizeof(*envelope));
		p->envelope = envelope;
		ok = envelope != NULL;
	}
	while (header_next(&r, &f)) {
		ok &= field_keep(&f, content_names, MIME_FIELDS, p->field, arena);
		if (envelope)
			ok &= field_keep(&f, envelope_names, ENVELOPE_FIELDS, envelope, arena);
	}
	return ok;
}

static bool
type_is(const struct mime_part *p, const char *type, const char *subtype)
{
	return span_eq_nocase(p->type, span_str(type)) &&
	       (!subtype || span_eq_nocase(p->subtype, span_str(subtype)));
}

static bool
type_is_message(const struct mime_part *p)
{
	return type_is(p, "message", "rfc822") || type_is(p, "message", "global");
}

/* RFC 2045 5.2; in a digest RFC 2046 5.1.5. */
static void
type_set_default(struct mime_part *p)
{
	bool digest = p->parent && type_is(p->parent, "multipart", "digest");

	p->type = digest ? span_lit("message") : span_lit("text");
	p->subtype = digest ? span_lit("rfc822") : span_lit("plain");
	p->field[MIME_TYPE] = (struct span){ 0 };
}

void
mime_header_make_opaque(struct mime_part *p)
{
	p->kind = MIME_LEAF;
	p->type = span_lit("application");
	p->subtype = span_lit("octet-stream");
	p->field[MIME_TYPE] = (struct span){ 0 };
}

/* The boundary parameter, blanks at its end cut (they cannot be seen on a line); empty when there
 * is no good one. */
static struct span
boundary_of(const struct mime_value *value)
{
	const struct mime_param *param = mime_param_find(value, span_lit("boundary"));
	struct span text = param ? param->value : span_lit("");

	while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
		text.n--;
	if (text.n > LIMIT_MIME_BOUNDARY || span_find(text, '\n') < text.n)
		text.n = 0;
	return text;
}

/* Reads the Content-Type that has been kept. BOUNDARY_OUT lies in ARENA; empty: none, or no
 * multipart. */
static bool
type_read(struct mime_part *p, struct arena *arena, struct span *boundary_out)
{
	struct arena scratch;
	struct mime_value value;
	bool ok = true;

	*boundary_out = span_lit("");
	arena_init(&scratch, 2 * LIMIT_HEADER_BLOCK);
	if (!mime_type_parse(p->field[MIME_TYPE], &scratch, &value)) {
		type_set_default(p);
	} else {
		p->type = value.type;
		p->subtype = value.subtype;
		ok = !value.limited;
	}
	if (type_is(p, "multipart", NULL)) {
		*boundary_out = arena_dup(arena, boundary_of(&value));
		ok &= boundary_out->p != NULL;
		if (boundary_out->n == 0)
			type_set_default(p);
	}
	arena_free(&scratch);
	return ok;
}

bool
mime_header_read(struct mime_part *p, struct span block, struct arena *arena, bool deeper,
    struct span *boundary_out)
{
	bool ok = fields_read(p, block, arena);

	ok &= type_read(p, arena, boundary_out);
	if (boundary_out->n > 0)
		p->kind = MIME_MULTIPART;
	else if (type_is_message(p))
		p->kind = MIME_MESSAGE;
	if (p->kind != MIME_LEAF && !deeper) {
		mime_header_make_opaque(p);
		ok = false;
	}
	return ok;
}
