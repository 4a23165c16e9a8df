/*
 * Recipients of sendmail: of its command line and, with -t, of the message's header. Lists are read
 * by lib/message as everywhere. An address keeps its text; one without a domain is of this host,
 * which rewrite knows to complete. Nothing of it ever reaches a shell, and what could end a line of
 * the submission is refused.
 */
#include "config.h"

#include "message/addrlist.h"
#include "message/header.h"
#include "tools/sendmail.h"

/* "local@domain", or "local". */
static bool
put_address(struct str *out, const struct addrlist_entry *entry)
{
	const struct address address = { .local = entry->local, .domain = entry->domain };

	if (entry->domain.n > 0)
		address_put(out, &address);
	else
		address_put_local(out, entry->local);
	return entry->local.n > 0 && !out->full;
}

bool
sendmail_put_sender(struct sendmail *s, struct span text, struct str *out)
{
	struct addrlist list = addrlist_read(text, &s->arena);
	struct addrlist_entry entry, more;

	return submission_text_valid(text) && addrlist_next(&list, &entry) &&
	       entry.kind == ADDRLIST_MAILBOX && put_address(out, &entry) &&
	       !addrlist_next(&list, &more);
}

static bool
add_one(struct sendmail *s, const struct addrlist_entry *entry, struct err *err)
{
	struct str text = STR_INIT(LIMIT_ADDRESS);
	bool good =
	    put_address(&text, entry) && submission_put_recipient(&s->recipients, str_span(&text));

	if (good)
		s->recipients_n++;
	else
		err_set(err, VERDICT_PERM, "bad address: %.*s@%.*s", SPAN_ARG(entry->local),
		    SPAN_ARG(entry->domain));
	str_free(&text);
	return good;
}

bool
sendmail_add_list(struct sendmail *s, struct span text, struct err *err)
{
	struct addrlist list = addrlist_read(text, &s->arena);
	struct addrlist_entry entry;
	size_t before = s->recipients_n;

	while (addrlist_next(&list, &entry)) {
		if (entry.kind != ADDRLIST_MAILBOX)
			continue;
		if (s->recipients_n - before >= s->extract_limit) {
			err_set(err, VERDICT_PERM, "too many recipients");
			return false;
		}
		if (!add_one(s, &entry, err))
			return false;
		arena_reset(&s->arena);
	}
	return true;
}

static const struct span plain_fields[] = { SPAN("To"), SPAN("Cc"), SPAN("Bcc") };
static const struct span resent_fields[] = { SPAN("Resent-To"), SPAN("Resent-Cc"),
	SPAN("Resent-Bcc") };

static bool
field_is_of(struct span name, const struct span *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq_nocase(name, names[i]))
			return true;
	return false;
}

bool
sendmail_extract(struct sendmail *s, struct span header, struct err *err)
{
	struct header_reader r = header_read(header);
	struct header_field field;
	bool resent = false, good = true;

	while (header_next(&r, &field))
		resent = resent || field_is_of(field.name, resent_fields, ARRAY_LEN(resent_fields));
	r = header_read(header);
	while (good && header_next(&r, &field)) {
		if (field_is_of(field.name, resent ? resent_fields : plain_fields, 3))
			good = sendmail_add_list(s, field.value, err);
	}
	return good;
}
