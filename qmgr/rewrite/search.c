/*
 * Running a lookup on the thread's own stack (libdb, PCRE2: stacks of fibers are small), and
 * logging one that failed: the one place that does. Called by all of rewrite. Owns the value found.
 */
#include "rewrite/search.h"

#include "base/log.h"

typedef enum verdict find_fn(struct search *s, struct err *err);

static enum verdict
find_key(struct search *s, struct err *err)
{
	return table_list_lookup(s->list, s->key, false, &s->value, err);
}

static enum verdict
find_address(struct search *s, struct err *err)
{
	return table_find_address(s->list, &s->address, &s->value, &s->extension, err);
}

static enum verdict
find_local(struct search *s, struct err *err)
{
	return table_find_local(s->list, &s->address, &s->value, &s->extension, err);
}

static enum verdict
find_access(struct search *s, struct err *err)
{
	return table_find_access(s->list, &s->address, s->parents, &s->value, err);
}

static enum verdict
find_transport(struct search *s, struct err *err)
{
	return table_find_transport(s->list, &s->address, s->parents, &s->value, err);
}

static enum verdict
find_domain(struct search *s, struct err *err)
{
	return table_find_domain(s->list, s->key, s->parents, &s->value, err);
}

static enum verdict
find_client(struct search *s, struct err *err)
{
	return table_find_client(s->list, s->key, &s->value, err);
}

static enum verdict
find_match(struct search *s, struct err *err)
{
	return table_match_domain(s->match, s->key, err);
}

static find_fn *const finders[] = {
	[SEARCH_KEY] = find_key,
	[SEARCH_ADDRESS] = find_address,
	[SEARCH_LOCAL] = find_local,
	[SEARCH_ACCESS] = find_access,
	[SEARCH_TRANSPORT] = find_transport,
	[SEARCH_DOMAIN] = find_domain,
	[SEARCH_CLIENT] = find_client,
	[SEARCH_MATCH] = find_match,
};

struct search
search_of(const struct table_list *list)
{
	return (struct search){ .list = list, .value = STR_INIT(LIMIT_TABLE_VALUE) };
}

void
search_free(struct search *s)
{
	str_free(&s->value);
}

struct run {
	struct search *s;
	enum search_how how;
	struct err err;
	enum verdict verdict;
};

static void
run_deep(void *arg)
{
	struct run *r = arg;

	r->verdict = finders[r->how](r->s, &r->err);
}

enum verdict
search_run(struct search *s, enum search_how how, struct err *err)
{
	struct run r = { .s = s, .how = how };

	if (!s->match && (!s->list || s->list->n == 0))
		return VERDICT_ABSENT;
	on_main_stack(run_deep, &r);
	if (r.verdict == VERDICT_OK || r.verdict == VERDICT_ABSENT)
		return r.verdict;
	log_event(LOG_LEVEL_WARNING, "table lookup problem: %s", log_escape(err_text(&r.err)));
	return err_mail(err, 451, "4.3.0", "Temporary lookup failure");
}
