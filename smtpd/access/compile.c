/*
 * Restrictions as text become programs: an array of steps. Called at start for all lists and
 * classes, before the walls, so that a word that means nothing stops the process and not a message;
 * and at run time for what an access table says. Refuses lists that would relay for everybody.
 * Classes that name each other are compiled apart, so nothing here recurses; that a class leads to
 * itself is seen when it runs (ACCESS_DEPTH).
 */
#include "base/cclass.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"
#include "smtpd/access/check.h"

#define RULES_ARENA (4u << 20) /* bytes of all lists together */
#define STEPS_MAX   2000       /* restrictions of one list */
#define SLEEP_MAX_S 600

static const struct {
	enum access_list list;
	struct span name;
	size_t field; /* in struct conf */
} parameters[] = {
	{ LIST_CLIENT, SPAN("smtpd_client_restrictions"),
	    offsetof(struct conf, smtpd_client_restrictions) },
	{ LIST_HELO, SPAN("smtpd_helo_restrictions"),
	    offsetof(struct conf, smtpd_helo_restrictions) },
	{ LIST_SENDER, SPAN("smtpd_sender_restrictions"),
	    offsetof(struct conf, smtpd_sender_restrictions) },
	{ LIST_RELAY, SPAN("smtpd_relay_restrictions"),
	    offsetof(struct conf, smtpd_relay_restrictions) },
	{ LIST_RECIPIENT, SPAN("smtpd_recipient_restrictions"),
	    offsetof(struct conf, smtpd_recipient_restrictions) },
	{ LIST_DATA, SPAN("smtpd_data_restrictions"),
	    offsetof(struct conf, smtpd_data_restrictions) },
	{ LIST_END_OF_DATA, SPAN("smtpd_end_of_data_restrictions"),
	    offsetof(struct conf, smtpd_end_of_data_restrictions) },
};

/* One compilation. */
struct compiler {
	struct access_rules *rules;
	struct arena *arena;
	struct span name; /* of the parameter, for errors */
	enum access_list list;
	struct span rest;
};

static bool
is_table(struct span word)
{
	size_t colon = span_find(word, ':');

	return colon > 0 && colon < word.n;
}

const struct program *
class_find(const struct access_rules *rules, struct span name)
{
	for (size_t i = 0; i < rules->classes_n; i++)
		if (span_eq(rules->classes[i].name, name))
			return &rules->classes[i];
	return NULL;
}

/* What follows the name: "zen.example=127.0.0.[2..11]", "hash:/x", "5". */
static enum verdict
take_arg(struct compiler *c, struct step *step, struct err *err)
{
	struct span word = span_lit("");
	uint64_t seconds = 0;

	if (step->rule->arg == ARG_NONE)
		return VERDICT_OK;
	if (!conf_list_next(&c->rest, &word))
		return err_set(err, VERDICT_PERM, "%.*s: %.*s needs something behind it",
		    SPAN_ARG(c->name), SPAN_ARG(step->rule->name));
	if (step->rule->arg == ARG_TABLE && !is_table(word))
		return err_set(err, VERDICT_PERM,
		    "%.*s: %.*s needs a table, type:name, not \"%.*s\"", SPAN_ARG(c->name),
		    SPAN_ARG(step->rule->name), SPAN_ARG(word));
	if (step->rule->arg == ARG_SECONDS && !num_parse_u64(word, SLEEP_MAX_S, &seconds))
		return err_set(err, VERDICT_PERM,
		    "%.*s: %.*s needs a number of seconds, at most %d", SPAN_ARG(c->name),
		    SPAN_ARG(step->rule->name), SLEEP_MAX_S);
	step->number = seconds * NS_PER_S;
	step->arg = arena_dup(c->arena, word);
	if (step->rule->arg == ARG_DOMAIN) {
		span_cut(step->arg, '=', &step->arg, &step->pattern);
		if (step->arg.n == 0 || step->arg.n > LIMIT_DOMAIN / 2)
			return err_set(err, VERDICT_PERM, "%.*s: %.*s needs the domain of a list",
			    SPAN_ARG(c->name), SPAN_ARG(step->rule->name));
	}
	return VERDICT_OK;
}

/* Names of Postfix's that are not here: they are no slips of the pen. */
static bool
is_of_postfix(struct span word)
{
	static const char *const names[] = { "check_policy_service", "permit_tls_clientcerts",
		"permit_tls_all_clientcerts", "permit_dnswl_client", "permit_rhswl_client",
		"reject_unknown_forward_client_hostname", "reject_rhsbl_reverse_client",
		"check_ccert_access", "check_sasl_access", "reject_unverified_sender",
		"reject_unverified_recipient", "permit_mx_backup", "reject_multi_recipient_bounce",
		"check_client_mx_access", "check_client_ns_access", "check_client_a_access",
		"check_helo_mx_access", "check_helo_ns_access", "check_helo_a_access",
		"check_sender_mx_access", "check_sender_ns_access", "check_sender_a_access",
		"check_recipient_mx_access", "check_recipient_ns_access",
		"check_recipient_a_access", "check_reverse_client_hostname_mx_access",
		"check_reverse_client_hostname_ns_access", "check_reverse_client_hostname_a_access",
		"check_etrn_access" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_eq_nocase(word, span_str(names[i])))
			return true;
	return false;
}

