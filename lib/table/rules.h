/* Rules in order, with if and endif around some and ! before some: what cidr and pcre tables have
 * in common. */
#ifndef TABLE_RULES_H
#define TABLE_RULES_H

#include "base/arena.h"
#include "table/driver.h"

enum rule_kind { RULE_VALUE, RULE_IF, RULE_ENDIF };

struct rule {
	enum rule_kind kind;
	bool negated;
	size_t end;	   /* IF: the index of its ENDIF, or of the last rule */
	struct span value; /* in the rules' arena */
	void *pattern;	   /* the type's own; NULL: matches nothing, negated or not */
};

struct rules {
	struct arena arena;
	struct rule *v;
	size_t n, room;
	size_t open[LIMIT_TABLE_NEST]; /* IFs that wait for their ENDIF */
	size_t open_n;
	bool plain; /* neither IF nor negation */
};

void rules_init(struct rules *r);
/* Patterns are the type's to free before. */
void rules_free(struct rules *r);

/*
 * Reads "pattern value" behind "if", "endif" and "!": fills pattern and value of RULE, or notes
 * what is wrong and returns false.
 */
typedef bool rule_parse_fn(struct table *t, struct rule *rule, struct span text, unsigned number);
void rules_take(
    struct table *t, struct rules *r, struct span line, unsigned number, rule_parse_fn *parse);
/* After the last line. */
void rules_finish(struct table *t, struct rules *r);

/* VERDICT_OK: it matches; VERDICT_ABSENT; VERDICT_TEMP. */
typedef enum verdict rule_match_fn(
    struct table *t, const struct rule *rule, struct span key, struct err *err);
/* The first rule with a value that applies to KEY: *OUT. */
enum verdict rules_run(struct table *t, const struct rules *r, struct span key,
    rule_match_fn *match, const struct rule **out, struct err *err);

#endif
