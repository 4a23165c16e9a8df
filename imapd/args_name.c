/*
 * Mailbox names and LIST's patterns: RFC 9051 5.1, 9; RFC 3501 5.1.3. Called through args.h by each
 * command that names a mailbox. Whatever way a client spelt it, one name comes out: UTF-8, NFC,
 * INBOX in capitals (lib/mailbox/name.h), so that no command has another idea of it (ABUSE 29).
 */
#include "config.h"

#include "imapd/args.h"

#include "base/limits.h"
#include "mailbox/name.h"
#include "mailbox/nfc.h"

/* What the wire has, as UTF-8; false when it is not well formed. */
static bool
name_decode(const struct args *a, struct span wire, struct str *out)
{
	return a->utf8 ? str_put(out, wire) : mutf7_parse(wire, out);
}

static bool
name_keep(struct args *a, const struct str *text, struct span *out)
{
	*out = arena_dup(a->arena, str_span(text));
	return out->p || args_fail(a, "The command is too long");
}

/* ENDS: a separator may stand at the end, which means nothing (6.3.4). */
static bool
take_mailbox(struct args *a, bool ends, struct span *out)
{
	struct str text = STR_INIT(LIMIT_MAILBOX_NAME), checked = STR_INIT(LIMIT_MAILBOX_NAME);
	struct span wire;
	bool good = args_astring(a, &wire);

	if (good && ends && wire.n > 1 && wire.p[wire.n - 1] == MAILBOX_SEPARATOR)
		wire.n--;

	if (good && (!name_decode(a, wire, &text) ||
			mailbox_name_check(str_span(&text), &checked, NULL) != VERDICT_OK))
		good = args_fail(a, "This can be no mailbox's name");
	good = good && name_keep(a, &checked, out);
	str_free(&text);
	str_free(&checked);
	return good;
}

bool
args_mailbox(struct args *a, struct span *out)
{
	return take_mailbox(a, false, out);
}

bool
args_new_mailbox(struct args *a, struct span *out)
{
	return take_mailbox(a, true, out);
}

/* Its longest start of bytes that list-mailbox allows (RFC 9051 9), which are ASTRING-CHARs and
 * wildcards. */
static struct span
take_pattern_atom(struct args *a)
{
	const char *from = a->in.p;

	while (cursor_run(&a->in, CC_IMAP_ATOM).n > 0 || cursor_skip(&a->in, ']') ||
	       cursor_skip(&a->in, '%') || cursor_skip(&a->in, '*'))
		;
	return span_of(from, a->in.p == from ? 0 : (size_t)(a->in.p - from));
}

bool
args_pattern(struct args *a, struct span *out)
{
	struct str text = STR_INIT(LIMIT_MAILBOX_NAME), normal = STR_INIT(LIMIT_MAILBOX_NAME);
	struct span wire;
	bool good = true;

	if (args_next_is(a, '"') || args_next_is(a, '{')) {
		good = args_string(a, &wire);
	} else {
		wire = take_pattern_atom(a);
		good = wire.n > 0 || args_fail(a, "A pattern is missing");
	}
	if (good && (!name_decode(a, wire, &text) || !nfc_put(&normal, str_span(&text))))
		good = args_fail(a, "A pattern is too long or not well formed");
	good = good && name_keep(a, &normal, out);
	str_free(&text);
	str_free(&normal);
	return good;
}