/* WORD is the name of a restriction, a class, or a table. */
static enum verdict
take_step(struct compiler *c, struct span word, struct step *step, struct err *err)
{
	step->rule = rule_find(word);
	if (step->rule)
		return take_arg(c, step, err);
	step->class = class_find(c->rules, word);
	if (step->class) {
		step->rule = &rule_class;
		return VERDICT_OK;
	}
	if (is_table(word)) {
		step->rule = rule_of_table(c->list);
		step->arg = arena_dup(c->arena, word);
		return VERDICT_OK;
	}
	return err_set(err, VERDICT_PERM, "%.*s: %.*s is %s", SPAN_ARG(c->name), SPAN_ARG(word),
	    is_of_postfix(word) ? "a restriction that Postern does not have"
				: "no restriction, and not in smtpd_restriction_classes");
}

static bool
take_warn(struct span *word, struct compiler *c)
{
	bool warn = false;

	while (span_eq_nocase(*word, span_lit("warn_if_reject"))) {
		warn = true;
		if (!conf_list_next(&c->rest, word))
			*word = span_lit("");
	}
	return warn;
}

enum verdict
program_compile(struct access_rules *rules, struct arena *arena, struct span name, struct span text,
    enum access_list list, struct program *out, struct err *err)
{
	struct compiler c = { rules, arena, name, list, text };
	struct span count = text, word;
	size_t n = 0;

	while (conf_list_next(&count, &word))
		n++;
	if (n > STEPS_MAX)
		return err_set(err, VERDICT_PERM, "%.*s: more than %d restrictions", SPAN_ARG(name),
		    STEPS_MAX);
	*out = (struct program){ .name = name };
	out->steps = arena_alloc_array(arena, size_max(n, 1), sizeof(*out->steps));
	if (!out->steps)
		return err_set(err, VERDICT_LIMIT, "%.*s: too many restrictions", SPAN_ARG(name));
	while (conf_list_next(&c.rest, &word)) {
		struct step *step = &out->steps[out->n];
		step->warn = take_warn(&word, &c);
		if (word.n == 0)
			return err_set(err, VERDICT_PERM,
			    "%.*s: warn_if_reject needs a restriction behind it", SPAN_ARG(name));
		enum verdict v = take_step(&c, word, step, err);
		if (v != VERDICT_OK)
			return v;
		rules->checks_sender =
		    rules->checks_sender || step->rule->run == rule_unlisted_sender;
		out->n++;
	}
	return VERDICT_OK;
}

/*
 * Is something reached in PROGRAM that keeps strangers from relaying? What warn_if_reject stands
 * before does not. Classes are looked into one level deep: a guard that is hidden deeper is not
 * seen, and the postmaster is asked to write it where it can be.
 */
static bool
program_guards(const struct program *program, bool look_into)
{
	for (size_t i = 0; i < program->n; i++) {
		const struct step *step = &program->steps[i];
		unsigned traits = step->rule->traits;
		const struct program *class = step->class;

		if (step->warn)
			continue;
		if (traits & RULE_GUARDS)
			return true;
		if (traits & RULE_PERMITS)
			return false;
		for (size_t k = 0; look_into && class && k < class->n; k++)
			if (!class->steps[k].warn && (class->steps[k].rule->traits & RULE_GUARDS))
				return true;
	}
	return false;
}

static enum verdict
judge_relaying(const struct access_rules *rules, struct err *err)
{
	if (program_guards(&rules->lists[LIST_RELAY], true) ||
	    program_guards(&rules->lists[LIST_RECIPIENT], true))
		return VERDICT_OK;
	return err_set(err, VERDICT_PERM,
	    "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at "
	    "least "
	    "one working instance of: reject_unauth_destination, defer_unauth_destination, reject, "
	    "defer or defer_if_permit: without it this host relays for everybody");
}

/* Names first, so that classes may name each other in any order. */
static enum verdict
compile_classes(struct access_rules *rules, struct err *err)
{
	struct span rest = rules->conf->smtpd_restriction_classes, name, text;
	size_t n = 0;

	while (conf_list_next(&rest, &name))
		n++;
	rules->classes = arena_alloc_array(&rules->arena, size_max(n, 1), sizeof(*rules->classes));
	rest = rules->conf->smtpd_restriction_classes;
	while (rules->classes && conf_list_next(&rest, &name))
		rules->classes[rules->classes_n++].name = name;
	for (size_t i = 0; i < rules->classes_n; i++) {
		name = rules->classes[i].name;
		if (!conf_user(rules->conf, name, &text))
			return err_set(err, VERDICT_PERM,
			    "smtpd_restriction_classes: %.*s is not defined", SPAN_ARG(name));
		enum verdict v = program_compile(
		    rules, &rules->arena, name, text, LIST_RECIPIENT, &rules->classes[i], err);
		if (v != VERDICT_OK)
			return v;
	}
	return VERDICT_OK;
}

enum verdict
access_prepare(const struct conf *conf, struct access_rules **out, struct err *err)
{
	struct access_rules *rules = mem_alloc(sizeof(*rules));
	enum verdict v;

	arena_init(&rules->arena, RULES_ARENA);
	rules->conf = conf;
	rules->checks_sender = conf->smtpd_reject_unlisted_sender;
	v = compile_classes(rules, err);
	for (size_t i = 0; i < ARRAY_LEN(parameters) && v == VERDICT_OK; i++) {
		const struct span *text = (const void *)((const char *)conf + parameters[i].field);
		v = program_compile(rules, &rules->arena, parameters[i].name, *text,
		    parameters[i].list, &rules->lists[parameters[i].list], err);
	}
	if (v == VERDICT_OK)
		v = judge_relaying(rules, err);
	if (v == VERDICT_OK)
		*out = rules;
	else
		access_free(rules);
	return v;
}

bool
access_checks_sender(const struct access_rules *rules)
{
	return rules->checks_sender;
}

void
access_free(struct access_rules *rules)
{
	if (!rules)
		return;
	arena_free(&rules->arena);
	mem_free(rules);
}
