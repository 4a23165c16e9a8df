/*
 * The language of $name: conf_expand for all of its forms, conf_reference_next for who refers to
 * whom. Called while configuration is checked and sealed, and by daemons for parameters that are
 * expanded per message. Works on a stack of frames of its own, so that no input makes it recurse;
 * levels, steps and the output's cap bound it. What a test or a comparison must know is put at the
 * end of the output, looked at, and cut off again.
 */
#include "conf/expand.h"
#include "base/cclass.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "base/num.h"

enum frame_kind { FRAME_TEXT, FRAME_TEST, FRAME_COMPARE };

enum order { ORDER_LESS = 1, ORDER_EQUAL = 2, ORDER_GREATER = 4 };

struct operation {
	struct span word;
	unsigned orders; /* enum order bits for which it holds */
};

struct frame {
	enum frame_kind kind;
	unsigned step;
	struct cursor text;	 /* TEXT: what is left of it */
	struct span name;	 /* TEXT: whose value it is, or empty; TEST: who is asked about */
	struct span left, right; /* COMPARE */
	const struct operation *operation; /* COMPARE */
	bool level;			   /* COMPARE: as versions */
	size_t start, mid;   /* TEST, COMPARE: where in the output what is looked at begins */
	struct span yes, no; /* TEST, COMPARE */
};

struct machine {
	const struct conf_expand *how;
	struct str *out;
	struct frame *frames;
	size_t n;
	size_t steps;
	struct err *err;
};

static const struct operation operations[] = {
	{ SPAN("=="), ORDER_EQUAL },
	{ SPAN("!="), ORDER_LESS | ORDER_GREATER },
	{ SPAN("<="), ORDER_LESS | ORDER_EQUAL },
	{ SPAN(">="), ORDER_GREATER | ORDER_EQUAL },
	{ SPAN("<"), ORDER_LESS },
	{ SPAN(">"), ORDER_GREATER },
};

static enum verdict
machine_push(struct machine *m, struct frame frame)
{
	if (m->n == LIMIT_CONF_DEPTH)
		return err_set(m->err, VERDICT_PERM,
		    "$names stand in each other more than %d levels deep", LIMIT_CONF_DEPTH);
	m->frames[m->n++] = frame;
	return VERDICT_OK;
}

static enum verdict
machine_push_text(struct machine *m, struct span text, struct span name)
{
	return machine_push(
	    m, (struct frame){ .kind = FRAME_TEXT, .text = cursor_of(text), .name = name });
}

static enum verdict
loop_error(struct machine *m, size_t first, struct span name)
{
	struct str path = STR_INIT(LIMIT_ERR_TEXT / 2);

	for (size_t i = first; i < m->n; i++)
		if (m->frames[i].kind == FRAME_TEXT && m->frames[i].name.n)
			str_printf(&path, "$%.*s refers to ", SPAN_ARG(m->frames[i].name));
	err_set(m->err, VERDICT_PERM, "a loop: %s$%.*s", str_cstr(&path), SPAN_ARG(name));
	str_free(&path);
	return VERDICT_PERM;
}

static enum verdict
push_value(struct machine *m, struct span name, bool test)
{
	struct span value = span_lit("");

	if (++m->steps > LIMIT_CONF_STEPS)
		return err_set(m->err, VERDICT_PERM, "there are more than %d $names to replace",
		    LIMIT_CONF_STEPS);
	if (!m->how->lookup(name, test, &value, m->how->arg))
		return VERDICT_OK;
	if (!m->how->nested) {
		str_put(m->out, value);
		return VERDICT_OK;
	}
	for (size_t i = 0; i < m->n; i++)
		if (m->frames[i].kind == FRAME_TEXT && m->frames[i].name.n &&
		    span_eq(m->frames[i].name, name))
			return loop_error(m, i, name);
	return machine_push_text(m, value, name);
}

static struct span
take_name(struct cursor *c)
{
	const char *p = c->p;

	while (!cursor_done(c) && (cclass_is(*c->p, CC_ALNUM) || *c->p == '_'))
		c->p++;
	return span_of(p, (size_t)(c->p - p));
}

