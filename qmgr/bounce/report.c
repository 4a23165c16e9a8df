/*
 * Who is told of what: a report goes to the message's sender from the null sender (RFC 5321 4.5.5,
 * RFC 3461 6.1), never to the null sender. What came from there, and failed, the postmaster is told
 * of if notify_classes has 2bounce; what failed on its way to the postmaster is dropped: there the
 * chain ends. Called by qmgr's channel; a fiber for each report, of which qmgr has a few at one
 * time. Owns nothing after the commit; qmgr asks again for what failed.
 */
#include "config.h"

#include "base/log.h"
#include "base/mem.h"
#include "qmgr/bounce/bounce.h"

#define REPORT_ARENA	16384
#define BOUNDARY_MOST	128 /* RFC 2046 5.1.1 has 70 and ours stays below */
#define CLASS_BOUNCES_2 "2bounce"

struct report {
	struct bounce *bounce;
	struct ipc_request *req;
	const struct msg_bounce_report *msg;
	const struct notice_kind *kind;
	struct arena arena;
	struct span made; /* queue id of the report to the sender */
};

static bool
class_is_wanted(const struct conf *conf, const char *name)
{
	struct span rest = conf->notify_classes, class;

	while (name && conf_list_next(&rest, &class))
		if (span_eq_nocase(class, span_str(name)))
			return true;
	return false;
}

/* The sender of what goes to the postmaster: whatever comes back to it is dropped. */
static struct span
double_bounce_sender(const struct conf *conf, struct arena *arena)
{
	struct str text = STR_INIT(LIMIT_ADDRESS);
	struct span out;

	str_put(&text, conf->double_bounce_sender);
	if (span_find(str_span(&text), '@') == text.n)
		str_printf(&text, "@%.*s", SPAN_ARG(conf->myorigin));
	out = arena_dup(arena, str_span(&text));
	str_free(&text);
	return out;
}

static void
notice_log(const struct notice *n)
{
	log_event(LOG_LEVEL_INFO, "%s: message-id=<%s@%s>", log_escape(n->queue_id),
	    log_escape(n->queue_id), log_escape(n->conf->myhostname));
	log_event(LOG_LEVEL_INFO, "%s: %s %s: %s", log_escape(n->msg->queue_id),
	    n->postmaster ? "postmaster" : "sender", n->kind->name, log_escape(n->queue_id));
}

static bool
is_ascii(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] > 127)
			return false;
	return true;
}

SUSPENDS
static enum verdict
notice_post(struct notice *n, struct err *err)
{
	struct item_recipient ask = { .address = n->to, .notify = DSN_NEVER };
	const struct posting_envelope env = {
		.queue_id = n->queue_id,
		.arrived = n->now,
		.sender = n->from,
		.flags = MESSAGE_BOUNCE | (n->utf8 && !n->encode ? MESSAGE_SMTPUTF8 : 0),
	};
	enum verdict v = posting_resolve(&n->posting, &ask, n->from, err);

	if (v == VERDICT_OK)
		v = notice_compose(n, err);
	if (v == VERDICT_OK)
		v = posting_commit(&n->posting, &env, err);
	return v;
}

/* One report to one reader: VERDICT_PERM: there is no such reader. */
SUSPENDS
static enum verdict
notice_send(struct report *r, struct span to, bool postmaster, struct err *err)
{
	const struct conf *conf = service_conf(r->bounce->ctx);
	struct notice *n = mem_alloc(sizeof(*n));
	bool utf8 = r->msg->flags & MESSAGE_SMTPUTF8;
	enum verdict v;

	*n = (struct notice){
		.bounce = r->bounce,
		.conf = conf,
		.msg = r->msg,
		.kind = r->kind,
		.postmaster = postmaster,
		.utf8 = utf8,
		.encode = utf8 && is_ascii(to),
		.from = postmaster ? double_bounce_sender(conf, &r->arena) : span_lit(""),
		.to = to,
		.now = time_wall(),
	};
	str_init(&n->boundary, BOUNDARY_MOST);
	n->queue_id = queue_id_make(&r->bounce->ids, n->now, &r->arena);
	v = posting_begin(&n->posting, r->bounce->ctx, ipc_request_trace(r->req), 0, err);
	if (v == VERDICT_OK)
		v = notice_post(n, err);
	posting_end(&n->posting);
	if (v == VERDICT_OK) {
		notice_log(n);
		r->made = n->queue_id;
	}
	str_free(&n->boundary);
	mem_free(n);
	return v;
}

