/*
 * Who may send to whom. A recipient is resolved by rewrite (which knows all tables); from the class
 * of its address and from who the client is follows whether it is taken: what is not ours is
 * relayed for our own networks alone.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "conf/netlist.h"
#include "smtpd/session.h"

#define RESOLVE_WAIT_S 60

bool
policy_is_local_client(const struct conf *conf, const struct sockaddr *addr)
{
	return netlist_match(conf->mynetworks, addr);
}

SUSPENDS enum verdict
policy_recipient(
    struct session *s, const struct address *rcpt, struct item_recipient *out, struct err *err)
{
	struct msg_resolve ask = { .address = address_text(rcpt, &s->t.arena),
		.sender = s->t.sender };
	struct msg_resolved found;
	enum verdict v;

	v = service_call(s->ctx, "rewrite", s->trace, &ipc_resolve, &ask, &ipc_resolved, &found,
	    &s->t.arena, deadline_after_s(RESOLVE_WAIT_S), err);
	if (v != VERDICT_OK && err->reply == 0)
		return err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(ask.address));
	if (v != VERDICT_OK)
		return v;
	if (found.class == ADDRESS_DEFAULT && !s->client_is_local)
		return err_mail(
		    err, 454, "4.7.1", "<%.*s>: Relay access denied", SPAN_ARG(ask.address));
	if (found.recipients.n == 0)
		return err_mail(
		    err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(ask.address));
	*out = found.recipients.v[0];
	if (out->original.n == 0)
		out->original = ask.address;
	return VERDICT_OK;
}