/* What stands between the { at the cursor and the } that belongs to it; both are taken. */
static bool
take_braces(struct cursor *c, struct span *inside_out)
{
	size_t depth = 0;

	if (cursor_peek(c) != '{')
		return false;
	for (const char *p = c->p; p < c->end; p++) {
		depth += *p == '{';
		depth -= *p == '}';
		if (depth == 0) {
			*inside_out = span_of(c->p + 1, (size_t)(p - c->p - 1));
			c->p = p + 1;
			return true;
		}
	}
	return false;
}

static struct span
take_branch(struct cursor *c)
{
	struct span branch;

	cursor_run(c, CC_BLANK);
	if (!take_braces(c, &branch)) {
		branch = cursor_rest(c);
		c->p = c->end;
	}
	cursor_run(c, CC_BLANK);
	return branch;
}

/* "?yes", "?{yes}:{no}" or ":no", up to the end. */
static enum verdict
parse_branches(struct machine *m, struct cursor *c, struct span all, struct frame *frame)
{
	cursor_run(c, CC_BLANK);
	if (cursor_skip(c, '?'))
		frame->yes = take_branch(c);
	if (cursor_skip(c, ':'))
		frame->no = take_branch(c);
	if (!cursor_done(c) || (!frame->yes.p && !frame->no.p))
		return err_set(m->err, VERDICT_PERM,
		    "${%.*s} is not understood: write ${name?{text}:{text}}", SPAN_ARG(all));
	return VERDICT_OK;
}

static bool
take_operator(struct cursor *c, struct frame *frame)
{
	cursor_run(c, CC_BLANK);
	for (size_t i = 0; i < ARRAY_LEN(operations) && !frame->operation; i++)
		if (cursor_word(c, operations[i].word))
			frame->operation = &operations[i];
	frame->level = cursor_word(c, span_lit("level"));
	cursor_run(c, CC_BLANK);
	return frame->operation != NULL;
}

/* What stands in ${...}. */
static enum verdict
expand_braces(struct machine *m, struct span inside)
{
	struct cursor c = cursor_of(inside);
	struct frame frame = { .kind = FRAME_TEST };
	enum verdict v;

	if (take_braces(&c, &frame.left)) {
		frame.kind = FRAME_COMPARE;
		if (!take_operator(&c, &frame) || !take_braces(&c, &frame.right))
			return err_set(m->err, VERDICT_PERM,
			    "${%.*s} is not understood: write ${{text} == {text} ? {text}:{text}}",
			    SPAN_ARG(inside));
	} else {
		frame.name = take_name(&c);
		if (frame.name.n == 0)
			return err_set(
			    m->err, VERDICT_PERM, "${%.*s} has no name", SPAN_ARG(inside));
		if (cursor_done(&c))
			return push_value(m, frame.name, false);
	}
	v = parse_branches(m, &c, inside, &frame);
	return v == VERDICT_OK ? machine_push(m, frame) : v;
}

/* What follows a dollar sign, which is taken already. */
static enum verdict
expand_dollar(struct machine *m, struct cursor *c)
{
	struct span inside;

	if (cursor_skip(c, '$')) {
		str_putc(m->out, '$');
		return VERDICT_OK;
	}
	if (cursor_peek(c) == '{') {
		if (!take_braces(c, &inside))
			return err_set(m->err, VERDICT_PERM, "a ${ has no }");
		return expand_braces(m, inside);
	}
	if (cursor_skip(c, '(')) {
		inside = take_name(c);
		if (inside.n == 0 || !cursor_skip(c, ')'))
			return err_set(m->err, VERDICT_PERM, "a $( is not followed by name)");
		return push_value(m, inside, false);
	}
	inside = take_name(c);
	if (inside.n == 0)
		return err_set(m->err, VERDICT_PERM,
		    "a $ is not followed by a name: write $$ for a dollar sign");
	return push_value(m, inside, false);
}

