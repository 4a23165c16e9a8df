/*
 * What tables say: questions to rewrite, which alone reads them. The first restriction of a command
 * that needs a table asks for all tables that the stage's lists name, with the keys of this
 * command: one round trip, whatever the number of tables. Answers are kept for the command. Owns
 * nothing but what lies in the check's arena. Called through the table of rules.c.
 */
#include "base/log.h"
#include "base/time.h"
#include "smtpd/access/check.h"

#define LOOKUP_WAIT_S 60

static struct table_answer *
answer_find(const struct check *c, struct span table, enum lookup_kind how, struct span key)
{
	for (struct table_answer *a = c->answers; a; a = a->next)
		if (a->how == how && span_eq(a->key, key) && span_eq(a->table, table))
			return a;
	return NULL;
}

/* A question to be asked; false when there is no room for more in this round. */
static bool
answer_want(struct check *c, struct span table, enum lookup_kind how, struct span key, uint32_t *n)
{
	struct table_answer *a;

	if (key.n == 0 || key.n > LIMIT_ADDRESS || answer_find(c, table, how, key))
		return true;
	if (*n == LIMIT_LOOKUPS)
		return false;
	a = arena_alloc(&c->arena, sizeof(*a));
	if (!a)
		return false;
	*a = (struct table_answer){ c->answers, table, key, how, LOOKUP_FAILED, { 0 } };
	c->answers = a;
	(*n)++;
	return true;
}

/* The keys that a restriction will ask its table for. */
struct wanted {
	struct span key;
	enum lookup_kind how;
};

static struct span
client_ip(const struct check *c)
{
	return span_str(c->s->peer.ip);
}

static size_t
step_wants(const struct check *c, const struct step *step, struct wanted out[2])
{
	enum subject about = step->rule->about;

	if (step->rule->run == rule_access_reverse_client) {
		out[0] = (struct wanted){ c->s->peer.reverse, LOOKUP_DOMAIN };
		return 1;
	}
	if (about == ABOUT_CLIENT) {
		out[0] = (struct wanted){ c->s->peer.name, LOOKUP_DOMAIN };
		out[1] = (struct wanted){ client_ip(c), LOOKUP_CLIENT };
		return 2;
	}
	if (about == ABOUT_HELO)
		out[0] = (struct wanted){ str_span(&c->s->helo), LOOKUP_DOMAIN };
	else if (about == ABOUT_SENDER)
		out[0] = (struct wanted){ c->s->t.sender.n ? c->s->t.sender : span_lit("<>"),
			LOOKUP_ADDRESS };
	else
		out[0] = (struct wanted){ c->rcpt, LOOKUP_ADDRESS };
	return 1;
}

static void
program_wants(struct check *c, const struct program *program, uint32_t *n)
{
	struct wanted keys[2];

	for (size_t i = 0; i < program->n; i++) {
		const struct step *step = &program->steps[i];
		if (step->rule->arg != ARG_TABLE)
			continue;
		for (size_t k = step_wants(c, step, keys); k-- > 0;)
			answer_want(c, step->arg, keys[k].how, keys[k].key, n);
	}
}

/* All that the stage may still ask, the classes of restrictions too. */
static void
stage_wants(struct check *c, uint32_t *n)
{
	for (enum access_list list = c->first; list <= c->last; list++)
		program_wants(c, &c->rules->lists[list], n);
	for (size_t i = 0; i < c->rules->classes_n; i++)
		program_wants(c, &c->rules->classes[i], n);
}

/* Sends the N newest answers' questions. */
SUSPENDS static enum verdict
answers_fetch(struct check *c, uint32_t n)
{
	struct msg_lookup ask = { { arena_alloc_array(&c->arena, n, sizeof(*ask.questions.v)),
	    n } };
	struct msg_looked_up got = { { NULL, 0 } };
	struct table_answer *a = c->answers;
	struct err err = ERR_NONE;
	enum verdict v;

	if (!ask.questions.v)
		return VERDICT_TEMP;
	for (uint32_t i = 0; i < n; i++, a = a->next)
		ask.questions.v[i] = (struct item_question){ a->table, (uint8_t)a->how, a->key };
	v = service_call(c->s->smtpd->ctx, "rewrite", c->s->trace, &ipc_lookup, &ask,
	    &ipc_looked_up, &got, &c->arena, deadline_after_s(LOOKUP_WAIT_S), &err);
	if (v == VERDICT_OK && got.findings.n != n)
		v = err_set(&err, VERDICT_TEMP, "rewrite has answered something else");
	if (v != VERDICT_OK)
		log_event(LOG_LEVEL_WARNING, "lookup in tables: %s", err.text);
	a = c->answers;
	for (uint32_t i = 0; i < n; i++, a = a->next) {
		a->status = v == VERDICT_OK ? got.findings.v[i].status : LOOKUP_FAILED;
		if (v == VERDICT_OK)
			a->value = got.findings.v[i].value;
	}
	return v;
}

SUSPENDS enum verdict
table_ask(struct check *c, struct span table, enum lookup_kind how, struct span key,
    struct span *value_out)
{
	struct table_answer *a = answer_find(c, table, how, key);
	uint32_t n = 0;

	if (key.n == 0 || key.n > LIMIT_ADDRESS)
		return VERDICT_ABSENT;
	if (!a) {
		/* The one at hand first: it is asked for even when the round is full. */
		answer_want(c, table, how, key, &n);
		stage_wants(c, &n);
		if (n > 0)
			answers_fetch(c, n);
		a = answer_find(c, table, how, key);
	}
	if (!a || (a->status != LOOKUP_FOUND && a->status != LOOKUP_ABSENT)) {
		log_event(LOG_LEVEL_WARNING, "table %.*s: lookup of \"%s\" failed", SPAN_ARG(table),
		    log_escape(key));
		return VERDICT_TEMP;
	}
	*value_out = a->value;
	return a->status == LOOKUP_FOUND ? VERDICT_OK : VERDICT_ABSENT;
}

static enum access
table_failed(struct check *c)
{
	return check_reject_text(c, 451, "4.3.5", "Server configuration error");
}

/* The first of KEYS that is in the table says what to do. */
SUSPENDS static enum access
access_by(struct check *c, const struct step *step, const struct wanted *keys, size_t n)
{
	struct span value;

	for (size_t i = 0; i < n; i++) {
		enum verdict v = table_ask(c, step->arg, keys[i].how, keys[i].key, &value);
		if (v == VERDICT_TEMP)
			return table_failed(c);
		if (v == VERDICT_OK)
			return action_run(c, step->arg, step->rule->about, value);
	}
	return ACCESS_DUNNO;
}

/* check_client_access, check_helo_access, check_sender_access, ... */
SUSPENDS enum access
rule_access(struct check *c, const struct step *step)
{
	struct wanted keys[2];

	return access_by(c, step, keys, step_wants(c, step, keys));
}

SUSPENDS enum access
rule_access_reverse_client(struct check *c, const struct step *step)
{
	struct wanted keys[2];

	return access_by(c, step, keys, step_wants(c, step, keys));
}
