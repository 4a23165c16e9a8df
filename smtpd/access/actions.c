/*
 * What access tables say (access(5)): a word and its text, a reply code and its text, or more
 * restrictions. Words are a table. Called with a value that a lookup has found; a value that means
 * nothing is a server's error, 451, never a permit. Marks what becomes of the message; changes
 * nothing else.
 */
#include "base/cclass.h"
#include "base/num.h"
#include "smtpd/access/check.h"
#include "smtpd/loglines.h"

/* What was found, where, and for what. */
struct found {
	struct span table;
	enum subject about;
	struct span text; /* behind the word */
};

typedef enum access action_fn(struct check *c, const struct found *f);

/* "5.7.1 text": the enhanced code that a text may begin with; else DSN. */
static struct span
text_split(struct span text, const char *dsn, char code_out[12])
{
	struct span word, rest;
	struct dsn_code code;

	span_cut(text, ' ', &word, &rest);
	if (dsn_code_parse(word, &code)) {
		dsn_code_text(code, code_out);
		return span_trim(rest);
	}
	dsn_code_parse(span_str(dsn), &code);
	dsn_code_text(code, code_out);
	return text;
}

static enum access
refuse(struct check *c, const struct found *f, unsigned code, const char *dsn)
{
	char dsn_text[12];
	struct span text = text_split(f->text, dsn, dsn_text);

	if (text.n == 0)
		text = span_lit("Access denied");
	return check_reject(c, f->about, code, dsn_text, "%.*s", SPAN_ARG(text));
}

static enum access
action_ok(struct check *c, const struct found *f)
{
	(void)c;
	(void)f;
	return ACCESS_OK;
}

static enum access
action_dunno(struct check *c, const struct found *f)
{
	(void)c;
	(void)f;
	return ACCESS_DUNNO;
}

static enum access
action_reject(struct check *c, const struct found *f)
{
	return refuse(c, f, (unsigned)c->conf->access_map_reject_code, "5.7.1");
}

static enum access
action_defer(struct check *c, const struct found *f)
{
	return refuse(c, f, (unsigned)c->conf->access_map_defer_code, "4.7.1");
}

static enum access
action_defer_if_permit(struct check *c, const struct found *f)
{
	char dsn[12];
	struct span text = text_split(f->text, "4.7.1", dsn);

	if (text.n == 0)
		text = span_lit("Service unavailable");
	return check_defer_if_permit(c, f->about, 450, dsn, "%.*s", SPAN_ARG(text));
}

static enum access
action_defer_if_reject(struct check *c, const struct found *f)
{
	char dsn[12];
	struct span text = text_split(f->text, "4.7.1", dsn);

	if (text.n == 0)
		text = span_lit("Service unavailable");
	return check_defer_if_reject(c, f->about, 450, dsn, "%.*s", SPAN_ARG(text));
}

/* "<name>: Class what", for the log alone. */
static void
tell(struct check *c, const struct found *f, const char *action, struct span what)
{
	struct str text = STR_INIT(LIMIT_LOG_LINE);

	str_printf(&text, "<%.*s>: %s %.*s", SPAN_ARG(subject_name(c, f->about)),
	    subject_class(f->about == ABOUT_LIST ? c->about : f->about), SPAN_ARG(what));
	log_action(c->s, action, check_stage(c), c->rcpt, str_span(&text));
	str_free(&text);
}

static enum access
action_info(struct check *c, const struct found *f)
{
	tell(c, f, "info", f->text);
	return ACCESS_DUNNO;
}

static enum access
action_warn(struct check *c, const struct found *f)
{
	tell(c, f, "warn", f->text);
	return ACCESS_DUNNO;
}

static enum access
action_hold(struct check *c, const struct found *f)
{
	tell(c, f, "hold", f->text.n > 0 ? f->text : span_lit("triggers HOLD action"));
	c->s->t.marks.hold = true;
	return ACCESS_DUNNO;
}

static enum access
action_discard(struct check *c, const struct found *f)
{
	tell(c, f, "discard", f->text.n > 0 ? f->text : span_lit("triggers DISCARD action"));
	c->s->t.marks.discard = true;
	return ACCESS_DUNNO;
}

/* F's text as an address, in the transaction's arena; empty when it is none. */
static struct span
text_address(struct check *c, const struct found *f)
{
	struct arena *arena = &c->s->t.arena;
	struct address a;

	if (address_parse(f->text, PATH_UTF8, arena, &a, NULL) != VERDICT_OK)
		return span_lit("");
	return address_text(&a, arena);
}

static void
tell_target(struct check *c, const struct found *f, const char *action, const char *word)
{
	struct str what = STR_INIT(LIMIT_LOG_LINE);

	str_printf(&what, "triggers %s %.*s", word, SPAN_ARG(f->text));
	tell(c, f, action, str_span(&what));
	str_free(&what);
}

static enum access
action_redirect(struct check *c, const struct found *f)
{
	struct span to = text_address(c, f);

	if (to.n == 0)
		return check_misconfigured(c,
		    "access table %.*s: REDIRECT needs an address, user@domain",
		    SPAN_ARG(f->table));
	tell_target(c, f, "redirect", "REDIRECT");
	c->s->t.marks.redirect = to;
	return ACCESS_DUNNO;
}