static enum verdict
step_text(struct machine *m, struct frame *f)
{
	const struct span rest = cursor_rest(&f->text);
	const size_t at = span_find(rest, '$');

	if (at == rest.n) {
		m->n--;
		str_put(m->out, rest);
		return VERDICT_OK;
	}
	str_put(m->out, span_head(rest, at));
	f->text = cursor_of(span_from(rest, at + 1));
	return expand_dollar(m, &f->text);
}

/* The frame has its answer: what it looked at goes, and the branch comes in its place. */
static enum verdict
frame_decide(struct machine *m, struct frame *f, bool answer)
{
	const struct span branch = answer ? f->yes : f->no;

	str_cut(m->out, f->start);
	m->n--;
	return machine_push_text(m, branch, span_lit(""));
}

static enum verdict
step_test(struct machine *m, struct frame *f)
{
	if (f->step++ == 0) {
		f->start = m->out->n;
		return push_value(m, f->name, true);
	}
	return frame_decide(m, f, m->out->n > f->start);
}

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* "3.10" is more than "3.9": each number between dots counts; what is missing or is none is 0. */
static int
compare_levels(struct span a, struct span b)
{
	int order = 0;

	while (order == 0 && a.n + b.n > 0) {
		struct span x, y;
		uint64_t i = 0, j = 0;

		span_cut(a, '.', &x, &a);
		span_cut(b, '.', &y, &b);
		num_parse_u64(x, UINT32_MAX, &i);
		num_parse_u64(y, UINT32_MAX, &j);
		order = compare_numbers(i, j);
	}
	return order;
}

static int
compare_values(struct span a, struct span b)
{
	uint64_t i, j;

	if (num_parse_u64(a, UINT64_MAX, &i) && num_parse_u64(b, UINT64_MAX, &j))
		return compare_numbers(i, j);
	return span_cmp(a, b);
}

static enum verdict
step_compare(struct machine *m, struct frame *f)
{
	const struct span found = str_span(m->out);
	struct span left, right;
	unsigned order;
	int by;

	if (f->step++ == 0) {
		f->start = m->out->n;
		return machine_push_text(m, f->left, span_lit(""));
	}
	if (f->step == 2) {
		f->mid = m->out->n;
		return machine_push_text(m, f->right, span_lit(""));
	}
	left = span_from(span_head(found, f->mid), f->start);
	right = span_from(found, f->mid);
	by = f->level ? compare_levels(left, right) : compare_values(left, right);
	order = by < 0 ? ORDER_LESS : by > 0 ? ORDER_GREATER : ORDER_EQUAL;
	return frame_decide(m, f, (f->operation->orders & order) != 0);
}

typedef enum verdict step_fn(struct machine *m, struct frame *f);

static step_fn *const steps[] = {
	[FRAME_TEXT] = step_text,
	[FRAME_TEST] = step_test,
	[FRAME_COMPARE] = step_compare,
};

enum verdict
conf_expand(const struct conf_expand *how, struct span text, struct str *out, struct err *err)
{
	struct machine m = { .how = how, .out = out, .err = err };
	enum verdict v;

	m.frames = mem_alloc_array(LIMIT_CONF_DEPTH, sizeof(struct frame));
	v = machine_push_text(&m, text, span_lit(""));
	while (v == VERDICT_OK && m.n > 0 && !out->full) {
		struct frame *top = &m.frames[m.n - 1];

		v = steps[top->kind](&m, top);
	}
	if (v == VERDICT_OK && out->full)
		v = err_set(err, VERDICT_PERM, "the value is longer than %zu bytes", out->max);
	mem_free(m.frames);
	return v;
}

bool
conf_reference_next(struct span *text, struct span *name_out)
{
	struct cursor c = cursor_of(*text);
	struct span before;

	while (cursor_until(&c, '$', &before)) {
		if (cursor_skip(&c, '$'))
			continue;
		if (!cursor_skip(&c, '{'))
			cursor_skip(&c, '(');
		*name_out = take_name(&c);
		*text = cursor_rest(&c);
		if (name_out->n > 0)
			return true;
	}
	*text = span_of(c.end, 0);
	return false;
}
