/*
 * Evaluating a list of restrictions, as Postfix does: from its front, the first that says OK or
 * REJECT decides; classes and what tables say are looked at in place of the word that led to them.
 * warn_if_reject turns a reject into a log line; defer_if_permit and defer_if_reject are remembered
 * and decide at the end. An explicit stack of ACCESS_DEPTH frames: a class that leads to itself is
 * an error of configuration. Replies are made, and logged, here alone.
 */
#include <stdarg.h>

#include "base/log.h"
#include "smtpd/access/check.h"
#include "smtpd/loglines.h"

static const struct {
	const char *class;
	const char *fixed; /* its name, when it is not the peer's to say */
} subjects[] = {
	[ABOUT_LIST] = { "", "" },
	[ABOUT_CLIENT] = { "Client host", NULL },
	[ABOUT_HELO] = { "Helo command", NULL },
	[ABOUT_SENDER] = { "Sender address", NULL },
	[ABOUT_RECIPIENT] = { "Recipient address", NULL },
	[ABOUT_DATA] = { "Data command", "DATA" },
	[ABOUT_END_OF_DATA] = { "End-of-data", "END-OF-MESSAGE" },
};

static const enum subject list_subjects[LISTS] = {
	[LIST_CLIENT] = ABOUT_CLIENT,
	[LIST_HELO] = ABOUT_HELO,
	[LIST_SENDER] = ABOUT_SENDER,
	[LIST_RELAY] = ABOUT_RECIPIENT,
	[LIST_RECIPIENT] = ABOUT_RECIPIENT,
	[LIST_DATA] = ABOUT_DATA,
	[LIST_END_OF_DATA] = ABOUT_END_OF_DATA,
};

static enum subject
subject_of(const struct check *c, enum subject about)
{
	return about == ABOUT_LIST ? c->about : about;
}

struct span
subject_name(const struct check *c, enum subject about)
{
	const struct session *s = c->s;

	about = subject_of(c, about);
	if (about == ABOUT_CLIENT)
		return s->peer.label;
	if (about == ABOUT_HELO)
		return str_span(&s->helo);
	if (about == ABOUT_SENDER)
		return s->t.sender;
	if (about == ABOUT_RECIPIENT)
		return c->rcpt;
	return span_str(subjects[about].fixed);
}

const char *
subject_class(enum subject about)
{
	return subjects[about].class;
}

const char *
check_stage(const struct check *c)
{
	return c->last == LIST_END_OF_DATA ? "END-OF-MESSAGE" : c->s->stage;
}

static void
check_log(const struct check *c, const char *action, const struct err *err)
{
	log_verdict(c->s, action, check_stage(c), c->rcpt, err);
}

/* A reply has been made in ERR: what it comes to. */
static enum access
check_conclude(struct check *c, struct err *err)
{
	if (c->warn) {
		check_log(c, "reject_warning", err);
		return ACCESS_DUNNO;
	}
	/* What might have permitted could not be asked: the client shall come again. */
	*c->err = c->if_reject ? *c->if_reject : *err;
	check_log(c, "reject", c->err);
	return ACCESS_REJECT;
}

/* CODE and DSN as soft_bounce wants them; the text is "<name>: Class rejected: WHY" or WHY alone.
 */
static void
reply_make(const struct check *c, bool subject, enum subject about, unsigned code, const char *dsn,
    const char *why, struct err *err)
{
	struct span name = subject_name(c, about);

	if (subject)
		err_mail(err, code, dsn, "<%.*s>: %s rejected: %s", SPAN_ARG(name),
		    subject_class(subject_of(c, about)), why);
	else
		err_mail(err, code, dsn, "%s", why);
	/* RFC 3463 2.1: class and code say the same, whatever a table or parameter says. */
	if (err->dsn.class)
		err->dsn.class = (uint8_t)(err->reply / 100);
	if (c->conf->soft_bounce && err->reply >= 500) {
		err->reply = (uint16_t)(err->reply - 100);
		err->dsn.class = 4;
		err->verdict = VERDICT_TEMP;
	}
}

static void reply_vmake(const struct check *c, bool subject, enum subject about, unsigned code,
    const char *dsn, struct err *err, const char *fmt, va_list ap) PRINTF(7, 0);

static void
reply_vmake(const struct check *c, bool subject, enum subject about, unsigned code, const char *dsn,
    struct err *err, const char *fmt, va_list ap)
{
	struct str why = STR_INIT(LIMIT_LOG_LINE);

	str_vprintf(&why, fmt, ap);
	reply_make(c, subject, about, code, dsn, str_cstr(&why), err);
	str_free(&why);
}

