/*
 * Opening every table that the configuration names, before the walls, and watching them behind. A
 * table that cannot be opened is logged and fails its lookups; it never stops the suite, and never
 * counts as empty. Called by service_main through main.c. Which tables there are: whatever stands
 * as type:name in a parameter that is a list, in one of the postmaster's own (restriction classes),
 * or, for one service, in master.cf (lookup_tables); braces are looked into.
 */
#include "base/log.h"
#include "base/mem.h"
#include "rewrite/rewrite.h"

#define LOOK_EVERY_MS 500 /* a change counts at the second look */
#define STAY_S	      2 /* no successor before: a table that changes all the time is no fork bomb */
#define BRACES_DEEP   4

static const struct {
	size_t conf; /* field of struct conf */
	const char *name;
} list_rows[REWRITE_LISTS] = {
#define ROW(list, param) [list] = { offsetof(struct conf, param), #param }
	ROW(LIST_ALIASES, alias_maps),
	ROW(LIST_CANONICAL, canonical_maps),
	ROW(LIST_CANONICAL_RECIPIENT, recipient_canonical_maps),
	ROW(LIST_CANONICAL_SENDER, sender_canonical_maps),
	ROW(LIST_VIRTUAL_ALIASES, virtual_alias_maps),
	ROW(LIST_TRANSPORT, transport_maps),
	ROW(LIST_RELOCATED, relocated_maps),
	ROW(LIST_SENDER_RELAYHOST, sender_dependent_relayhost_maps),
	ROW(LIST_SENDER_TRANSPORT, sender_dependent_default_transport_maps),
	ROW(LIST_LOCAL_KNOWN, local_recipient_maps),
	ROW(LIST_RELAY_KNOWN, relay_recipient_maps),
	ROW(LIST_VIRTUAL_KNOWN, virtual_mailbox_maps),
	ROW(LIST_LOGINS, smtp_sasl_password_maps),
};

static const struct {
	size_t conf;
	const char *name;
} domain_rows[REWRITE_DOMAINS] = {
	ROW(DOMAINS_LOCAL, mydestination),
	ROW(DOMAINS_ALIAS, virtual_alias_domains),
	ROW(DOMAINS_VIRTUAL, virtual_mailbox_domains),
	ROW(DOMAINS_RELAY, relay_domains),
#undef ROW
};

/* Tables that nobody may ask rewrite for: passwords, keys; and what is only there to be built. */
static const struct span private_params[] = {
	SPAN("smtp_sasl_password_maps"),
	SPAN("tls_server_sni_maps"),
	SPAN("alias_database"),
};

static struct span
conf_text(const struct conf *conf, size_t field)
{
	return *(const struct span *)(const void *)((const char *)conf + field);
}

static void
tell(const struct err *err, const char *param)
{
	log_event(LOG_LEVEL_ERROR, "%s%s%s", param, *param ? ": " : "", err->text);
}

/* The tables in TEXT are opened; what is in braces is looked into. */
static void
open_named(struct rewrite *rw, struct span text)
{
	struct span stack[BRACES_DEEP] = { text };
	struct span item;
	size_t depth = 1;
	struct table *t;

	while (depth > 0) {
		struct err err = ERR_NONE;

		if (!conf_list_next(&stack[depth - 1], &item)) {
			depth--;
		} else if (table_is_spec(item)) {
			if (table_set_open(rw->tables, item, &t, &err) != VERDICT_OK)
				tell(&err, "");
		} else if (depth < BRACES_DEEP && span_find(item, ' ') < item.n) {
			stack[depth++] = item;
		}
	}
}

static bool
is_private(struct span param)
{
	for (size_t i = 0; i < ARRAY_LEN(private_params); i++)
		if (span_eq(private_params[i], param))
			return true;
	return false;
}

static void
open_all(struct rewrite *rw)
{
	const struct conf *conf = rw->conf;
	size_t n;
	const struct conf_param *params = conf_params(&n);

	for (size_t i = 0; i < n; i++)
		if (params[i].type == CONF_LIST && !is_private(params[i].name))
			open_named(rw, conf_text(conf, params[i].field));
	for (size_t i = 0; i < conf->users_n; i++)
		open_named(rw, conf->users[i].value);
}

