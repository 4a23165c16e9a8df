/*
 * ENVELOPE: RFC 9051 7.5.2. Called by imapd and, inside BODYSTRUCTURE, for each message in a
 * message. Reads the raw fields that the MIME tree kept; a field that is missing is NIL, From
 * stands in for Sender and Reply-To. Addresses are streamed through a small arena, so a long list
 * costs no more memory than its text.
 */
#include "config.h"

#include "message/addrlist.h"
#include "message/envelope.h"
#include "message/header.h"

#define ENTRY_MEMORY                                                                               \
	(1u << 18) /* bytes of one address's texts: five of LIMIT_HEADER_TEXT, and room for blocks \
		    */

static const struct span nil = { NULL, 0 };

static struct span
nil_if_empty(struct span s)
{
	return s.n > 0 ? s : nil;
}

static void
put_entry(struct str *out, const struct addrlist_entry *e)
{
	/* The host tells addresses from groups: NIL is for groups alone. */
	bool group = e->kind != ADDRLIST_MAILBOX;

	str_putc(out, '(');
	imap_put_nstring(out, group ? nil : nil_if_empty(e->name));
	str_putc(out, ' ');
	imap_put_nstring(out, nil_if_empty(e->route));
	str_putc(out, ' ');
	if (e->kind == ADDRLIST_GROUP_END)
		imap_put_nstring(out, nil);
	else
		imap_put_string(out, group ? e->name : e->local);
	str_putc(out, ' ');
	if (group)
		imap_put_nstring(out, nil);
	else
		imap_put_string(out, e->domain);
	str_putc(out, ')');
}

static void
put_addresses(struct str *out, struct span value)
{
	struct arena arena;
	struct addrlist l;
	struct addrlist_entry e;
	bool any = false;

	arena_init(&arena, ENTRY_MEMORY);
	l = addrlist_read(value, &arena);
	while (addrlist_next(&l, &e) && !out->full) {
		if (!any)
			str_putc(out, '(');
		any = true;
		put_entry(out, &e);
		arena_reset(&arena);
	}
	str_puts(out, any ? ")" : "NIL");
	arena_free(&arena);
}

static void
put_text(struct str *out, struct span value)
{
	struct str text = STR_INIT(value.n + 1);

	if (value.p)
		header_put_unfolded(&text, value);
	imap_put_nstring(out, value.p ? span_of(text.n ? text.p : "", text.n) : nil);
	str_free(&text);
}

/* The first of the fields that is there and not empty. */
static struct span
first_of(const struct span *fields, enum mime_envelope wanted, enum mime_envelope other)
{
	return span_trim(fields[wanted]).n > 0 ? fields[wanted] : fields[other];
}

bool
envelope_put(struct str *out, const struct mime_part *p)
{
	static const enum mime_envelope lists[] = { ENVELOPE_FROM, ENVELOPE_SENDER,
		ENVELOPE_REPLY_TO, ENVELOPE_TO, ENVELOPE_CC, ENVELOPE_BCC };
	const struct span *f = p->envelope;

	str_putc(out, '(');
	put_text(out, f[ENVELOPE_DATE]);
	str_putc(out, ' ');
	put_text(out, f[ENVELOPE_SUBJECT]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		bool from = lists[i] == ENVELOPE_SENDER || lists[i] == ENVELOPE_REPLY_TO;

		str_putc(out, ' ');
		put_addresses(out, from ? first_of(f, lists[i], ENVELOPE_FROM) : f[lists[i]]);
	}
	str_putc(out, ' ');
	put_text(out, f[ENVELOPE_IN_REPLY_TO]);
	str_putc(out, ' ');
	put_text(out, f[ENVELOPE_MESSAGE_ID]);
	return str_putc(out, ')');
}
