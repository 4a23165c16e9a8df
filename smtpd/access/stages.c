/*
 * When restrictions are looked at: a stage is a command with the lists that are due at it. With
 * smtpd_delay_reject (the default) all about client, HELO and MAIL waits for RCPT, so that the log
 * tells the recipient; without it, what a restriction could not decide is carried on to the end of
 * RCPT. Called by the session and its commands.
 */
#include "base/str.h"
#include "smtpd/access/check.h"
#include "smtpd/loglines.h"

#define CHECK_ARENA (4u << 20) /* bytes of one evaluation: answers, and what tables say */

static void
check_init(struct check *c, struct session *s, struct err *err)
{
	*c = (struct check){
		.s = s,
		.conf = s->conf,
		.rules = s->smtpd->rules,
		.err = err,
	};
	arena_init(&c->arena, CHECK_ARENA);
}

static void
check_end(struct check *c)
{
	if (c->resolve_sent)
		ipc_forget(&c->resolve);
	for (struct rbl_ask *r = c->rbls; r; r = r->next)
		if (r->ask.sent)
			ipc_forget(&r->ask.slot);
	arena_free(&c->arena);
}

static bool
list_is_empty(const struct session *s, enum access_list list)
{
	return s->smtpd->rules->lists[list].n == 0;
}

static enum verdict
verdict_of(enum access a, const struct check *c)
{
	return a == ACCESS_REJECT ? c->err->verdict : VERDICT_OK;
}

/*
 * One list at a command of its own, before RCPT. *DEFERRED: what could not be decided so far, and
 * after it; a copy lies in SLOT, which lies in KEEP from its first use on.
 */
SUSPENDS static enum verdict
stage_early(struct session *s, enum access_list list, const struct err **deferred,
    struct err **slot, struct arena *keep, struct err *err)
{
	struct check c;
	enum access a;

	if (s->conf->smtpd_delay_reject || list_is_empty(s, list))
		return VERDICT_OK;
	peer_await_name(s);
	check_init(&c, s, err);
	c.first = c.last = list;
	c.if_permit = *deferred;
	a = check_run(&c, list);
	if (a != ACCESS_REJECT && c.if_permit != *deferred) {
		if (!*slot)
			*slot = arena_alloc(keep, sizeof(**slot));
		if (*slot)
			**slot = *c.if_permit;
		*deferred = *slot;
	}
	check_end(&c);
	return verdict_of(a, &c);
}

SUSPENDS enum verdict
access_connect(struct session *s, struct err *err)
{
	struct access_session *as = &s->access;

	return stage_early(s, LIST_CLIENT, &as->client_deferred, &as->client_slot, &s->arena, err);
}

SUSPENDS enum verdict
access_helo(struct session *s, struct err *err)
{
	struct access_session *as = &s->access;

	as->helo_deferred = as->client_deferred;
	return stage_early(s, LIST_HELO, &as->helo_deferred, &as->helo_slot, &s->arena, err);
}

SUSPENDS enum verdict
access_mail(struct session *s, struct err *err)
{
	struct access_marks *marks = &s->t.marks;
	struct err *slot = NULL;
	struct check c;
	enum access a;
	enum verdict v;

	marks->deferred =
	    s->access.helo_deferred ? s->access.helo_deferred : s->access.client_deferred;
	v = stage_early(s, LIST_SENDER, &marks->deferred, &slot, &s->t.arena, err);
	if (v != VERDICT_OK || !s->conf->smtpd_reject_unlisted_sender ||
	    s->conf->smtpd_delay_reject)
		return v;
	check_init(&c, s, err);
	c.first = c.last = LIST_SENDER;
	a = check_unlisted_sender(&c);
	check_end(&c);
	return verdict_of(a, &c);
}

/* Asks rewrite at once, unless it was asked just now: the answer is there when a list comes to it.
 */
