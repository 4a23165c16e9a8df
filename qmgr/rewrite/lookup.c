/*
 * ipc_lookup: all that one SMTP command wants to know of access tables and their kin, in one round
 * trip. Only tables that the configuration names can be asked: they were opened before the walls,
 * and those with passwords are not among them. Answered at once, nothing here suspends.
 */
#include "base/arena.h"
#include "base/log.h"
#include "rewrite/search.h"

#define LOOKUP_ARENA (8u << 20) /* bytes: LIMIT_LOOKUPS values of LIMIT_LOOKUP_VALUE, and lists */
#define LIST_MAX     64		/* tables of one question */

static enum verdict
question_tables(
    struct rewrite *rw, struct span text, struct table **v, struct table_list *out, struct err *err)
{
	struct span item;

	*out = (struct table_list){ v, 0 };
	while (conf_list_next(&text, &item)) {
		struct table *t = table_set_find(rw->tables, item);
		if (!t || out->n == LIST_MAX) {
			log_event(LOG_LEVEL_WARNING,
			    "somebody asked for table %s, which the configuration does not name",
			    log_escape(item));
			return err_set(err, VERDICT_TEMP, "no such table");
		}
		v[out->n++] = t;
	}
	return VERDICT_OK;
}

static const struct {
	enum lookup_kind kind;
	enum search_how how;
	bool is_address;
} kinds[] = {
	{ LOOKUP_PLAIN, SEARCH_KEY, false },
	{ LOOKUP_ADDRESS, SEARCH_ACCESS, true },
	{ LOOKUP_DOMAIN, SEARCH_DOMAIN, false },
	{ LOOKUP_CLIENT, SEARCH_CLIENT, false },
	{ LOOKUP_OWNER, SEARCH_ADDRESS, true },
};

/* Whether "user" alone stands for it too. */
static enum verdict
question_ours(const struct rewrite *rw, struct table_address *a, struct err *err)
{
	struct search s = search_of(NULL);
	enum verdict v;

	a->ours = span_eq_nocase(a->domain, rw->conf->myorigin);
	if (a->ours)
		return VERDICT_OK;
	s.match = rw->domains[DOMAINS_LOCAL];
	s.key = a->domain;
	v = search_run(&s, SEARCH_MATCH, err);
	a->ours = v == VERDICT_OK;
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

enum verdict
lookup_answer(
    struct rewrite *rw, const struct item_question *q, struct str *value_out, struct err *err)
{
	struct table *tables[LIST_MAX];
	struct table_list list = { NULL, 0 };
	struct search s = search_of(&list);
	size_t row = 0;
	enum verdict v = question_tables(rw, q->table, tables, &list, err);

	while (row < ARRAY_LEN(kinds) && kinds[row].kind != q->kind)
		row++;
	if (row == ARRAY_LEN(kinds))
		return err_set(err, VERDICT_TEMP, "no such kind of lookup");
	s.key = q->key;
	s.parents = rw->subdomains_of_access;
	s.address.delimiters = rw->conf->recipient_delimiter;
	if (v == VERDICT_OK && kinds[row].is_address) {
		address_split(q->key, &s.address.local, &s.address.domain);
		if (q->kind == LOOKUP_OWNER)
			v = question_ours(rw, &s.address, err);
	}
	if (v == VERDICT_OK)
		v = search_run(&s, kinds[row].how, err);
	if (v == VERDICT_OK && !str_put(value_out, str_span(&s.value)))
		v = err_set(
		    err, VERDICT_TEMP, "the value is longer than %d bytes", LIMIT_LOOKUP_VALUE);
	search_free(&s);
	return v;
}

void
rewrite_lookup(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_lookup *ask = msg;
	struct rewrite *rw = service_state(arg);
	struct arena arena;
	struct msg_looked_up reply = { .findings = { NULL, ask->questions.n } };

	arena_init(&arena, LOOKUP_ARENA);
	reply.findings.v = arena_alloc_array(&arena, ask->questions.n, sizeof(*reply.findings.v));
	for (uint32_t i = 0; reply.findings.v && i < ask->questions.n; i++) {
		struct item_finding *f = &reply.findings.v[i];
		struct str value = STR_INIT(LIMIT_LOOKUP_VALUE);
		struct err err = ERR_NONE;
		enum verdict v = lookup_answer(rw, &ask->questions.v[i], &value, &err);

		f->status = v == VERDICT_OK	  ? LOOKUP_FOUND
			    : v == VERDICT_ABSENT ? LOOKUP_ABSENT
						  : LOOKUP_FAILED;
		if (v == VERDICT_OK)
			f->value = arena_dup(&arena, str_span(&value));
		str_free(&value);
	}
	assert(reply.findings.v);
	ipc_reply(req, &ipc_looked_up, &reply);
	arena_free(&arena);
}
