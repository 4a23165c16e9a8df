/*
 * Is a recipient known? Where Postern itself delivers there must be an account, which authd knows;
 * elsewhere the class's table of recipients says, and without one everybody is known. Called for
 * each address that aliases lead to; may ask authd. That authd cannot be asked is never "unknown".
 */
#include "base/log.h"
#include "rewrite/classes.h"
#include "rewrite/expand.h"

#define AUTHD_WAIT_S 30

SUSPENDS enum verdict
account_ask(struct rewrite *rw, uint64_t trace, struct span key, struct arena *arena,
    struct span *account_out, struct err *err)
{
	struct msg_account_find ask = { .user = key };
	struct msg_account_found found;
	enum verdict v = service_call(rw->ctx, "authd", trace, &ipc_account_find, &ask,
	    &ipc_account_found, &found, arena, deadline_after_s(AUTHD_WAIT_S), err);

	if (v == VERDICT_OK)
		*account_out = found.account;
	else if (v != VERDICT_ABSENT)
		return err_mail(err, 451, "4.3.0", "Temporary lookup failure");
	return v;
}

/* The account behind an address: user+extension, then user; local ones without the domain. */
SUSPENDS static enum verdict
known_account(struct expansion *e, const struct named *to, enum address_class class,
    struct span *account_out, struct err *err)
{
	size_t at = table_extension_at(to->a.local, e->rw->conf->recipient_delimiter);
	const struct span tries[] = { to->a.local, span_head(to->a.local, at) };
	enum verdict v = VERDICT_ABSENT;

	for (size_t i = 0; v == VERDICT_ABSENT && i < (at < to->a.local.n ? 2u : 1u); i++) {
		struct str key = STR_INIT(LIMIT_ADDRESS);
		str_put(&key, tries[i]);
		if (class != ADDRESS_LOCAL)
			str_printf(&key, "@%.*s", SPAN_ARG(to->a.domain));
		v = e->rw->account_find(
		    e->rw, e->trace, str_span(&key), e->arena, account_out, err);
		str_free(&key);
	}
	return v;
}

static enum rewrite_list known_list(enum address_class class)
{
	if (class == ADDRESS_LOCAL)
		return LIST_LOCAL_KNOWN;
	return class == ADDRESS_VIRTUAL ? LIST_VIRTUAL_KNOWN : LIST_RELAY_KNOWN;
}

static enum verdict
known_in_table(
    const struct rewrite *rw, const struct named *to, enum address_class class, struct err *err)
{
	struct search s = search_of(&rw->lists[known_list(class)]);
	enum verdict v = named_keys(rw, to, &s.address, err);

	if (v == VERDICT_OK)
		v = search_run(&s, SEARCH_ADDRESS, err);
	search_free(&s);
	return v;
}

/* A mailbox of ours. A table may list what authd does not know: then one of the two is wrong. */
SUSPENDS static enum verdict
known_mailbox(struct expansion *e, const struct named *to, enum address_class class,
    struct span *account_out, struct err *err)
{
	enum verdict v = known_account(e, to, class, account_out, err);

	if (v != VERDICT_ABSENT || class != ADDRESS_VIRTUAL)
		return v;
	v = known_in_table(e->rw, to, class, err);
	if (v != VERDICT_OK)
		return v;
	log_event(LOG_LEVEL_WARNING,
	    "virtual_mailbox_maps have %s, but there is no account of that name",
	    log_escape(to->text));
	return err_mail(err, 451, "4.3.5", "Server configuration problem");
}

SUSPENDS enum verdict
known_check(struct expansion *e, const struct named *to, const struct route *route,
    struct span *account_out, struct err *err)
{
	enum address_class class = route->class;
	enum verdict v = VERDICT_ABSENT;

	if (class == ADDRESS_DEFAULT)
		return VERDICT_OK;
	if (route_is_ours(route) && (class == ADDRESS_LOCAL || class == ADDRESS_VIRTUAL))
		v = known_mailbox(e, to, class, account_out, err);
	else if (class != ADDRESS_ALIAS && (e->rw->lists[known_list(class)].n == 0 ||
					       !e->rw->conf->smtpd_reject_unlisted_recipient))
		return VERDICT_OK;
	else if (class != ADDRESS_ALIAS)
		v = known_in_table(e->rw, to, class, err);
	if (v != VERDICT_ABSENT)
		return v;
	return err_mail(err, class_unknown_code(e->rw->conf, class), "5.1.1",
	    "User unknown in %s table", class_table(class));
}