SUSPENDS static void
rcpt_ask(struct check *c)
{
	struct session *s = c->s;
	struct msg_resolve ask = { .address = c->rcpt, .sender = s->t.sender };
	struct resolved_about about;

	c->found_err = arena_alloc(&s->t.arena, sizeof(*c->found_err));
	if (!c->found_err || service_channel(s->smtpd->ctx, "rewrite", deadline_after_s(ASK_WAIT_S),
				 &c->rewrite, c->found_err) != VERDICT_OK)
		return;
	about = resolve_about(c);
	c->resolve_done = resolved_find(&s->smtpd->resolved, &about, &s->t.arena, c->found);
	c->found_verdict = VERDICT_OK;
	if (c->resolve_done)
		return;
	ipc_send_call(c->rewrite, s->trace, &ipc_resolve, &ask, &ipc_resolved, &c->resolve);
	c->resolve_sent = true;
}

/* All lists that are due at RCPT, in their order. */
SUSPENDS static enum access
rcpt_run(struct check *c)
{
	static const enum access_list order[] = { LIST_CLIENT, LIST_HELO, LIST_SENDER, LIST_RELAY,
		LIST_RECIPIENT };
	enum access a = ACCESS_DUNNO;
	/* RFC 5321 4.5.1: whoever runs this host can be reached. */
	size_t n = span_eq_nocase(c->rcpt, span_lit("postmaster")) ? 0 : ARRAY_LEN(order);

	for (size_t i = 0; i < n && a != ACCESS_REJECT; i++)
		if (order[i] >= c->first && !list_is_empty(c->s, order[i]))
			a = check_run(c, order[i]);
	c->warn = false;
	c->if_reject = NULL;
	if (a != ACCESS_REJECT && c->first == LIST_CLIENT && c->conf->smtpd_reject_unlisted_sender)
		a = check_unlisted_sender(c);
	if (a != ACCESS_REJECT)
		a = check_unlisted_recipient(c);
	if (a == ACCESS_REJECT || !c->if_permit)
		return a;
	*c->err = *c->if_permit;
	log_verdict(c->s, "reject", check_stage(c), c->rcpt, c->err);
	return ACCESS_REJECT;
}

SUSPENDS enum verdict
access_rcpt(struct session *s, struct span rcpt, struct msg_resolved *found, struct err *err)
{
	struct check c;
	enum access a;

	check_init(&c, s, err);
	c.first = s->conf->smtpd_delay_reject ? LIST_CLIENT : LIST_RELAY;
	c.last = LIST_RECIPIENT;
	c.if_permit = s->t.marks.deferred;
	c.rcpt = rcpt;
	c.found = found;
	rcpt_ask(&c);
	a = rcpt_run(&c);
	check_end(&c);
	return verdict_of(a, &c);
}

/* A list about the message as a whole: its recipient is known when there is one alone. */
SUSPENDS static enum verdict
stage_late(struct session *s, enum access_list list, struct err *err)
{
	struct check c;
	enum access a;

	if (list_is_empty(s, list))
		return VERDICT_OK;
	check_init(&c, s, err);
	c.first = c.last = list;
	if (s->t.rcpt_n == 1)
		c.rcpt = s->t.recipients[0].original;
	a = check_run(&c, list);
	c.warn = false;
	if (a != ACCESS_REJECT && c.if_permit) {
		*err = *c.if_permit;
		log_verdict(s, "reject", check_stage(&c), c.rcpt, err);
		a = ACCESS_REJECT;
	}
	check_end(&c);
	return verdict_of(a, &c);
}

SUSPENDS enum verdict
access_data(struct session *s, struct err *err)
{
	return stage_late(s, LIST_DATA, err);
}

SUSPENDS enum verdict
access_end_of_data(struct session *s, struct err *err)
{
	return stage_late(s, LIST_END_OF_DATA, err);
}

void
access_forget(struct session *s)
{
	s->access.ahead = false;
	s->access.helo_deferred = NULL;
}

void
access_put_fields(const struct access_marks *marks, struct str *out)
{
	for (const struct access_text *t = marks->prepend; t; t = t->next) {
		str_put(out, t->text);
		str_puts(out, "\r\n");
	}
}