/* At the end of LIST; what is there already is not put there again. */
static void
text_append(struct arena *arena, struct access_text **list, struct span text)
{
	struct access_text *new;

	for (; *list; list = &(*list)->next)
		if (span_eq((*list)->text, text))
			return;
	new = arena_alloc(arena, sizeof(*new));
	if (!new)
		return;
	new->text = arena_dup(arena, text);
	*list = new;
}

static enum access
action_bcc(struct check *c, const struct found *f)
{
	struct span to = text_address(c, f);

	if (to.n == 0)
		return check_misconfigured(
		    c, "access table %.*s: BCC needs an address, user@domain", SPAN_ARG(f->table));
	tell_target(c, f, "bcc", "BCC");
	text_append(&c->s->t.arena, &c->s->t.marks.bcc, to);
	return ACCESS_DUNNO;
}

/* Is it "Name: value", on one line? */
static bool
is_field(struct span text)
{
	size_t colon = span_find(text, ':');

	if (colon == 0 || colon == text.n || text.n > 900)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (i < colon ? !cclass_is(text.p[i], CC_FTEXT)
			      : cclass_is(text.p[i], CC_CTL) && text.p[i] != '\t')
			return false;
	return true;
}

static enum access
action_prepend(struct check *c, const struct found *f)
{
	if (c->last == LIST_END_OF_DATA)
		return check_misconfigured(c,
		    "access table %.*s: PREPEND comes too late in smtpd_end_of_data_restrictions",
		    SPAN_ARG(f->table));
	if (!is_field(f->text))
		return check_misconfigured(c,
		    "access table %.*s: PREPEND needs a header field, Name: text",
		    SPAN_ARG(f->table));
	text_append(&c->s->t.arena, &c->s->t.marks.prepend, f->text);
	return ACCESS_DUNNO;
}

static enum access
action_filter(struct check *c, const struct found *f)
{
	return check_misconfigured(
	    c, "access table %.*s: FILTER is not supported by Postern", SPAN_ARG(f->table));
}

static const struct {
	struct span word;
	action_fn *run;
} actions[] = {
	{ SPAN("OK"), action_ok },
	{ SPAN("RELAY"), action_ok },
	{ SPAN("DUNNO"), action_dunno },
	{ SPAN("REJECT"), action_reject },
	{ SPAN("DEFER"), action_defer },
	{ SPAN("DEFER_IF_PERMIT"), action_defer_if_permit },
	{ SPAN("DEFER_IF_REJECT"), action_defer_if_reject },
	{ SPAN("INFO"), action_info },
	{ SPAN("WARN"), action_warn },
	{ SPAN("HOLD"), action_hold },
	{ SPAN("DISCARD"), action_discard },
	{ SPAN("REDIRECT"), action_redirect },
	{ SPAN("BCC"), action_bcc },
	{ SPAN("PREPEND"), action_prepend },
	{ SPAN("FILTER"), action_filter },
};

/* "554 text", "421 text"; all other numbers mean OK: time stamps of relays that log in elsewhere.
 */
static enum access
action_number(struct check *c, const struct found *f, struct span word)
{
	uint64_t code;
	bool refuses = word.n == 3 && (word.p[0] == '4' || word.p[0] == '5');

	if (!num_parse_u64(word, UINT64_MAX, &code) && (refuses || f->text.n > 0))
		return check_misconfigured(c, "access table %.*s: \"%.*s\" is no reply code",
		    SPAN_ARG(f->table), SPAN_ARG(word));
	if (refuses)
		return refuse(c, f, (unsigned)code, code >= 500 ? "5.7.1" : "4.7.1");
	if (f->text.n == 0)
		return ACCESS_OK;
	return check_misconfigured(c, "access table %.*s: \"%.*s\" is no reply code, 4NN or 5NN",
	    SPAN_ARG(f->table), SPAN_ARG(word));
}

/* Restrictions in a table: compiled for this once. */
static enum access
action_restrictions(struct check *c, const struct found *f, struct span value)
{
	struct program *program = arena_alloc(&c->arena, sizeof(*program));
	struct err err = ERR_NONE;

	if (!program || program_compile(c->rules, &c->arena, f->table, value, c->last, program,
			    &err) != VERDICT_OK)
		return check_misconfigured(c, "access table %s", err.text);
	c->call = program;
	c->call_about = f->about;
	return ACCESS_CALL;
}

enum access
action_run(struct check *c, struct span table, enum subject about, struct span value)
{
	struct found f = { table, about, { 0 } };
	struct span word;

	value = span_trim(value);
	span_cut(value, ' ', &word, &f.text);
	f.text = span_trim(f.text);
	if (word.n > 0 && cclass_is(word.p[0], CC_DIGIT))
		return action_number(c, &f, word);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (span_eq_nocase(word, actions[i].word))
			return actions[i].run(c, &f);
	if (word.n == 0)
		return check_misconfigured(
		    c, "access table %.*s: an entry without an action", SPAN_ARG(table));
	return action_restrictions(c, &f, value);
}
