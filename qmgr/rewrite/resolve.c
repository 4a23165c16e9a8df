/*
 * Resolving a recipient: its class, where it goes, and for mailboxes of this host whose account it
 * is. One question, one answer, for each RCPT; each runs on a fiber of its own, since authd may
 * have to be asked. A lookup that fails is "try later", never "unknown".
 */
#include "base/mem.h"
#include "message/address.h"
#include "rewrite/classes.h"
#include "rewrite/rewrite.h"

#define RESOLVE_ARENA 16384
#define AUTHD_WAIT_S  30

struct resolving {
	struct service_ctx *ctx;
	struct ipc_request *req;
	const struct msg_resolve *ask;
	struct arena arena;
	struct item_recipient found;
	struct class_rule rule;
};

/* The account behind an address: user+extension and user, with the domain and, for local ones,
 * without. */
SUSPENDS static enum verdict
resolve_account(struct resolving *r, struct span local, struct span domain, struct err *err)
{
	const struct conf *conf = service_conf(r->ctx);
	struct span name = local;
	size_t at = conf->recipient_delimiter.n ? span_find(local, conf->recipient_delimiter.p[0])
						: local.n;
	struct span tries[2] = { local, span_head(local, at) };
	enum verdict v = VERDICT_ABSENT;

	for (size_t i = 0; v == VERDICT_ABSENT && i < (at > 0 && at < local.n ? 2u : 1u); i++) {
		struct str key = STR_INIT(LIMIT_ADDRESS);
		struct msg_account_found found;
		name = tries[i];
		str_put(&key, name);
		if (r->rule.class != ADDRESS_LOCAL)
			str_printf(&key, "@%.*s", SPAN_ARG(domain));
		struct msg_account_find ask = { .user = str_span(&key) };
		v = service_call(r->ctx, "authd", ipc_request_trace(r->req), &ipc_account_find,
		    &ask, &ipc_account_found, &found, &r->arena, deadline_after_s(AUTHD_WAIT_S),
		    err);
		if (v == VERDICT_OK)
			r->found.account = found.account;
		str_free(&key);
	}
	if (v == VERDICT_ABSENT)
		return err_mail(err, 550, "5.1.1",
		    "<%.*s>: Recipient address rejected: User unknown in %s table",
		    SPAN_ARG(r->ask->address),
		    r->rule.class == ADDRESS_LOCAL ? "local recipient" : "virtual mailbox");
	if (v != VERDICT_OK)
		return err_mail(err, 451, "4.3.0", "<%.*s>: Temporary lookup failure",
		    SPAN_ARG(r->ask->address));
	return v;
}

SUSPENDS static enum verdict
resolve_address(struct resolving *r, struct err *err)
{
	struct address a;
	enum verdict v =
	    address_parse(r->ask->address, PATH_NO_DOMAIN | PATH_UTF8, &r->arena, &a, err);

	if (v != VERDICT_OK)
		return v;
	if (a.domain.n == 0)
		a.domain = service_conf(r->ctx)->myorigin;
	class_of_domain(service_conf(r->ctx), a.domain, &r->rule);
	r->found.address = address_text(&a, &r->arena);
	r->found.original = r->ask->address;
	r->found.transport = r->rule.transport;
	r->found.nexthop = r->rule.nexthop;
	if (r->rule.class == ADDRESS_LOCAL || r->rule.class == ADDRESS_VIRTUAL)
		return resolve_account(r, a.local, a.domain, err);
	return VERDICT_OK;
}

FIBER_MAIN static void
resolve_fiber(void *arg)
{
	struct resolving *r = arg;
	struct err err = ERR_NONE;

	arena_init(&r->arena, RESOLVE_ARENA);
	if (resolve_address(r, &err) == VERDICT_OK) {
		struct msg_resolved reply = { .class = (uint8_t)r->rule.class,
			.recipients = { &r->found, 1 } };
		ipc_reply(r->req, &ipc_resolved, &reply);
	} else {
		ipc_fail(r->req, &err);
	}
	arena_free(&r->arena);
	mem_free(r);
}

void
rewrite_resolve(struct ipc_request *req, const void *msg, void *arg)
{
	struct resolving *r = mem_alloc(sizeof(*r));
	struct err err = ERR_NONE;

	r->ctx = arg;
	r->req = req;
	r->ask = msg;
	if (fiber_spawn("resolve", resolve_fiber, r))
		return;
	err_mail(&err, 451, "4.3.2", "too many lookups at one time");
	ipc_fail(req, &err);
	mem_free(r);
}
