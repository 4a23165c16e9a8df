/*
 * Reports to senders. The one place that knows who writes them: called by active.c when a message
 * has come to rest. A failure stays in its slot until its report is a message of its own, so that a
 * crash never loses one. There is no bounce service to ask yet in this suite: what would be
 * reported is logged, and the failure is done with.
 */
#include "config.h"

#include "base/log.h"
#include "qmgr/qmgr.h"
#include "qmgr/report.h"

/* RFC 3461 4.1: NOTIFY without FAILURE (or NEVER) forbids it; without NOTIFY it is expected. */
static bool
wants(const struct item_recipient *item, unsigned what)
{
	return item->notify == 0 || (item->notify & what);
}

static void
report_log(const struct message *m, const struct envelope *env, const struct recipient *r)
{
	struct item_recipient item;

	recipient_read(r, &item);
	if (env->sender.n == 0 || !wants(&item, DSN_FAILURE))
		return;
	log_event(LOG_LEVEL_WARNING,
	    "%s: <%s> is not told that <%s> failed: there is no bounce service", m->id,
	    log_escape(env->sender), log_escape(item.address));
}

void
report_failures(struct qmgr *q, struct message *m)
{
	struct envelope env;

	if (m->reporting)
		return;
	message_envelope(m, &env);
	for (struct recipient *r = message_first(m); r; r = message_next(r)) {
		if (r->state != SLOT_FAILED)
			continue;
		report_log(m, &env, r);
		recipient_rest(r, SLOT_REPORTED);
		change_recipient(q, r);
	}
}

void
report_delay(struct qmgr *q, struct message *m)
{
	uint64_t after = qmgr_conf(q)->delay_warning_time;
	uint64_t now = time_wall();
	struct envelope env;

	if (after == 0 || m->flags & FILE_WARNED || now < m->arrived || now - m->arrived < after)
		return;
	message_envelope(m, &env);
	change_flags(q, m, m->flags | FILE_WARNED);
	if (env.sender.n > 0)
		log_event(LOG_LEVEL_WARNING,
		    "%s: <%s> is not told of the delay: there is no bounce service", m->id,
		    log_escape(env.sender));
}
