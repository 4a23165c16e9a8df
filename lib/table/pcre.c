/*
 * pcre:/file, pcre:{ {/x/ y}, ... } and regexp: the same (pcre_table(5)): /pattern/flags value, the
 * first that matches gives its value, with $1, ${1} or $(1) for what a group matched and $$ for a
 * dollar sign. Patterns are compiled when the table is opened; a lookup runs within PCRE2's limits
 * on steps, depth and memory, and one that reaches them has failed: VERDICT_TEMP. No JIT: behind
 * the walls no memory may be both written and run. Bytes are matched, not UTF-8, so that no peer's
 * text is "invalid". regexp: takes the same patterns; that of POSIX which PCRE2 lacks is collating
 * elements alone.
 */
#include "base/cclass.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "base/num.h"
#include "table/rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define GROUPS_MAX 99 /* $n */

struct pcre {
	struct rules rules;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

/* Flags turn a default over: letters are the same in either case unless i stands there. */
static const struct {
	char letter;
	uint32_t option;
} pcre_flags[] = {
	{ 'i', PCRE2_CASELESS },
	{ 'm', PCRE2_MULTILINE },
	{ 's', PCRE2_DOTALL },
	{ 'x', PCRE2_EXTENDED },
	{ 'A', PCRE2_ANCHORED },
	{ 'E', PCRE2_DOLLAR_ENDONLY },
	{ 'U', PCRE2_UNGREEDY },
};

#define PCRE_DEFAULTS (PCRE2_CASELESS | PCRE2_DOTALL)

/* /pattern/flags off the front of *C; NULL, or what is wrong. */
static const char *
pattern_take(struct cursor *c, struct span *pattern_out, uint32_t *options_out)
{
	int delimiter = cursor_next(c);
	const char *from = c->p;

	if (delimiter < 0 || cclass_is((char)delimiter, CC_ALNUM) || delimiter == '\\')
		return "no pattern, as /pattern/, at the beginning";
	while (!cursor_done(c) && *c->p != (char)delimiter) {
		if (*c->p == '\\' && cursor_left(c) > 1)
			c->p++;
		c->p++;
	}
	*pattern_out = span_of(from, (size_t)(c->p - from));
	if (!cursor_skip(c, (char)delimiter))
		return "the pattern has no end";
	*options_out = PCRE_DEFAULTS;
	while (!cursor_done(c) && !cclass_is(*c->p, CC_SPACE)) {
		size_t i = 0;

		while (i < ARRAY_LEN(pcre_flags) && pcre_flags[i].letter != *c->p)
			i++;
		if (i == ARRAY_LEN(pcre_flags))
			return "an unknown flag behind the pattern (there are i m s x A E U)";
		*options_out ^= pcre_flags[i].option;
		c->p++;
	}
	cursor_run(c, CC_SPACE);
	return NULL;
}

/* A piece of a value: TEXT, or when GROUP is not -1, what that group matched. */
struct piece {
	struct span text;
	int group;
};

/* The number of a group behind a "$"; false: that is none. */
static bool
group_take(struct cursor *c, int *group_out)
{
	const int open = cursor_peek(c);
	const int close = open == '{' ? '}' : open == '(' ? ')' : 0;
	uint64_t number;

	if (close)
		cursor_next(c);
	if (!cursor_u64(c, GROUPS_MAX, &number) || (close && !cursor_skip(c, (char)close)))
		return false;
	*group_out = (int)number;
	return true;
}

/* The next piece of a value; false at its end, or at what is no group (then the cursor is not
 * done). */
static bool
piece_next(struct cursor *c, struct piece *out)
{
	struct cursor ahead = *c;

	*out = (struct piece){ .group = -1 };
	if (cursor_done(c))
		return false;
	if (!cursor_skip(&ahead, '$')) {
		out->text = span_head(cursor_rest(c), span_find(cursor_rest(c), '$'));
		c->p += out->text.n;
		return true;
	}
	if (cursor_skip(&ahead, '$'))
		out->text = span_of(c->p, 1);
	else if (!group_take(&ahead, &out->group))
		return false;
	*c = ahead;
	return true;
}

/* NULL, or what is wrong with VALUE behind a pattern with GROUPS groups. */
static const char *
value_check(struct span value, bool negated, uint32_t groups)
{
	struct cursor c = cursor_of(value);
	struct piece piece;

	while (piece_next(&c, &piece)) {
		if (piece.group >= 0 && negated)
			return "$n behind a negated pattern: nothing was matched then";
		if (piece.group > (int)groups)
			return "$n with more than the pattern has groups";
	}
	return cursor_done(&c) ? NULL : "a $ that is neither $n nor $$";
}

static bool
pcre_parse(struct table *t, struct rule *rule, struct span text, unsigned number)
{
	struct pcre *p = t->state;
	struct cursor c = cursor_of(text);
	struct span pattern;
	uint32_t options, groups = 0;
	PCRE2_UCHAR why_text[128] = "";
	const char *why = pattern_take(&c, &pattern, &options);
	int code = 0;
	PCRE2_SIZE at = 0;
	pcre2_code *compiled = NULL;

	if (!why) {
		compiled = pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n,
		    options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code, &at, NULL);
		if (!compiled && pcre2_get_error_message(code, why_text, sizeof(why_text)) > 0)
			why = (const char *)why_text;
	}
	if (compiled && rule->kind == RULE_VALUE) {
		pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &groups);
		why = value_check(cursor_rest(&c), rule->negated, groups);
	}
	if (why || !compiled) {
		table_note(t, number, "%s: ignored", why ? why : "the pattern cannot be compiled");
		pcre2_code_free(compiled);
		return false;
	}
	rule->pattern = compiled;
	rule->value = arena_dup(&p->rules.arena, cursor_rest(&c));
	if (rule->kind == RULE_VALUE && rule->value.n == 0)
		table_note(t, number, "no value behind the pattern: it is empty");
	return true;
}