static void
open_lists(struct rewrite *rw)
{
	for (size_t i = 0; i < REWRITE_LISTS; i++) {
		struct table_set *set = i == LIST_LOGINS ? rw->secrets : rw->tables;
		struct err err = ERR_NONE;

		if (table_list_open(set, conf_text(rw->conf, list_rows[i].conf), &rw->lists[i],
			&err) != VERDICT_OK)
			tell(&err, list_rows[i].name);
	}
}

static bool
subdomains_of(const struct conf *conf, struct span what)
{
	struct span rest = conf->parent_domain_matches_subdomains, item;

	while (conf_list_next(&rest, &item))
		if (span_eq(item, what))
			return true;
	return false;
}

static void
open_domains(struct rewrite *rw)
{
	enum table_match_how relay = subdomains_of(rw->conf, span_lit("relay_domains"))
					 ? TABLE_MATCH_SUBDOMAINS
					 : TABLE_MATCH_DOTTED;

	for (size_t i = 0; i < REWRITE_DOMAINS; i++) {
		struct err err = ERR_NONE;

		if (table_match_open(rw->tables, conf_text(rw->conf, domain_rows[i].conf),
			i == DOMAINS_RELAY ? relay : TABLE_MATCH_NAMES, &rw->domains[i],
			&err) != VERDICT_OK)
			tell(&err, domain_rows[i].name);
	}
}

static void
tell_notes(const struct table_set *set)
{
	struct table *t;

	for (size_t i = 0; (t = table_set_at(set, i)) != NULL; i++) {
		struct span rest = table_notes(t), line;
		while (rest.n > 0) {
			span_cut(rest, '\n', &line, &rest);
			log_event(LOG_LEVEL_WARNING, "%s", log_escape(line));
		}
	}
}

struct rewrite *
rewrite_new(const struct conf *conf)
{
	struct rewrite *rw = mem_alloc(sizeof(*rw));

	rw->conf = conf;
	rw->account_find = account_ask;
	rw->tables = table_set_new();
	rw->secrets = table_set_new();
	rw->subdomains_of_access = subdomains_of(conf, span_lit("smtpd_access_maps"));
	rw->subdomains_of_transport = subdomains_of(conf, span_lit("transport_maps"));
	rw->born = time_mono();
	open_all(rw);
	open_lists(rw);
	open_domains(rw);
	tell_notes(rw->tables);
	tell_notes(rw->secrets);
	return rw;
}

void
rewrite_free(struct rewrite *rw)
{
	for (size_t i = 0; i < REWRITE_LISTS; i++)
		table_list_free(&rw->lists[i]);
	for (size_t i = 0; i < REWRITE_DOMAINS; i++)
		table_match_free(rw->domains[i]);
	table_set_free(rw->tables);
	table_set_free(rw->secrets);
	mem_free(rw);
}

enum verdict
rewrite_prepare(struct service_ctx *ctx, struct err *err)
{
	struct rewrite *rw = rewrite_new(service_conf(ctx));

	(void)err;
	rw->ctx = ctx;
	service_set_state(ctx, rw);
	return VERDICT_OK;
}

static void
look(void *arg)
{
	struct rewrite *rw = arg;
	struct span changed = table_set_changed(rw->tables),
		    secret = table_set_changed(rw->secrets);

	if (service_stopping(rw->ctx))
		return;
	if (changed.n == 0)
		changed = secret;
	if (changed.n > 0 && !rw->leaving) {
		log_event(
		    LOG_LEVEL_INFO, "table %s has changed -- restarting", log_escape(changed));
		rw->leaving = true;
	}
	/* Asked again until the stop comes: master's socket may have been full. */
	if (rw->leaving && time_mono() - rw->born > STAY_S * NS_PER_S)
		service_replace(rw->ctx);
	timer_set(&rw->look, deadline_after_ms(LOOK_EVERY_MS));
}

void
rewrite_watch(struct service_ctx *ctx)
{
	struct rewrite *rw = service_state(ctx);

	timer_init(&rw->look, look, rw);
	timer_set(&rw->look, deadline_after_ms(LOOK_EVERY_MS));
}
