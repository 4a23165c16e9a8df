/*
 * HELO, EHLO and the small commands (RFC 5321 4.1.1.1, 4.1.1.5 to 4.1.1.10). EHLO announces the
 * extensions by a table: each has a function that says whether, and with what parameters, it is
 * offered in this session now. Called through the command table.
 */
#include <string.h>

#include "smtpd/loglines.h"

#define PARAMS_MAX 512 /* bytes behind a keyword: all mechanisms there are */

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

static bool
offer_vrfy(const struct session *s, struct str *out)
{
	(void)out;
	return !s->conf->disable_vrfy_command;
}

static bool
offer_starttls(const struct session *s, struct str *out)
{
	(void)out;
	return tls_offered(s);
}

static const struct extension {
	const char *keyword;
	bool (*offer)(const struct session *s, struct str *out);
} extensions[] = {
	{ "PIPELINING", offer_always },		 /* RFC 2920 */
	{ "SIZE", offer_size },			 /* RFC 1870 */
	{ "VRFY", offer_vrfy },			 /* RFC 5321 3.5 */
	{ "STARTTLS", offer_starttls },		 /* RFC 3207 */
	{ "AUTH", auth_offered },		 /* RFC 4954 */
	{ "ENHANCEDSTATUSCODES", offer_always }, /* RFC 2034 */
	{ "8BITMIME", offer_always },		 /* RFC 6152 */
	{ "DSN", offer_always },		 /* RFC 3461 */
	{ "SMTPUTF8", offer_always },		 /* RFC 6531 */
	{ "CHUNKING", offer_always },		 /* RFC 3030 */
};

static bool
is_discarded(const struct session *s, struct span keyword)
{
	struct span rest = s->conf->smtpd_discard_ehlo_keywords, word;

	while (conf_list_next(&rest, &word))
		if (span_eq_nocase(word, keyword))
			return true;
	return false;
}

/* The name the client gives itself: kept for the session, shown in Received: and in the log. */
SUSPENDS static bool
helo_accept(struct session *s, struct span args, bool esmtp)
{
	struct span name, rest;
	struct err err = ERR_NONE;

	span_cut(args, ' ', &name, &rest);
	if (name.n > LIMIT_DOMAIN) {
		reply(s, 501, "5.5.2 Error: the name is longer than any host name");
		return false;
	}
	transaction_reset(s);
	str_reset(&s->helo);
	str_put(&s->helo, name);
	s->esmtp = esmtp;
	if (access_helo(s, &err) != VERDICT_OK) {
		str_reset(&s->helo);
		s->state = SMTP_CONNECTED;
		reply_verdict(s, &err);
		return false;
	}
	s->state = SMTP_GREETED;
	return true;
}

SUSPENDS void
cmd_helo(struct session *s, struct span args)
{
	if (helo_accept(s, args, false))
		reply(s, 250, "%.*s", SPAN_ARG(s->conf->myhostname));
}

SUSPENDS void
cmd_ehlo(struct session *s, struct span args)
{
	const struct extension *offered[ARRAY_LEN(extensions)];
	struct str params[ARRAY_LEN(extensions)];
	size_t n = 0;

	if (!helo_accept(s, args, true))
		return;
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		str_init(&params[n], PARAMS_MAX);
		if (!is_discarded(s, span_str(extensions[i].keyword)) &&
		    extensions[i].offer(s, &params[n]))
			offered[n++] = &extensions[i];
		else
			str_free(&params[n]);
	}
	if (n == 0)
		reply(s, 250, "%.*s", SPAN_ARG(s->conf->myhostname));
	else
		reply_more(s, 250, "%.*s", SPAN_ARG(s->conf->myhostname));
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n)
			reply_more(s, 250, "%s%s", offered[i]->keyword, str_cstr(&params[i]));
		else
			reply(s, 250, "%s%s", offered[i]->keyword, str_cstr(&params[i]));
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

/* RFC 5321 7.3: saying who exists helps those who guess. The transaction is not touched. */
SUSPENDS void
cmd_vrfy(struct session *s, struct span args)
{
	(void)args;
	if (s->conf->disable_vrfy_command)
		reply(s, 502, "5.5.1 VRFY command is disabled");
	else
		reply(s, 252, "2.0.0 Cannot VRFY user, but will take a message and try");
}

SUSPENDS void
cmd_expn(struct session *s, struct span args)
{
	(void)args;
	reply(s, 502, "5.5.1 EXPN command is disabled");
}

SUSPENDS void
cmd_quit(struct session *s, struct span args)
{
	(void)args;
	s->quit = true;
	reply(s, 221, "2.0.0 Bye");
}
