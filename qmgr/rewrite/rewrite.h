/* What rewrite knows, and what it can be asked. */
#ifndef REWRITE_REWRITE_H
#define REWRITE_REWRITE_H

#include "event/loop.h"
#include "message/address.h"
#include "service/service.h"
#include "table/match.h"
#include "table/table.h"

/* Lists of tables, each the value of a parameter. */
enum rewrite_list {
	LIST_ALIASES,
	LIST_CANONICAL,
	LIST_CANONICAL_RECIPIENT,
	LIST_CANONICAL_SENDER,
	LIST_VIRTUAL_ALIASES,
	LIST_TRANSPORT,
	LIST_RELOCATED,
	LIST_SENDER_RELAYHOST,
	LIST_SENDER_TRANSPORT,
	LIST_LOCAL_KNOWN,
	LIST_RELAY_KNOWN,
	LIST_VIRTUAL_KNOWN,
	LIST_LOGINS,
	REWRITE_LISTS
};

/* Lists of domains, in the order in which they are looked at. */
enum rewrite_domains {
	DOMAINS_LOCAL,
	DOMAINS_ALIAS,
	DOMAINS_VIRTUAL,
	DOMAINS_RELAY,
	REWRITE_DOMAINS
};

struct rewrite;

/*
 * Is there an account KEY ("anna", "anna@example.com")? Its canonical name; VERDICT_ABSENT,
 * VERDICT_TEMP. In the daemon it is authd who is asked.
 */
typedef SUSPENDS enum verdict account_find_fn(struct rewrite *rw, uint64_t trace, struct span key,
    struct arena *arena, struct span *account_out, struct err *err);

struct rewrite {
	struct service_ctx *ctx; /* NULL in tests */
	const struct conf *conf;
	account_find_fn *account_find;
	struct table_set *tables;  /* all that may be asked for */
	struct table_set *secrets; /* of smtp_sasl_password_maps: for ipc_smtp_auth alone */
	struct table_list lists[REWRITE_LISTS];
	struct table_match *domains[REWRITE_DOMAINS];
	bool subdomains_of_access; /* parent_domain_matches_subdomains names them */
	bool subdomains_of_transport;
	struct timer look;
	uint64_t born;
	bool leaving; /* a table has changed: a successor was asked for */
};

/* tables.c */
/* Before the walls: opens everything. What is wrong with tables is logged; it fails lookups, not
 * the start. */
enum verdict rewrite_prepare(struct service_ctx *ctx, struct err *err);
/* The same without a service. CONF outlives it. */
struct rewrite *rewrite_new(const struct conf *conf);
void rewrite_free(struct rewrite *rw);
/* On the first fiber: looks now and then whether a table has changed. */
void rewrite_watch(struct service_ctx *ctx);

/* Handlers; ARG is the service's context. */
void rewrite_resolve(struct ipc_request *req, const void *msg, void *arg);
void rewrite_sender(struct ipc_request *req, const void *msg, void *arg);
void rewrite_lookup(struct ipc_request *req, const void *msg, void *arg);
void rewrite_smtp_auth(struct ipc_request *req, const void *msg, void *arg);

/* known.c: the daemon's account_find_fn. */
SUSPENDS enum verdict account_ask(struct rewrite *rw, uint64_t trace, struct span key,
    struct arena *arena, struct span *account_out, struct err *err);

/* lookup.c */
/* One question of ipc_lookup. The value lies in VALUE_OUT, at most LIMIT_LOOKUP_VALUE bytes. */
enum verdict lookup_answer(
    struct rewrite *rw, const struct item_question *q, struct str *value_out, struct err *err);
/* login.c */
/* "user:password" for MSG. VERDICT_ABSENT: none. */
enum verdict login_find(
    struct rewrite *rw, const struct msg_smtp_auth *msg, struct str *value_out, struct err *err);

#endif
