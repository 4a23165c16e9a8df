/*
 * POP3 and IMAP: logins, sessions that wait for news (IDLE), and commands that are timed one by
 * one: each prints
 * "<milliseconds> <command>". Called by mailload.c. Replies are read to their end and not looked
 * into, but for literals (RFC 9051 4.3), which may hold anything.
 */
#include "config.h"

#include <stdio.h>

#include "base/num.h"
#include "tests/bench/load/load.h"

/* Who logs in with dialogue N. */
static void
user_name(const struct load *load, unsigned n, char name[64])
{
	if (load->users > 0)
		snprintf(name, 64, "u%u", n % load->users);
	else
		snprintf(name, 64, "%s", load->user);
}

SUSPENDS static void
pop3_reply(struct stream *io)
{
	struct span line = load_line(io);

	if (!span_starts(line, span_lit("+OK")))
		load_fail("POP3", line);
}

SUSPENDS static struct stream *
pop3_login(struct lane *lane, unsigned n)
{
	struct stream *io = load_connect(lane->load);
	char name[64];

	user_name(lane->load, n, name);
	pop3_reply(io);
	load_say(io, "USER %s\r\n", name);
	pop3_reply(io);
	load_say(io, "PASS %s\r\n", lane->load->password);
	pop3_reply(io);
	return io;
}

SUSPENDS void
load_pop3_login(struct lane *lane, unsigned n)
{
	struct stream *io = pop3_login(lane, n);

	load_say(io, "QUIT\r\n");
	pop3_reply(io);
	stream_free(io);
}

/* The bytes of a literal that LINE announces, or 0. */
static uint64_t
literal_size(struct span line)
{
	size_t at = line.n;
	uint64_t n;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return 0;
	while (at > 0 && line.p[at - 1] != '{')
		at--;
	return at > 0 && num_parse_u64(span_of(line.p + at, line.n - 1 - at), 1u << 30, &n) ? n : 0;
}

SUSPENDS static void
literal_skip(struct stream *io, uint64_t n)
{
	struct span some;

	while (n > 0) {
		if (stream_read_some(io, size_min(n, LOAD_LINE), deadline_after_s(LOAD_WAIT_S),
			&some) != VERDICT_OK)
			load_fail("literal", span_lit("cut"));
		n -= some.n;
	}
}

/* Up to the line that begins with TAG, which says OK; "+" ends it, too. */
SUSPENDS static void
imap_reply(struct stream *io, const char *tag)
{
	bool inside = false; /* a line that goes on after a literal */

	for (;;) {
		struct span line = load_line(io);
		uint64_t literal = literal_size(line);

		if (!inside && span_starts(line, span_str(tag))) {
			if (tag[0] == 'a' && !span_starts(line, span_lit("a OK")))
				load_fail("IMAP", line);
			return;
		}
		literal_skip(io, literal);
		inside = literal > 0;
	}
}

SUSPENDS static struct stream *
imap_login(struct lane *lane, unsigned n)
{
	struct stream *io = load_connect(lane->load);
	char name[64];

	user_name(lane->load, n, name);
	imap_reply(io, "* OK");
	load_say(io, "a LOGIN %s %s\r\n", name, lane->load->password);
	imap_reply(io, "a ");
	return io;
}

SUSPENDS void
load_imap_login(struct lane *lane, unsigned n)
{
	struct stream *io = imap_login(lane, n);

	load_say(io, "a LOGOUT\r\n");
	imap_reply(io, "a ");
	stream_free(io);
}

SUSPENDS void
load_imap_idle(struct lane *lane, unsigned n)
{
	struct stream *io = imap_login(lane, n);

	load_say(io, "a SELECT INBOX\r\n");
	imap_reply(io, "a ");
	load_say(io, "a IDLE\r\n");
	imap_reply(io, "+");
}

static void
tell(uint64_t begun, const char *command)
{
	printf("%.3f %s\n", (double)(time_mono() - begun) / (double)NS_PER_MS, command);
}

SUSPENDS void
load_imap_script(struct lane *lane, unsigned n)
{
	struct stream *io = imap_login(lane, n);
	const struct load *load = lane->load;

	for (unsigned i = 0; i < load->script_n; i++) {
		uint64_t begun = time_mono();

		load_say(io, "a %s\r\n", load->script[i]);
		imap_reply(io, "a ");
		tell(begun, load->script[i]);
	}
	stream_free(io);
}

/* LIST, UIDL and RETR have more lines than one. */
static bool
pop3_is_long(const char *command)
{
	static const struct span longs[] = { SPAN("LIST"), SPAN("UIDL"), SPAN("RETR"),
		SPAN("TOP") };

	for (size_t i = 0; i < ARRAY_LEN(longs); i++)
		if (span_starts(span_str(command), longs[i]))
			return true;
	return false;
}

/* "RETR 1:1000" is a thousand of them, each after the other's reply. */
SUSPENDS static void
pop3_command(struct stream *io, const char *command)
{
	struct span verb, rest, first, last;
	uint64_t from = 0, to = 0;

	span_cut(span_str(command), ' ', &verb, &rest);
	if (!span_cut(rest, ':', &first, &last) || !num_parse_u64(first, 1u << 30, &from) ||
	    !num_parse_u64(last, 1u << 30, &to))
		from = to = 0;
	for (uint64_t i = from; i <= to; i++) {
		if (from > 0)
			load_say(io, "%.*s %llu\r\n", SPAN_ARG(verb), (unsigned long long)i);
		else
			load_say(io, "%s\r\n", command);
		pop3_reply(io);
		while (pop3_is_long(command) && !span_eq(load_line(io), span_lit(".")))
			;
	}
}

SUSPENDS void
load_pop3_script(struct lane *lane, unsigned n)
{
	uint64_t begun = time_mono();
	struct stream *io = pop3_login(lane, n);
	const struct load *load = lane->load;

	tell(begun, "login");
	for (unsigned i = 0; i < load->script_n; i++) {
		begun = time_mono();
		pop3_command(io, load->script[i]);
		tell(begun, load->script[i]);
	}
	stream_free(io);
}
