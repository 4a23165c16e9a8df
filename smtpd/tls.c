/*
 * TLS in the front door: the context, made before the walls from descriptors that master opened
 * (key, certificates, ticket keys), and its two uses: STARTTLS (RFC 3207) and a service that begins
 * with it (RFC 8314 3.3). What was said before a handshake is forgotten, and what was sent ahead of
 * it dropped (RFC 3207 4.2, ABUSE 1 and 2). Tickets are bound to the service's name, so a session
 * of submission is not resumed on port 25. Owns no key: OpenSSL does.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "smtpd/loglines.h"

static const char *
ciphers_of(const struct conf *conf, bool demanded)
{
	enum conf_tls_ciphers grade =
	    demanded ? conf->smtpd_tls_mandatory_ciphers : conf->smtpd_tls_ciphers;

	return grade == CONF_CIPHERS_HIGH ? "HIGH:!aNULL:!eNULL" : NULL;
}

/* Keys that all workers of the suite share; without them tickets are good in this process alone. */
static void
take_ticket_keys(struct smtpd *smtpd)
{
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	int fd = service_fd(smtpd->ctx, BIRTH_FD_KEYS, 0);

	if (fd >= 0 && sys_pread_all(fd, keys, sizeof(keys), 0) == (ssize_t)sizeof(keys))
		tls_context_set_ticket_keys(smtpd->tls, keys);
	mem_wipe(keys, sizeof(keys));
}

enum verdict
tls_prepare(struct smtpd *smtpd, struct err *err)
{
	const struct conf *conf = service_conf(smtpd->ctx);
	bool demanded = conf->smtpd_tls_security_level == CONF_TLS_SERVER_ENCRYPT ||
			conf->smtpd_tls_wrappermode;
	struct tls_settings settings = {
		.service = service_name(smtpd->ctx),
		.chain_fd = service_fd(smtpd->ctx, BIRTH_FD_CHAIN, 0),
		.ca_fd = -1,
		.protocols =
		    demanded ? conf->smtpd_tls_mandatory_protocols.p : conf->smtpd_tls_protocols.p,
		.ciphers = ciphers_of(conf, demanded),
	};

	if (conf->smtpd_tls_security_level == CONF_TLS_SERVER_NONE && !conf->smtpd_tls_wrappermode)
		return VERDICT_OK;
	if (settings.chain_fd < 0 && demanded)
		return err_set(err, VERDICT_PERM,
		    "TLS is demanded (smtpd_tls_security_level, smtpd_tls_wrappermode), and there "
		    "is no "
		    "certificate: set smtpd_tls_chain_files");
	if (settings.chain_fd < 0)
		return VERDICT_OK;
	if (tls_context_new_server(&settings, &smtpd->tls, err) != VERDICT_OK)
		return err_wrap(err, "smtpd_tls_chain_files");
	take_ticket_keys(smtpd);
	return VERDICT_OK;
}

bool
tls_offered(const struct session *s)
{
	return s->smtpd->tls && !stream_tls(s->io) &&
	       s->conf->smtpd_tls_security_level != CONF_TLS_SERVER_NONE;
}

/* RFC 3207 4.2: the server must discard any knowledge obtained from the client. */
static void
forget_all(struct session *s)
{
	transaction_reset(s);
	str_reset(&s->helo);
	str_reset(&s->login);
	s->method = NULL;
	s->esmtp = false;
	s->state = SMTP_CONNECTED;
	access_forget(s);
}

SUSPENDS bool
tls_begin(struct session *s)
{
	struct err err = ERR_NONE;
	size_t dropped = 0;
	enum verdict v;

	v = stream_start_tls_server(
	    s->io, s->smtpd->tls, time_mono() + s->conf->smtpd_starttls_timeout, &dropped, &err);
	forget_all(s);
	peer_await_name(s);
	if (dropped > 0)
		log_event(LOG_LEVEL_WARNING,
		    "%.*s: %zu bytes sent ahead of the TLS handshake dropped",
		    SPAN_ARG(s->peer.label), dropped);
	if (v != VERDICT_OK) {
		log_tls_failure(s, &err);
		session_dismiss(s, v == VERDICT_TIMEOUT ? "timeout" : "lost connection");
		return false;
	}
	if (s->conf->smtpd_tls_loglevel > 0)
		log_tls(s);
	if (!stream_tls(s->io)->resumed && rates_tls(s, &err) != VERDICT_OK) {
		reply_verdict(s, &err);
		return false;
	}
	return true;
}

SUSPENDS void
cmd_starttls(struct session *s, struct span args)
{
	(void)args;
	if (stream_tls(s->io)) {
		reply(s, 554, "5.5.1 Error: TLS already active");
	} else if (s->conf->smtpd_tls_security_level == CONF_TLS_SERVER_NONE) {
		reply(s, 502, "5.5.1 Error: command not implemented");
	} else if (!s->smtpd->tls) {
		reply(s, 454, "4.7.0 TLS not available due to local problem");
	} else {
		reply(s, 220, "2.0.0 Ready to start TLS");
		tls_begin(s);
	}
}