static void
pcre_line(struct table *t, struct span line, unsigned number)
{
	struct pcre *p = t->state;

	rules_take(t, &p->rules, line, number, pcre_parse);
}

static enum verdict
pcre_open(struct table *t, struct span name, struct err *err)
{
	struct pcre *p = mem_alloc(sizeof(*p));
	enum verdict v;

	t->state = p;
	rules_init(&p->rules);
	p->data = pcre2_match_data_create(GROUPS_MAX + 1, NULL);
	p->context = pcre2_match_context_create(NULL);
	assert(p->data && p->context);
	pcre2_set_match_limit(p->context, LIMIT_PCRE_MATCH);
	pcre2_set_depth_limit(p->context, LIMIT_PCRE_DEPTH);
	pcre2_set_heap_limit(p->context, LIMIT_PCRE_HEAP);
	v = table_read(t, name, pcre_line, err);
	rules_finish(t, &p->rules);
	return v;
}

static enum verdict
pcre_match(struct table *t, const struct rule *rule, struct span key, struct err *err)
{
	struct pcre *p = t->state;
	PCRE2_UCHAR text[128] = "";
	int found = pcre2_match(
	    rule->pattern, (PCRE2_SPTR)(key.n ? key.p : ""), key.n, 0, 0, p->data, p->context);

	if (found >= 0)
		return VERDICT_OK;
	if (found == PCRE2_ERROR_NOMATCH)
		return VERDICT_ABSENT;
	pcre2_get_error_message(found, text, sizeof(text));
	return err_set(err, VERDICT_TEMP, "%s: %s", t->spec, (const char *)text);
}

static enum verdict
pcre_lookup(struct table *t, struct span key, struct str *out, struct err *err)
{
	struct pcre *p = t->state;
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->data);
	const struct rule *rule;
	struct cursor c;
	struct piece piece;
	enum verdict v = rules_run(t, &p->rules, key, pcre_match, &rule, err);

	if (v != VERDICT_OK)
		return v;
	c = cursor_of(rule->value);
	while (piece_next(&c, &piece)) {
		if (piece.group < 0)
			str_put(out, piece.text);
		else if (at[2 * piece.group] != PCRE2_UNSET &&
			 at[2 * piece.group] <= at[2 * piece.group + 1])
			str_put(out, span_of(key.p + at[2 * piece.group],
					 at[2 * piece.group + 1] - at[2 * piece.group]));
	}
	return VERDICT_OK;
}

static void
pcre_close(struct table *t)
{
	struct pcre *p = t->state;

	if (!p)
		return;
	for (size_t i = 0; i < p->rules.n; i++)
		pcre2_code_free(p->rules.v[i].pattern);
	pcre2_match_data_free(p->data);
	pcre2_match_context_free(p->context);
	rules_free(&p->rules);
	mem_free(p);
}

const struct table_driver table_driver_pcre = {
	"pcre",
	TABLE_PATTERN,
	pcre_open,
	pcre_lookup,
	NULL,
	pcre_close,
};
const struct table_driver table_driver_regexp = {
	"regexp",
	TABLE_PATTERN,
	pcre_open,
	pcre_lookup,
	NULL,
	pcre_close,
};
