/*
 * What clients may do how often, as anvil counts it for all workers. A limit of 0 asks nobody and
 * costs nothing. Clients in smtpd_client_event_limit_exceptions are not counted. When anvil does
 * not answer in time, mail is taken: limits protect us from too much of it, not from some. Called
 * by the session, MAIL, RCPT, STARTTLS and AUTH; replies and log lines are Postfix's.
 */
#include "base/time.h"
#include "smtpd/loglines.h"

#define ANVIL_WAIT_S 2

struct rate {
	enum anvil_kind kind;
	uint64_t limit;
	const char *what; /* in the log */
	unsigned reply;
	const char *dsn;
	const char *text; /* before the client's address */
};

SUSPENDS static bool
count(struct session *s, struct span key, enum anvil_kind kind, struct msg_anvil_counted *out)
{
	struct msg_anvil_count msg = {
		.service = span_str(service_name(s->smtpd->ctx)),
		.key = key,
		.kind = (uint8_t)kind,
		.n = 1,
	};
	struct err err = ERR_NONE;

	return service_call(s->smtpd->ctx, "anvil", s->trace, &ipc_anvil_count, &msg,
		   &ipc_anvil_counted, out, &s->t.arena, deadline_after_s(ANVIL_WAIT_S),
		   &err) == VERDICT_OK;
}

static void
network_put(const struct session *s, struct str *out)
{
	peer_put_network(&s->peer, (unsigned)s->conf->smtpd_client_ipv4_prefix_length,
	    (unsigned)s->conf->smtpd_client_ipv6_prefix_length, out);
}

SUSPENDS static enum verdict
exceeded(struct session *s, const struct rate *r, uint64_t n, struct span who, struct err *err)
{
	peer_await_name(s);
	log_limit(s, r->what, n);
	return err_mail(err, r->reply, r->dsn, "%s %.*s", r->text, SPAN_ARG(who));
}

SUSPENDS static enum verdict
rate_of_client(struct session *s, const struct rate *r, struct err *err)
{
	struct str key = STR_INIT(LIMIT_ADDRESS);
	struct msg_anvil_counted n;
	bool known;

	if (r->limit == 0 || s->peer.unlimited)
		return VERDICT_OK;
	network_put(s, &key);
	known = count(s, str_span(&key), r->kind, &n);
	str_free(&key);
	if (!known || n.rate <= r->limit)
		return VERDICT_OK;
	return exceeded(s, r, n.rate, span_str(s->peer.ip), err);
}

SUSPENDS static enum verdict
rate_of_login(struct session *s, const struct rate *r, struct err *err)
{
	struct msg_anvil_counted n;

	if (r->limit == 0 || s->login.n == 0 || !count(s, str_span(&s->login), r->kind, &n) ||
	    n.rate <= r->limit)
		return VERDICT_OK;
	return exceeded(s, r, n.rate, str_span(&s->login), err);
}

SUSPENDS enum verdict
rates_connect(struct session *s, struct err *err)
{
	const struct rate open = { ANVIL_CONNECT, s->conf->smtpd_client_connection_count_limit,
		"Connection concurrency", 421, "4.7.0", "Error: too many connections from" };
	const struct rate rate = { ANVIL_CONNECT, s->conf->smtpd_client_connection_rate_limit,
		"Connection rate", 421, "4.7.0", "Error: too many connections from" };
	struct str key = STR_INIT(LIMIT_ADDRESS);
	struct msg_anvil_counted n;

	if ((open.limit == 0 && rate.limit == 0) || s->peer.unlimited)
		return VERDICT_OK;
	network_put(s, &key);
	s->peer.counted = count(s, str_span(&key), ANVIL_CONNECT, &n);
	str_free(&key);
	if (!s->peer.counted)
		return VERDICT_OK;
	if (open.limit > 0 && n.open > open.limit)
		return exceeded(s, &open, n.open, span_str(s->peer.ip), err);
	if (rate.limit > 0 && n.rate > rate.limit)
		return exceeded(s, &rate, n.rate, span_str(s->peer.ip), err);
	return VERDICT_OK;
}

static void
note(struct session *s, enum anvil_kind kind)
{
	struct str key = STR_INIT(LIMIT_ADDRESS);
	struct msg_anvil_note msg = {
		.service = span_str(service_name(s->smtpd->ctx)),
		.kind = (uint8_t)kind,
		.n = 1,
	};

	network_put(s, &key);
	msg.key = str_span(&key);
	service_note(s->smtpd->ctx, "anvil", s->trace, &ipc_anvil_note, &msg);
	str_free(&key);
}

void
rates_disconnect(struct session *s)
{
	if (s->peer.counted)
		note(s, ANVIL_DISCONNECT);
	s->peer.counted = false;
}

SUSPENDS enum verdict
rates_message(struct session *s, struct err *err)
{
	const struct rate client = { ANVIL_MESSAGE, s->conf->smtpd_client_message_rate_limit,
		"Message delivery request rate", 450, "4.7.1", "Error: too much mail from" };
	const struct rate login = { ANVIL_MESSAGE, s->conf->smtpd_login_message_rate_limit,
		"Message delivery request rate", 450, "4.7.1", "Error: too much mail from" };
	enum verdict v = rate_of_client(s, &client, err);

	return v == VERDICT_OK ? rate_of_login(s, &login, err) : v;
}

SUSPENDS enum verdict
rates_recipient(struct session *s, struct err *err)
{
	const struct rate client = { ANVIL_RECIPIENT, s->conf->smtpd_client_recipient_rate_limit,
		"Recipient address rate", 450, "4.7.1", "Error: too many recipients from" };
	const struct rate login = { ANVIL_RECIPIENT, s->conf->smtpd_login_recipient_rate_limit,
		"Recipient address rate", 450, "4.7.1", "Error: too many recipients from" };
	enum verdict v = rate_of_client(s, &client, err);

	return v == VERDICT_OK ? rate_of_login(s, &login, err) : v;
}

SUSPENDS enum verdict
rates_tls(struct session *s, struct err *err)
{
	const struct rate rate = { ANVIL_TLS, s->conf->smtpd_client_new_tls_session_rate_limit,
		"New TLS session rate", 421, "4.7.0", "Error: too many new TLS sessions from" };

	return rate_of_client(s, &rate, err);
}

SUSPENDS enum verdict
rates_auth(struct session *s, struct err *err)
{
	const struct rate rate = { ANVIL_AUTH, s->conf->smtpd_client_auth_rate_limit,
		"AUTH command rate", 450, "4.7.1", "Error: too many AUTH commands from" };

	return rate_of_client(s, &rate, err);
}

void
rates_auth_failed(struct session *s, enum verdict v)
{
	if (v == VERDICT_PERM && !s->peer.unlimited)
		note(s, ANVIL_AUTH_FAILURE);
}
