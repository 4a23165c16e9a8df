/*
 * HELO, EHLO and the small commands (RFC 5321 4.1.1.1, 4.1.1.5 to 4.1.1.10). EHLO announces the
 * extensions by a table: each has a function that says whether, and with what parameters, it is
 * offered in this session now.
 */
#include <string.h>

#include "smtpd/session.h"

static bool
offer_size(const struct session *s, struct str *out)
{
	if (s->conf->message_size_limit)
		str_printf(out, " %llu", (unsigned long long)s->conf->message_size_limit);
	return true;
}

static bool
offer_always(const struct session *s, struct str *out)
{
	(void)s;
	(void)out;
	return true;
}

static const struct extension {
	const char *keyword;
	bool (*offer)(const struct session *s, struct str *out);
} extensions[] = {
	{ "PIPELINING", offer_always },		 /* RFC 2920 */
	{ "SIZE", offer_size },			 /* RFC 1870 */
	{ "ENHANCEDSTATUSCODES", offer_always }, /* RFC 2034 */
	{ "8BITMIME", offer_always },		 /* RFC 6152 */
};

/* The name the client gives itself: kept for the session, shown in Received: and in the log. */
SUSPENDS static bool
helo_accept(struct session *s, struct span args)
{
	struct span name, rest;

	span_cut(args, ' ', &name, &rest);
	if (name.n > LIMIT_DOMAIN) {
		reply(s, 501,
		    "5.5.2 Error: the name after HELO or EHLO is longer than any host name");
		return false;
	}
	transaction_reset(s);
	arena_reset(&s->arena);
	s->helo = arena_dup(&s->arena, name);
	s->state = SMTP_GREETED;
	return true;
}

SUSPENDS void
cmd_helo(struct session *s, struct span args)
{
	if (!helo_accept(s, args))
		return;
	s->esmtp = false;
	reply(s, 250, "%.*s", SPAN_ARG(s->conf->myhostname));
}

SUSPENDS void
cmd_ehlo(struct session *s, struct span args)
{
	const struct extension *offered[ARRAY_LEN(extensions)];
	struct str params[ARRAY_LEN(extensions)];
	size_t n = 0;

	if (!helo_accept(s, args))
		return;
	s->esmtp = true;
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		str_init(&params[n], 512);
		if (extensions[i].offer(s, &params[n]))
			offered[n++] = &extensions[i];
		else
			str_free(&params[n]);
	}
	reply_more(s, 250, "%.*s", SPAN_ARG(s->conf->myhostname));
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n)
			reply_more(
			    s, 250, "%s%.*s", offered[i]->keyword, SPAN_ARG(str_span(&params[i])));
		else
			reply(
			    s, 250, "%s%.*s", offered[i]->keyword, SPAN_ARG(str_span(&params[i])));
		str_free(&params[i]);
	}
}

SUSPENDS void
cmd_rset(struct session *s, struct span args)
{
	(void)args;
	transaction_reset(s);
	reply(s, 250, "2.0.0 Ok");
}

SUSPENDS void
cmd_noop(struct session *s, struct span args)
{
	(void)args;
	reply(s, 250, "2.0.0 Ok");
}

SUSPENDS void
cmd_vrfy(struct session *s, struct span args)
{
	(void)args;
	/* RFC 5321 7.3: saying who exists helps those who guess. */
	reply(s, 252, "2.0.0 Cannot VRFY user, but will take a message and try");
}

SUSPENDS void
cmd_quit(struct session *s, struct span args)
{
	(void)args;
	s->quit = true;
	reply(s, 221, "2.0.0 Bye");
}