/* Nobody wants to have sent it. WHY is for the log. */
SUSPENDS
static enum verdict
report_to_postmaster(struct report *r, const char *why, struct err *err)
{
	const struct conf *conf = service_conf(r->bounce->ctx);
	enum verdict v = VERDICT_OK;

	if (class_is_wanted(conf, CLASS_BOUNCES_2))
		v = notice_send(r, conf->bounce_notice_recipient, true, err);
	else
		log_event(LOG_LEVEL_INFO, "%s: %s: the report is dropped",
		    log_escape(r->msg->queue_id), why);
	if (v != VERDICT_PERM)
		return v;
	log_event(LOG_LEVEL_WARNING, "%s: the postmaster cannot be told: %s",
	    log_escape(r->msg->queue_id), err->text);
	return VERDICT_OK;
}

/* A copy that fails is not worth a second report to the sender. */
SUSPENDS
static void
report_copy(struct report *r)
{
	const struct conf *conf = service_conf(r->bounce->ctx);
	struct span made = r->made;
	struct span to = r->msg->kind == REPORT_DELAY ? conf->delay_notice_recipient
						      : conf->bounce_notice_recipient;
	struct err err = ERR_NONE;

	if (!class_is_wanted(conf, r->kind->copy_class))
		return;
	if (notice_send(r, to, true, &err) != VERDICT_OK)
		log_event(LOG_LEVEL_WARNING, "%s: the postmaster's copy is lost: %s",
		    log_escape(r->msg->queue_id), err.text);
	r->made = made;
}

SUSPENDS
static enum verdict
report_make(struct report *r, struct err *err)
{
	const struct conf *conf = service_conf(r->bounce->ctx);
	struct span sender = r->msg->sender;
	enum verdict v;

	if (sender.n == 0)
		return report_to_postmaster(r, "it came from the null sender", err);
	if (span_eq_nocase(sender, double_bounce_sender(conf, &r->arena))) {
		log_event(LOG_LEVEL_WARNING, "%s: undeliverable postmaster notification discarded",
		    log_escape(r->msg->queue_id));
		return VERDICT_OK;
	}
	v = notice_send(r, sender, false, err);
	if (v == VERDICT_PERM) {
		log_event(LOG_LEVEL_INFO, "%s: sender notification failed to <%s>: %s",
		    log_escape(r->msg->queue_id), log_escape(sender), err->text);
		return report_to_postmaster(r, "its sender cannot be told", err);
	}
	if (v == VERDICT_OK)
		report_copy(r);
	return v;
}

FIBER_MAIN
static void
report_run(void *arg)
{
	struct report *r = arg;
	struct err err = ERR_NONE;

	arena_init(&r->arena, REPORT_ARENA);
	if (report_make(r, &err) == VERDICT_OK)
		ipc_reply(r->req, &ipc_bounce_reported,
		    &(struct msg_bounce_reported){ .queue_id = r->made });
	else
		ipc_fail(r->req, &err);
	arena_free(&r->arena);
	service_idle(r->bounce->ctx);
	mem_free(r);
}

void
bounce_report(struct ipc_request *req, const void *body, void *arg)
{
	const struct msg_bounce_report *msg = body;
	struct report *r = mem_alloc(sizeof(*r));
	struct err err = ERR_NONE;

	*r = (struct report){ .bounce = service_state(arg), .req = req, .msg = msg };
	r->kind = notice_kind_find(msg->kind);
	service_busy(arg);
	if (!r->kind)
		err_set(&err, VERDICT_PERM, "there is no report of kind %u", msg->kind);
	else if (!fiber_spawn("report", report_run, r))
		err_set(&err, VERDICT_TEMP, "too many reports at one time");
	else
		return;
	ipc_fail(req, &err);
	service_idle(arg);
	mem_free(r);
}
