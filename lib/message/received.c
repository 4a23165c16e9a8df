/*
 * The Received: field: RFC 5321 4.4, with types of RFC 3848. Called by smtpd and pickup for each
 * message. Each part has a line of its own as in Postfix; what came from the client (name, HELO,
 * login) is cut at PEER_MAX and stripped of whatever has a meaning in headers, so a client cannot
 * forge what follows it.
 */
#include "config.h"

#include "message/received.h"

#include "base/cclass.h"
#include "base/limits.h"
#include "base/time.h"
#include "message/header.h"

#define PEER_MAX      255 /* bytes: the longest domain */
#define RECIPIENT_MAX 900 /* bytes: with the date the line stays below 998 (RFC 5322 2.1.1) */

/* Text of a peer: blanks, controls and what ends a comment, a literal or the clause become "?". */
static void
put_peer(struct str *out, struct span text)
{
	static const struct span special = SPAN("()<>\\\";, ");

	text = span_head(text, PEER_MAX);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool bad = cclass_is(c, CC_CTL) || span_find(special, c) < special.n;

		str_putc(out, bad ? '?' : c);
	}
}

static void
put_from(struct str *out, const struct received *r)
{
	str_puts(out, " from ");
	put_peer(out, r->helo.n > 0 ? r->helo : r->name);
	str_puts(out, " (");
	put_peer(out, r->name);
	str_puts(out, " [");
	put_peer(out, r->address);
	str_puts(out, "])");
}

/* A line of its own in parentheses. */
static void
put_comment(struct str *out, struct span text)
{
	size_t col = 9;

	if (text.n == 0)
		return;
	str_puts(out, "\r\n\t(");
	header_put_words(out, &col, text);
	str_putc(out, ')');
}

static void
put_login(struct str *out, struct span login)
{
	if (login.n == 0)
		return;
	str_puts(out, "\r\n\t(Authenticated sender: ");
	put_peer(out, login);
	str_putc(out, ')');
}

bool
received_put(struct str *out, const struct received *r)
{
	str_puts(out, "Received:");
	if (r->address.n > 0) {
		put_from(out, r);
		put_comment(out, r->tls);
		put_comment(out, r->peer_cert);
		put_login(out, r->login);
		str_puts(out, "\r\n\t");
	} else {
		str_putc(out, ' ');
	}
	str_printf(out, "by %.*s (%.*s)", SPAN_ARG(r->by), SPAN_ARG(r->mail_name));
	if (r->with.n > 0)
		str_printf(out, " with %.*s", SPAN_ARG(r->with));
	str_printf(out, " id %.*s", SPAN_ARG(r->id));
	if (r->recipient.n > 0 && r->recipient.n <= RECIPIENT_MAX)
		str_printf(out, "\r\n\tfor <%.*s>; ", SPAN_ARG(r->recipient));
	else
		str_puts(out, ";\r\n\t");
	time_put_rfc5322(out, r->wall_ns);
	return str_puts(out, "\r\n");
}
