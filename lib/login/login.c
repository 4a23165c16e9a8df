/*
 * Before the login: what a client may send, STARTTLS, and the question to authd. Called by the
 * dialogues of imapd and pop3d on the session's fiber. Everything a client sends here is counted: a
 * stranger gets LIMIT_LOGIN_BYTES, LIMIT_LOGIN_LINES and the time to log in, not more. Must never
 * tell a client why a login failed, nor keep a password.
 */
#include "config.h"

#include "base/log.h"
#include "base/mem.h"
#include "login/login_impl.h"

#define VERIFY_ARENA 8192
#define TLS_S	     60 /* for a handshake: longer than any honest one */

void *
login_state(struct login *l, size_t size)
{
	if (!l->state) {
		l->state = mem_alloc(size);
		l->state_n = size;
	}
	assert(l->state_n == size);
	return l->state;
}

struct service_ctx *
login_service(const struct login *l)
{
	return l->front->ctx;
}

struct stream *
login_stream(struct login *l)
{
	return l->io;
}

struct span
login_client(const struct login *l)
{
	return span_str(l->client);
}

uint64_t
login_trace(const struct login *l)
{
	return l->trace;
}

bool
login_secured(const struct login *l)
{
	return l->tls;
}

bool
login_can_start_tls(const struct login *l)
{
	return l->front->tls && l->front->settings.tls_offered && !l->tls;
}

bool
login_can_verify(const struct login *l)
{
	return l->tls || l->loopback || !l->front->settings.tls_needed;
}

void
login_count_error(struct login *l)
{
	l->errors++;
}

static bool
budget_spent(const struct login *l)
{
	return l->bytes > LIMIT_LOGIN_BYTES || l->lines > LIMIT_LOGIN_LINES ||
	       l->errors > l->front->settings.errors_max;
}

SUSPENDS
enum verdict
login_read_line(struct login *l, enum line_end ends, size_t max, struct span *line_out)
{
	enum verdict v;

	if (budget_spent(l))
		return VERDICT_PERM;
	v = stream_read_line(l->io, ends, max, l->until, line_out);
	if (v != VERDICT_OK)
		return v;
	l->lines++;
	l->bytes += line_out->n;
	return budget_spent(l) ? VERDICT_PERM : v;
}

/* Nobody needs many lines that are too long, and each may be endless: the fourth is the last. */
SUSPENDS
enum verdict
login_skip_line(struct login *l, enum line_end ends)
{
	l->lines++;
	l->bytes += LIMIT_LOGIN_BYTES / 4;
	return stream_skip_line(l->io, ends, l->until);
}

SUSPENDS
enum verdict
login_read_full(struct login *l, void *p, size_t n)
{
	if (n > LIMIT_LOGIN_BYTES - size_min(l->bytes, LIMIT_LOGIN_BYTES))
		return VERDICT_PERM;
	l->bytes += n;
	return stream_read_full(l->io, p, n, l->until);
}

static void
log_tls(const struct login *l)
{
	struct str text = STR_INIT(512);
	const struct tls_info *info = stream_tls(l->io);

	if (service_conf(l->front->ctx)->smtpd_tls_loglevel > 0 && tls_info_put(&text, info))
		log_event(LOG_LEVEL_INFO, "%s TLS connection established from %s: %s",
		    tls_info_trust(info), login_peer(l), log_escape(str_span(&text)));
	str_free(&text);
}

SUSPENDS
enum verdict
login_start_tls(struct login *l)
{
	uint64_t until = deadline_after_s(TLS_S);
	struct err err = ERR_NONE;
	size_t dropped = 0;
	enum verdict v;

	login_forget(l);
	if (!l->front->tls || l->tls)
		return VERDICT_PERM;
	v = stream_start_tls_server(
	    l->io, l->front->tls, until < l->until ? until : l->until, &dropped, &err);
	if (dropped > 0)
		log_event(LOG_LEVEL_WARNING,
		    "%s sent %zu bytes ahead of TLS, which were not looked at", login_peer(l),
		    dropped);
	if (v == VERDICT_OK) {
		l->tls = true;
		log_tls(l);
	} else {
		log_event(LOG_LEVEL_INFO, "SSL_accept error from %s: %s", login_peer(l), err.text);
	}
	return v;
}

void
login_forget(struct login *l)
{
	const struct msg_auth_over over = { .ticket = l->ticket };

	if (l->ticket)
		service_note(l->front->ctx, "authd", l->trace, &ipc_auth_over, &over);
	l->ticket = l->grant = 0;
	str_free(&l->name);
}

/* The line that log readers watch for. */
static void
log_failure(const struct login *l, const char *mechanism, struct span user, const struct err *err)
{
	log_event(LOG_LEVEL_WARNING, "%s: SASL %s authentication failed: %s, sasl_username=%s",
	    login_peer(l), mechanism, err->text, log_escape(user));
}

static void
log_success(const struct login *l, const char *mechanism)
{
	log_event(LOG_LEVEL_INFO, "client=%s, sasl_method=%s, sasl_username=%s%s", login_peer(l),
	    mechanism, log_escape(str_span(&l->name)), l->tls ? ", tls" : "");
}

/* authd's answer, as it is for the client: what was wrong is for the log. */
static enum verdict
verify_judge(struct login *l, enum verdict v, const struct msg_auth_result *result, struct err *err)
{
	if (v == VERDICT_OK) {
		l->grant = result->grant;
		l->ticket = result->ticket;
		str_put(&l->name, result->login);
		return v;
	}
	if (v == VERDICT_CANCELLED)
		return v;
	l->errors++;
	if (v == VERDICT_PERM)
		return err_mail(err, 535, "5.7.8", "authentication failed");
	return err_mail(err, 454, "4.7.0", "temporary authentication failure");
}

SUSPENDS
enum verdict
login_verify(struct login *l, const char *mechanism, const struct sasl_login *who, struct err *err)
{
	const struct msg_auth_verify ask = {
		.service = span_str(l->front->settings.service),
		.mechanism = span_str(mechanism),
		.user = who->user,
		.act_as = who->act_as,
		.password = who->password,
		.client = span_str(l->client),
		.tls = l->tls,
	};
	struct msg_auth_result result;
	struct err why = ERR_NONE;
	struct arena arena;
	enum verdict v;

	login_forget(l);
	if (!login_can_verify(l))
		return err_mail(err, 538, "5.7.11", "TLS is needed for that");
	if (who->user.n > LIMIT_ADDRESS || who->act_as.n > LIMIT_ADDRESS ||
	    who->password.n > LIMIT_PASSWORD) {
		v = err_set(&why, VERDICT_PERM, "the name or the password is too long");
		log_failure(l, mechanism, span_head(who->user, LIMIT_ADDRESS), &why);
		return verify_judge(l, v, NULL, err);
	}
	arena_init(&arena, VERIFY_ARENA);
	v = service_call(l->front->ctx, "authd", l->trace, &ipc_auth_verify, &ask, &ipc_auth_result,
	    &result, &arena, deadline_after_s(LIMIT_LOGIN_WAIT), &why);
	if (v != VERDICT_OK && v != VERDICT_CANCELLED)
		log_failure(l, mechanism, who->user, &why);
	v = verify_judge(l, v, &result, err);
	if (v == VERDICT_OK)
		log_success(l, mechanism);
	arena_free(&arena);
	return v;
}
