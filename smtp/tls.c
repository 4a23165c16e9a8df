/*
 * Levels of TLS (smtp_tls_security_level): none, may (any certificate, and clear text rather than
 * nothing), encrypt (any certificate), verify (a name of the host, which the MX lookup told),
 * secure (a name of the next hop, which the postmaster or the recipient's domain told): RFC 7435,
 * RFC 9525. Called by session.c. A level that this client cannot hold is refused at start, never
 * lowered. smtp_tls_policy_maps will be asked in tls_policy_find, which is why that may suspend.
 */
#include "smtp/tls.h"

#include "base/log.h"

static const char *
cipher_list(enum conf_tls_ciphers grade)
{
	return grade == CONF_CIPHERS_HIGH ? "HIGH:!aNULL" : NULL;
}

static enum verdict
context_make(struct client *c, enum client_tls kind, int ca_fd, struct err *err)
{
	bool mandatory = kind != CLIENT_TLS_MAY;
	const struct conf *conf = c->conf;
	struct tls_settings settings = {
		.service = "smtp client",
		.chain_fd = -1,
		.ca_fd = ca_fd,
		.protocols =
		    mandatory ? conf->smtp_tls_mandatory_protocols.p : conf->smtp_tls_protocols.p,
		.ciphers = cipher_list(
		    mandatory ? conf->smtp_tls_mandatory_ciphers : conf->smtp_tls_ciphers),
		.verify = kind == CLIENT_TLS_VERIFY ? TLS_VERIFY_NAME : TLS_VERIFY_NONE,
	};

	return tls_context_new_client(&settings, &c->tls[kind], err);
}

/* The context of each level; CLIENT_TLS_KINDS: none. */
static const enum client_tls level_kinds[] = {
	[CONF_TLS_NONE] = CLIENT_TLS_KINDS,
	[CONF_TLS_MAY] = CLIENT_TLS_MAY,
	[CONF_TLS_ENCRYPT] = CLIENT_TLS_ENCRYPT,
	[CONF_TLS_DANE] = CLIENT_TLS_KINDS,
	[CONF_TLS_DANE_ONLY] = CLIENT_TLS_KINDS,
	[CONF_TLS_VERIFY] = CLIENT_TLS_VERIFY,
	[CONF_TLS_SECURE] = CLIENT_TLS_VERIFY,
};

enum verdict
tls_prepare(struct client *c, int ca_fd, struct err *err)
{
	enum conf_tls_client_level level = c->conf->smtp_tls_security_level;

	if (level == CONF_TLS_DANE || level == CONF_TLS_DANE_ONLY)
		return err_set(err, VERDICT_PERM,
		    "smtp_tls_security_level = %.*s: there is no DANE yet; use verify or secure",
		    SPAN_ARG(conf_choice_word(CONF_SET_tls_client_level, level)));
	if (c->conf->smtp_tls_wrappermode && level < CONF_TLS_ENCRYPT)
		return err_set(err, VERDICT_PERM,
		    "smtp_tls_wrappermode needs smtp_tls_security_level = encrypt or more");
	if (level_kinds[level] == CLIENT_TLS_KINDS)
		return VERDICT_OK;
	if (level_kinds[level] == CLIENT_TLS_VERIFY && ca_fd < 0)
		return err_set(err, VERDICT_PERM,
		    "smtp_tls_security_level = %.*s needs smtp_tls_CAfile",
		    SPAN_ARG(conf_choice_word(CONF_SET_tls_client_level, level)));
	return context_make(c, level_kinds[level], ca_fd, err);
}

void
tls_release(struct client *c)
{
	for (size_t i = 0; i < CLIENT_TLS_KINDS; i++)
		if (c->tls[i])
			tls_context_free(c->tls[i]);
}

/* The words of smtp_tls_verify_cert_match and its like; "hostname" is left to tls_begin. */
static bool
match_put(struct tls_policy *policy, struct span word, struct span nexthop, struct arena *arena)
{
	struct span *out = &policy->match[policy->match_n];
	struct str dotted = STR_INIT(LIMIT_DOMAIN + 2);

	if (policy->match_n == TLS_MATCH_MOST)
		return false;
	*out = word;
	if (span_eq_nocase(word, span_lit("hostname"))) {
		*out = span_lit("");
	} else if (span_eq_nocase(word, span_lit("nexthop"))) {
		*out = nexthop;
	} else if (span_eq_nocase(word, span_lit("dot-nexthop"))) {
		str_printf(&dotted, ".%.*s", SPAN_ARG(nexthop));
		*out = arena_dup(arena, str_span(&dotted));
	}
	str_free(&dotted);
	policy->match_n++;
	return out->p != NULL;
}

SUSPENDS
enum verdict
tls_policy_find(struct client *c, const struct nexthop *nexthop, struct arena *arena,
    struct tls_policy *out, struct err *err)
{
	const struct conf *conf = c->conf;
	struct span words, word;

	*out = (struct tls_policy){ .level = conf->smtp_tls_security_level,
		.wrapper = conf->smtp_tls_wrappermode };
	if (nexthop->kind == NEXTHOP_UNIX)
		out->level = CONF_TLS_NONE;
	if (out->level < CONF_TLS_VERIFY)
		return VERDICT_OK;
	words = out->level == CONF_TLS_SECURE ? conf->smtp_tls_secure_cert_match
					      : conf->smtp_tls_verify_cert_match;
	while (conf_list_next(&words, &word))
		if (!match_put(out, word, nexthop->name, arena))
			return err_mail(err, 451, "4.3.5", "too many names to match in %s",
			    out->level == CONF_TLS_SECURE ? "smtp_tls_secure_cert_match"
							  : "smtp_tls_verify_cert_match");
	return VERDICT_OK;
}

SUSPENDS
enum verdict
tls_begin(struct client *c, const struct tls_policy *policy, struct span host, struct stream *io,
    uint64_t deadline, struct err *err)
{
	struct span match[TLS_MATCH_MOST];
	struct tls_client how = { .sni = host, .match = match, .match_count = policy->match_n };
	struct err why = ERR_NONE;
	enum verdict v;

	for (size_t i = 0; i < policy->match_n; i++)
		match[i] = policy->match[i].n ? policy->match[i] : host;
	v = tls_client_start(io, c->tls[level_kinds[policy->level]], &how, deadline, &why);
	if (v == VERDICT_OK)
		return v;
	return err_mail(err, 451, "4.7.5", "Cannot start TLS: %s",
	    why.text[0] ? why.text : "the server has hung up");
}

void
tls_log(const struct client *c, const struct stream *io, const char *peer)
{
	const struct tls_info *info = stream_tls(io);
	struct str line = STR_INIT(LIMIT_LOG_LINE);

	if (c->conf->smtp_tls_loglevel > 0 && info) {
		str_printf(&line, "%s TLS connection established to %s: ", tls_info_trust(info),
		    log_escape(span_str(peer)));
		tls_info_put(&line, info);
		log_event(LOG_LEVEL_INFO, "%s", str_cstr(&line));
	}
	str_free(&line);
}
