/*
 * ipc_smtp_auth: the login for another host (smtp_sasl_password_maps): by sender when
 * smtp_sender_dependent_authentication says so, then by the host's name, then by the next hop as
 * the route has it. Asked by smtp alone; the tables are in a set of their own, so that no other
 * question reaches them. What it found is wiped.
 */
#include "base/log.h"
#include "rewrite/address.h"

static enum verdict
by_sender(struct rewrite *rw, struct search *s, struct span sender, struct err *err)
{
	struct arena arena;
	struct named from;
	enum verdict v;

	if (!rw->conf->smtp_sender_dependent_authentication || sender.n == 0)
		return VERDICT_ABSENT;
	arena_init(&arena, LIMIT_ADDRESS * 16);
	v = named_parse(rw, sender, &arena, &from, NULL);
	if (v == VERDICT_OK)
		v = named_keys(rw, &from, &s->address, err);
	else
		v = VERDICT_ABSENT;
	if (v == VERDICT_OK)
		v = search_run(s, SEARCH_ADDRESS, err);
	arena_free(&arena);
	return v;
}

enum verdict
login_find(
    struct rewrite *rw, const struct msg_smtp_auth *msg, struct str *value_out, struct err *err)
{
	struct search s = search_of(&rw->lists[LIST_LOGINS]);
	const struct span keys[] = { msg->host, msg->nexthop };
	enum verdict v = by_sender(rw, &s, msg->sender, err);

	for (size_t i = 0; i < ARRAY_LEN(keys) && v == VERDICT_ABSENT; i++) {
		s.key = keys[i];
		if (keys[i].n > 0)
			v = search_run(&s, SEARCH_KEY, err);
	}
	if (v == VERDICT_OK)
		str_put(value_out, span_trim(str_span(&s.value)));
	str_wipe(&s.value);
	if (v == VERDICT_ABSENT)
		return err_set(err, VERDICT_ABSENT, "no login for this host");
	return v;
}

void
rewrite_smtp_auth(struct ipc_request *req, const void *msg, void *arg)
{
	struct str value = STR_INIT(LIMIT_ADDRESS + LIMIT_PASSWORD + 1);
	struct msg_smtp_auth_found found;
	struct err err = ERR_NONE;
	enum verdict v = login_find(service_state(arg), msg, &value, &err);

	if (v == VERDICT_OK) {
		span_cut(str_span(&value), ':', &found.user, &found.password);
		if (found.user.n == 0 || found.user.n > LIMIT_ADDRESS ||
		    found.password.n > LIMIT_PASSWORD) {
			log_event(LOG_LEVEL_WARNING,
			    "smtp_sasl_password_maps: an entry is not user:password");
			v = err_mail(&err, 451, "4.3.5", "Server configuration problem");
		}
	}
	if (v == VERDICT_OK)
		ipc_reply(req, &ipc_smtp_auth_found, &found);
	else
		ipc_fail(req, &err);
	str_wipe(&value);
}
