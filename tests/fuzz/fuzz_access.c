/*
 * Fuzz target for what access tables answer (access(5)): the first byte says what the table is
 * asked about, the rest is its value. A session with one message runs through it. Whatever the
 * value says, replies and log lines keep their shape, and a message more than the one that was sent
 * never comes out.
 */
#include "config.h"

#include "tests/fuzz/dialogue.h"
#include "tests/fuzz/fuzz.h"

#define VALUE_MAX 4000

static char value[VALUE_MAX + 1];
static const struct world_entry entries[] = {
	{ "hash:/v", "c.test", value },
	{ "hash:/v", "a@b.test", value },
	{ "hash:/v", "user@example.test", value },
};

#define ENTRIES .entries = entries, .entries_n = ARRAY_LEN(entries)

static const struct world_plan plans[] = {
	{ .main_cf = "smtpd_helo_restrictions = check_helo_access hash:/v\n", ENTRIES },
	{ .main_cf = "smtpd_sender_restrictions = check_sender_access hash:/v\n", ENTRIES },
	{ .main_cf = "smtpd_recipient_restrictions = check_recipient_access hash:/v\n", ENTRIES },
	{ .main_cf = "smtpd_data_restrictions = check_sender_access hash:/v\n", ENTRIES },
	{ .main_cf = "smtpd_end_of_data_restrictions = check_sender_access hash:/v\n", ENTRIES },
	{ .main_cf = "smtpd_relay_restrictions = check_sender_access hash:/v, "
		     "reject_unauth_destination\n",
	    ENTRIES },
};

static const char session[] = "EHLO c.test\r\n\377MAIL FROM:<a@b.test>\r\n\377"
			      "RCPT TO:<user@example.test>\r\n\377DATA\r\n\377"
			      "Subject: x\r\n\r\ntext\r\n.\r\n\377QUIT\r\n";

/* "sleep" does, for as long as it says. */
static bool
sleeps(struct span text)
{
	for (; text.n > 0; text = span_from(text, 1))
		if (span_starts_nocase(text, span_lit("sleep")))
			return true;
	return false;
}

FUZZ(data)
{
	static struct dialogue d;
	struct span text;
	size_t which;

	if (data.n == 0)
		return;
	which = (unsigned char)data.p[0] % ARRAY_LEN(plans);
	text = span_head(span_from(data, 1), VALUE_MAX);
	if (sleeps(text))
		return;
	memset(value, 0, sizeof(value));
	if (text.n > 0)
		memcpy(value, text.p, text.n);
	dialogue_run(&d, &plans[which], span_str(session));
	assert(d.world.commits <= 1);
}
