/*
 * Surrogates (RFC 6858): the header of a message that holds UTF-8 (RFC 6532) for a client that has
 * not said UTF8, so that old clients can read on. Called by send.c with a whole header; what is
 * ASCII stays byte by byte. Subject: and names of people become encoded words, addresses that
 * cannot be told give way to one that is nobody's, parameters and other fields with UTF-8 are left
 * out. The body is not touched. Pure; memory is bounded by the header's.
 */
#include "message/addrlist.h"
#include "message/header.h"
#include "message/words.h"
#include "pop3d/user/popuser.h"

#define SURROGATE_ARENA (1u << 20)

static bool
is_ascii(struct span text)
{
	unsigned char all = 0;

	for (size_t i = 0; i < text.n; i++)
		all |= (unsigned char)text.p[i];
	return all < 0x80;
}

/* A phrase, quoted or encoded as it needs. */
static void
put_phrase(struct str *out, struct span text)
{
	if (words_need_encoding(text)) {
		words_put_encoded(out, text);
		return;
	}
	str_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			str_putc(out, '\\');
		str_putc(out, text.p[i]);
	}
	str_putc(out, '"');
}

/* RFC 6858 2.1: whose address cannot be told keeps his name, or has it for one. */
static void
put_mailbox(struct str *out, const struct addrlist_entry *entry)
{
	struct address address = { .local = entry->local, .domain = entry->domain };
	struct str shown = STR_INIT(LIMIT_HEADER_TEXT);

	str_put(&shown, entry->name);
	if (!is_ascii(entry->local) || !is_ascii(entry->domain)) {
		if (shown.n == 0)
			str_printf(
			    &shown, "%.*s@%.*s", SPAN_ARG(entry->local), SPAN_ARG(entry->domain));
		address.local = span_lit("invalid");
		address.domain = span_lit("internationalized-address.invalid");
	}
	addrlist_put(out, str_span(&shown), &address);
	str_free(&shown);
}

static bool
put_addresses(struct str *out, struct span value, struct arena *arena)
{
	struct addrlist list = addrlist_read(value, arena);
	struct addrlist_entry entry;
	bool first = true;

	while (addrlist_next(&list, &entry)) {
		if (entry.kind == ADDRLIST_GROUP_END) {
			str_putc(out, ';');
			continue;
		}
		str_puts(out, first ? "" : ", ");
		first = entry.kind == ADDRLIST_GROUP;
		if (entry.kind == ADDRLIST_MAILBOX) {
			put_mailbox(out, &entry);
		} else {
			put_phrase(out, entry.name);
			str_puts(out, ": ");
		}
	}
	return out->n > 0;
}

static bool
put_subject(struct str *out, struct span value, struct arena *arena)
{
	struct str text = STR_INIT(LIMIT_HEADER_BLOCK);

	(void)arena;
	header_put_unfolded(&text, value);
	words_put_encoded(out, str_span(&text));
	str_free(&text);
	return true;
}

/* The next of VALUE's parts between semicolons that do not stand in quotes. */
static struct span
parameter_next(struct span *value)
{
	bool quoted = false;
	size_t n = 0;
	struct span part;

	for (; n < value->n && (quoted || value->p[n] != ';'); n++) {
		if (value->p[n] == '"')
			quoted = !quoted;
		else if (value->p[n] == '\\' && quoted && n + 1 < value->n)
			n++;
	}
	part = span_head(*value, n);
	*value = span_from(*value, n + 1);
	return part;
}

/* RFC 6858 2.2: of the others' parameters nothing is known that would have to be kept. */
static bool
put_parameters(struct str *out, struct span value, struct arena *arena)
{
	struct span part = parameter_next(&value);

	(void)arena;
	if (!is_ascii(part))
		return false;
	header_put_unfolded(out, part);
	while (value.n > 0) {
		part = parameter_next(&value);
		if (!is_ascii(part))
			continue;
		str_puts(out, "; ");
		header_put_unfolded(out, part);
	}
	return true;
}

static const struct {
	struct span name;
	bool (*put)(struct str *out, struct span value, struct arena *arena);
} fields[] = {
	{ SPAN("Subject"), put_subject },
	{ SPAN("From"), put_addresses },
	{ SPAN("Sender"), put_addresses },
	{ SPAN("Reply-To"), put_addresses },
	{ SPAN("To"), put_addresses },
	{ SPAN("Cc"), put_addresses },
	{ SPAN("Bcc"), put_addresses },
	{ SPAN("Return-Path"), put_addresses },
	{ SPAN("Resent-From"), put_addresses },
	{ SPAN("Resent-Sender"), put_addresses },
	{ SPAN("Resent-To"), put_addresses },
	{ SPAN("Resent-Cc"), put_addresses },
	{ SPAN("Resent-Bcc"), put_addresses },
	{ SPAN("Content-Type"), put_parameters },
	{ SPAN("Content-Disposition"), put_parameters },
};

static void
put_field(struct str *out, const struct header_field *f, struct arena *arena)
{
	struct str value = STR_INIT(2 * LIMIT_HEADER_BLOCK);

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (!span_eq_nocase(f->name, fields[i].name))
			continue;
		if (fields[i].put(&value, f->value, arena))
			header_put(out, f->name, str_span(&value));
	}
	str_free(&value);
	arena_reset(arena);
}

bool
surrogate_put(struct str *out, struct span header)
{
	struct header_reader r = header_read(header);
	struct header_field field;
	struct arena arena;

	arena_init(&arena, SURROGATE_ARENA);
	while (header_next(&r, &field)) {
		if (is_ascii(field.whole))
			str_put(out, field.whole);
		else
			put_field(out, &field, &arena);
	}
	arena_free(&arena);
	return str_puts(out, "\r\n");
}
