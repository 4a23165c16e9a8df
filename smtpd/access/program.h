/*
 * The compiled form of restrictions: rules.c has the table, compile.c makes programs of text, run.c
 * runs them.
 */
#ifndef SMTPD_ACCESS_PROGRAM_H
#define SMTPD_ACCESS_PROGRAM_H

#include "smtpd/access/access.h"

/* What one restriction says. */
enum access {
	ACCESS_DUNNO,
	ACCESS_OK,     /* the list ends, well */
	ACCESS_REJECT, /* the command ends; the reply is in check->err */
	ACCESS_CALL,   /* check->call is looked at first, in place of it */
};

enum access_list {
	LIST_CLIENT,
	LIST_HELO,
	LIST_SENDER,
	LIST_RELAY,
	LIST_RECIPIENT,
	LIST_DATA,
	LIST_END_OF_DATA,
	LISTS,
};

/* What a restriction is about: it stands in replies as "<name>: Class rejected". */
enum subject {
	ABOUT_LIST, /* what the list is about */
	ABOUT_CLIENT,
	ABOUT_HELO,
	ABOUT_SENDER,
	ABOUT_RECIPIENT,
	ABOUT_DATA,
	ABOUT_END_OF_DATA,
};

/* What follows a restriction's name. */
enum rule_arg {
	ARG_NONE,
	ARG_TABLE,  /* type:name */
	ARG_DOMAIN, /* of a block list, with "=pattern" */
	ARG_SECONDS,
};

struct check;
struct step;
typedef SUSPENDS enum access rule_fn(struct check *c, const struct step *step);

enum rule_trait {
	RULE_GUARDS = 1,  /* keeps strangers from relaying, if it is reached */
	RULE_PERMITS = 2, /* nothing behind it is reached */
	RULE_IS_CALL = 4, /* a class: step->class */
};

/* A row of the table of restrictions. */
struct rule {
	struct span name;
	enum rule_arg arg;
	rule_fn *run;
	enum subject about;
	unsigned traits;
};

/* One restriction of a list. */
struct step {
	const struct rule *rule;
	struct span arg;     /* table or domain */
	struct span pattern; /* of a block list's answers; empty: any */
	uint64_t number;     /* ns */
	const struct program *class;
	bool warn; /* warn_if_reject stood before it */
};

struct program {
	struct span name; /* of the parameter */
	struct step *steps;
	size_t n;
};

struct access_rules {
	struct arena arena;
	const struct conf *conf;
	struct program lists[LISTS];
	struct program *classes;
	size_t classes_n;
	bool checks_sender; /* reject_unlisted_sender is among them, or implied */
};

/* rules.c */
/* NULL when there is none. */
const struct rule *rule_find(struct span name);
extern const struct rule rule_class;
/* A table without a word before it stands for check_..._access of its list. */
const struct rule *rule_of_table(enum access_list list);

/* compile.c */
/*
 * TEXT as a program: for lists, classes, and what tables say. LIST: that of a bare table in it.
 */
enum verdict program_compile(struct access_rules *rules, struct arena *arena, struct span name,
    struct span text, enum access_list list, struct program *out, struct err *err);
const struct program *class_find(const struct access_rules *rules, struct span name);

/* The rules. */
rule_fn rule_permit, rule_reject, rule_defer, rule_defer_if_permit, rule_defer_if_reject,
    rule_sleep;
rule_fn rule_pipelining, rule_plaintext, rule_mynetworks, rule_interfaces, rule_authenticated;
rule_fn rule_auth_destination, rule_unauth_destination, rule_defer_unauth_destination;
rule_fn rule_unlisted_recipient, rule_unlisted_sender;
rule_fn rule_unknown_sender_domain, rule_unknown_recipient_domain;
rule_fn rule_unknown_client, rule_unknown_reverse_client, rule_unknown_helo;
rule_fn rule_non_fqdn_helo, rule_non_fqdn_sender, rule_non_fqdn_recipient, rule_invalid_helo;
rule_fn rule_rbl_client, rule_rhsbl;
rule_fn rule_access, rule_access_reverse_client;
rule_fn rule_login_mismatch, rule_login_mismatch_known, rule_login_mismatch_authenticated;
rule_fn rule_login_mismatch_unauthenticated;
rule_fn rule_call;

#endif