enum access
check_reject(
    struct check *c, enum subject about, unsigned code, const char *dsn, const char *fmt, ...)
{
	struct err err = ERR_NONE;
	va_list ap;

	va_start(ap, fmt);
	reply_vmake(c, true, about, code, dsn, &err, fmt, ap);
	va_end(ap);
	return check_conclude(c, &err);
}

enum access
check_reject_text(struct check *c, unsigned code, const char *dsn, const char *fmt, ...)
{
	struct err err = ERR_NONE;
	va_list ap;

	va_start(ap, fmt);
	reply_vmake(c, false, ABOUT_LIST, code, dsn, &err, fmt, ap);
	va_end(ap);
	return check_conclude(c, &err);
}

enum access
check_reject_err(struct check *c, const struct err *why)
{
	char dsn[12];

	return check_reject_text(
	    c, why->reply, why->dsn.class ? dsn_code_text(why->dsn, dsn) : NULL, "%s", why->text);
}

/* The first that could not decide is told: it may be why all others could not. */
static enum access
defer_keep(struct check *c, const struct err *err, const struct err **kept)
{
	struct err *copy;

	if (c->warn) {
		check_log(c, "reject_warning", err);
		return ACCESS_DUNNO;
	}
	if (!*kept && (copy = arena_alloc(&c->arena, sizeof(*copy)))) {
		*copy = *err;
		*kept = copy;
	}
	return ACCESS_DUNNO;
}

enum access
check_defer_if_permit(
    struct check *c, enum subject about, unsigned code, const char *dsn, const char *fmt, ...)
{
	struct err err = ERR_NONE;
	va_list ap;

	va_start(ap, fmt);
	reply_vmake(c, true, about, code, dsn, &err, fmt, ap);
	va_end(ap);
	return defer_keep(c, &err, &c->if_permit);
}

enum access
check_defer_if_reject(
    struct check *c, enum subject about, unsigned code, const char *dsn, const char *fmt, ...)
{
	struct err err = ERR_NONE;
	va_list ap;

	va_start(ap, fmt);
	reply_vmake(c, true, about, code, dsn, &err, fmt, ap);
	va_end(ap);
	return defer_keep(c, &err, &c->if_reject);
}

enum access
check_lookup_failed(
    struct check *c, enum subject about, unsigned code, const char *dsn, const char *fmt, ...)
{
	struct err err = ERR_NONE;
	va_list ap;

	va_start(ap, fmt);
	reply_vmake(c, true, about, code, dsn, &err, fmt, ap);
	va_end(ap);
	if (c->conf->reject_tempfail_action == CONF_TEMPFAIL_DEFER)
		return check_conclude(c, &err);
	return defer_keep(c, &err, &c->if_permit);
}

enum access
check_misconfigured(struct check *c, const char *fmt, ...)
{
	struct str why = STR_INIT(LIMIT_LOG_LINE);
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&why, fmt, ap);
	va_end(ap);
	log_event(LOG_LEVEL_WARNING, "%s", str_cstr(&why));
	str_free(&why);
	return check_reject_text(c, 451, "4.3.5", "Server configuration error");
}

static bool
frame_push(struct check *c, const struct program *program, enum subject about, bool warn)
{
	if (c->depth == ACCESS_DEPTH)
		return false;
	c->frames[c->depth++] = (struct frame){ program, 0, about, warn };
	return true;
}

/* The next step of the innermost list that has one; NULL at the end. */
static const struct step *
frame_step(struct check *c)
{
	while (c->depth > 0) {
		struct frame *f = &c->frames[c->depth - 1];
		if (f->at < f->program->n) {
			const struct step *step = &f->program->steps[f->at++];
			c->warn = f->warn || step->warn;
			c->about = f->about;
			return step;
		}
		c->depth--;
	}
	return NULL;
}

SUSPENDS enum access
check_run(struct check *c, enum access_list list)
{
	const struct program *program = &c->rules->lists[list];
	enum access a = ACCESS_DUNNO;
	const struct step *step;

	c->depth = 0;
	c->if_reject = NULL;
	frame_push(c, program, list_subjects[list], false);
	while (a == ACCESS_DUNNO && (step = frame_step(c)) != NULL) {
		a = step->rule->run(c, step);
		if (a == ACCESS_CALL && frame_push(c, c->call, c->call_about, c->warn))
			a = ACCESS_DUNNO;
		else if (a == ACCESS_CALL)
			a = check_misconfigured(c, "%.*s: restrictions lead to themselves (%.*s)",
			    SPAN_ARG(program->name), SPAN_ARG(c->call->name));
		/* Permit would defer and reject would defer: nothing more to be learnt. */
		if (c->if_permit && c->if_reject)
			break;
	}
	return a;
}
