/*
 * What a process makes before its walls are up, and the hooks by which lib/service calls it: one
 * struct smtpd, the same for all sessions. What is wrong with the configuration stops the process
 * here, with the parameter's name, and not the first message.
 */
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "smtpd/session.h"

/* Parameters that smtpd alone gives a meaning, checked beyond their type. */
static enum verdict
words_check(const struct conf *conf, struct err *err)
{
	struct span rest = conf->smtpd_forbidden_commands, word;

	while (conf_list_next(&rest, &word)) {
		if (span_starts(word, span_lit("regexp:")) &&
		    span_eq(word, span_lit("regexp:{{/^[^A-Z]/ Bogus}}")))
			continue;
		if (span_find(word, ':') < word.n)
			return err_set(err, VERDICT_PERM,
			    "smtpd_forbidden_commands: of patterns only regexp:{{/^[^A-Z]/ Bogus}} "
			    "is "
			    "known, not %.*s",
			    SPAN_ARG(word));
	}
	return VERDICT_OK;
}

enum verdict
smtpd_prepare(struct service_ctx *ctx, struct err *err)
{
	struct smtpd *smtpd = mem_alloc(sizeof(*smtpd));
	const struct conf *conf = service_conf(ctx);
	enum verdict v;

	smtpd->ctx = ctx;
	list_init(&smtpd->sessions);
	resolved_init(&smtpd->resolved);
	queue_id_init(&smtpd->ids, (uint32_t)getpid());
	service_set_state(ctx, smtpd);
	/* A message larger than a process may write is an error of that message, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	v = words_check(conf, err);
	if (v == VERDICT_OK)
		v = access_prepare(conf, &smtpd->rules, err);
	if (v == VERDICT_OK)
		v = tls_prepare(smtpd, err);
	return v;
}

void
smtpd_free(struct smtpd *smtpd)
{
	access_free(smtpd->rules);
	resolved_free(&smtpd->resolved);
	if (smtpd->tls)
		tls_context_free(smtpd->tls);
	mem_free(smtpd);
}

void
smtpd_accept(struct service_ctx *ctx, int fd, unsigned listener)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->smtpd = service_state(ctx);
	s->listener = listener;
	s->io = stream_new(fd);
	if (fiber_spawn("smtp session", session_run, s))
		return;
	stream_free(s->io);
	mem_free(s);
	service_session_over(ctx, listener);
}

void
smtpd_stop(struct service_ctx *ctx)
{
	struct smtpd *smtpd = service_state(ctx);

	if (!service_shutdown(ctx))
		return;
	list_foreach (node, after, &smtpd->sessions) {
		struct session *s = LIST_ITEM(node, struct session, node);
		if (s->waits)
			fiber_cancel(s->fiber);
	}
}
