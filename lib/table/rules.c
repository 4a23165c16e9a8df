/*
 * Rules in order (pcre_table(5), cidr_table(5)). An if that does not apply jumps to its endif by
 * index, so a lookup is one pass without recursion. An if whose pattern is malformed applies to
 * nothing: what stands in it is not tried, rather than tried on everything. Limits:
 * LIMIT_TABLE_RULES, LIMIT_TABLE_NEST.
 */
#include "table/rules.h"

#include "base/cclass.h"
#include "base/cursor.h"
#include "base/mem.h"

#define RULES_MEMORY ((size_t)1 << 30) /* bytes of values and patterns */

void
rules_init(struct rules *r)
{
	*r = (struct rules){ .plain = true };
	arena_init(&r->arena, RULES_MEMORY);
}

void
rules_free(struct rules *r)
{
	arena_free(&r->arena);
	mem_free(r->v);
}

static void
rules_add(struct table *t, struct rules *r, const struct rule *rule, unsigned number)
{
	if (r->n == LIMIT_TABLE_RULES) {
		table_note(t, number, "more than %d rules: ignored", LIMIT_TABLE_RULES);
		return;
	}
	if (r->n == r->room) {
		r->room = r->room ? r->room * 2 : 16;
		r->v = mem_resize_array(r->v, r->room, sizeof(*r->v));
	}
	r->v[r->n++] = *rule;
}

/* WORD, and then no letter or digit. */
static bool
skip_keyword(struct cursor *c, struct span word)
{
	struct cursor ahead = *c;

	if (!cursor_word(&ahead, word) || (!cursor_done(&ahead) && cclass_is(*ahead.p, CC_ALNUM)))
		return false;
	cursor_run(&ahead, CC_SPACE);
	*c = ahead;
	return true;
}

static void
rules_close(struct table *t, struct rules *r, struct span rest, unsigned number)
{
	struct rule rule = { .kind = RULE_ENDIF };

	if (rest.n > 0)
		table_note(t, number, "text behind endif: ignored");
	if (r->open_n == 0) {
		table_note(t, number, "endif without if: ignored");
		return;
	}
	r->v[r->open[--r->open_n]].end = r->n;
	rules_add(t, r, &rule, number);
}

static void
rules_open(struct table *t, struct rules *r, const struct rule *rule, unsigned number)
{
	r->plain = false;
	if (rule->value.n > 0)
		table_note(t, number, "text behind the pattern of if: ignored");
	r->open[r->open_n++] = r->n;
	rules_add(t, r, rule, number);
	/* One more could not be followed, and its endif would close another. */
	if (r->open_n == LIMIT_TABLE_NEST)
		table_note(
		    t, number, "if in if, %d deep: all that follows is ignored", LIMIT_TABLE_NEST);
}

void
rules_take(
    struct table *t, struct rules *r, struct span line, unsigned number, rule_parse_fn *parse)
{
	struct cursor c = cursor_of(line);
	struct rule rule = { .kind = RULE_VALUE };
	bool good;

	if (r->open_n == LIMIT_TABLE_NEST || r->n == LIMIT_TABLE_RULES)
		return;
	if (skip_keyword(&c, span_lit("endif"))) {
		rules_close(t, r, cursor_rest(&c), number);
		return;
	}
	if (skip_keyword(&c, span_lit("if")))
		rule.kind = RULE_IF;
	while (cursor_skip(&c, '!')) {
		rule.negated = !rule.negated;
		cursor_run(&c, CC_SPACE);
	}
	good = parse(t, &rule, cursor_rest(&c), number);
	r->plain = r->plain && !rule.negated;
	if (rule.kind == RULE_IF)
		rules_open(t, r, &rule, number);
	else if (good)
		rules_add(t, r, &rule, number);
}

void
rules_finish(struct table *t, struct rules *r)
{
	for (size_t i = 0; i < r->open_n; i++)
		r->v[r->open[i]].end = r->n - 1;
	if (r->open_n > 0)
		table_note(t, 0, "if without endif: it reaches to the end");
}

enum verdict
rules_run(struct table *t, const struct rules *r, struct span key, rule_match_fn *match,
    const struct rule **out, struct err *err)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rule *rule = &r->v[i];
		enum verdict v = VERDICT_ABSENT;

		if (rule->kind == RULE_ENDIF)
			continue;
		if (rule->pattern)
			v = match(t, rule, key, err);
		if (v != VERDICT_OK && v != VERDICT_ABSENT)
			return v;
		if (rule->pattern && (v == VERDICT_OK) != rule->negated) {
			*out = rule;
			if (rule->kind == RULE_VALUE)
				return VERDICT_OK;
		} else if (rule->kind == RULE_IF) {
			i = rule->end;
		}
	}
	return VERDICT_ABSENT;
}
