/*
 * The client: address, networks, name. Called by the session at its begin. The name of its PTR
 * record (RFC 1035 3.5, RFC 3596 2.5) counts when it has the address among its own, else the client
 * is "unknown"; the question is sent before the greeting and awaited after it, while the client
 * reads. Texts lie in the session's arena. Nothing here refuses anybody.
 */
#include "smtpd/peer.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/time.h"
#include "conf/netlist.h"
#include "message/domain.h"
#include "smtpd/ask.h"
#include "smtpd/loglines.h"

#define NAME_WAIT_S  30 /* for PTR and for the addresses behind it, each */
#define REVERSE_NAME 80 /* bytes of an ip6.arpa name: 32 digits with dots, and its end */

/* An IPv4 client of a socket for both kinds is an IPv4 client. */
static void
addr_unmap(struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)addr;
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = six->sin6_port };

	if (addr->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return;
	memcpy(&four.sin_addr, &six->sin6_addr.s6_addr[12], sizeof(four.sin_addr));
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, &four, sizeof(four));
}

/* The bytes of the address: 4, 16 or none. */
static struct span
addr_bytes(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return span_of(&((const struct sockaddr_in *)addr)->sin_addr, 4);
	if (addr->ss_family == AF_INET6)
		return span_of(&((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
	return span_of("", 0);
}

static bool
addr_is_self(const struct session *s)
{
	struct sockaddr_storage own = { 0 };
	socklen_t len = sizeof(own);
	struct span peer = addr_bytes(&s->peer.addr);

	if ((peer.n == 4 && peer.p[0] == 127) || strcmp(s->peer.ip, "::1") == 0)
		return true;
	if (getsockname(stream_fd(s->io), (struct sockaddr *)&own, &len) < 0)
		return false;
	addr_unmap(&own);
	return peer.n > 0 && span_eq(peer, addr_bytes(&own));
}

static bool
is_loopback(const struct peer *p)
{
	return strcmp(p->ip, "127.0.0.1") == 0 || strcmp(p->ip, "::1") == 0;
}

static bool
in_list(const struct peer *p, struct span list)
{
	return p->addr.ss_family != AF_UNSPEC &&
	       netlist_match(list, (const struct sockaddr *)&p->addr);
}

void
peer_learn(struct session *s)
{
	struct peer *p = &s->peer;
	socklen_t len = sizeof(p->addr);
	struct span bytes;

	p->name = p->reverse = p->label = span_lit("unknown");
	p->status = p->reverse_status = PEER_NAME_PERM;
	memcpy(p->ip, "unknown", sizeof("unknown"));
	if (getpeername(stream_fd(s->io), (struct sockaddr *)&p->addr, &len) < 0)
		memset(&p->addr, 0, sizeof(p->addr));
	if (p->addr.ss_family == AF_UNIX) {
		memset(&p->addr, 0, sizeof(p->addr));
		memcpy(p->ip, "127.0.0.1", sizeof("127.0.0.1"));
		p->local = p->self = p->unlimited = p->bare_lf_ok = true;
		return;
	}
	addr_unmap(&p->addr);
	bytes = addr_bytes(&p->addr);
	if (bytes.n > 0)
		inet_ntop(p->addr.ss_family, bytes.p, p->ip, sizeof(p->ip));
	p->self = addr_is_self(s);
	p->local = in_list(p, s->conf->mynetworks);
	p->unlimited = in_list(p, s->conf->smtpd_client_event_limit_exceptions);
	p->bare_lf_ok = s->conf->smtpd_forbid_bare_newline != CONF_BARE_NEWLINE_REJECT ||
			in_list(p, s->conf->smtpd_forbid_bare_newline_exclusions);
}

/* "4.3.2.1.in-addr.arpa": RFC 1035 3.5; nibbles for IPv6: RFC 3596 2.5. */
static void
reverse_put(struct str *out, struct span bytes)
{
	for (size_t i = bytes.n; i-- > 0;) {
		unsigned char b = (unsigned char)bytes.p[i];
		if (bytes.n == 4)
			str_printf(out, "%u.", b);
		else
			str_printf(out, "%x.%x.", b & 15u, b >> 4);
	}
}

void
peer_put_reversed(const struct peer *peer, struct str *out)
{
	reverse_put(out, addr_bytes(&peer->addr));
}

SUSPENDS void
peer_ask_name(struct session *s)
{
	struct peer *p = &s->peer;
	struct str name = STR_INIT(REVERSE_NAME);
	struct err err = ERR_NONE;
	struct msg_dns_query msg = { .type = DNS_PTR };

	if (!s->conf->smtpd_peername_lookup || p->addr.ss_family == AF_UNSPEC || is_loopback(p))
		return;
	peer_put_reversed(p, &name);
	str_puts(&name, p->addr.ss_family == AF_INET ? "in-addr.arpa" : "ip6.arpa");
	msg.name = str_span(&name);
	p->asked =
	    ask_send(s, "dns", &ipc_dns_query, &msg, &ipc_dns_answer, &p->ptr, &err) == VERDICT_OK;
	if (!p->asked)
		p->status = p->reverse_status = PEER_NAME_TEMP;
	str_free(&name);
}

/* Is the client's address among those of NAME? */
SUSPENDS static enum peer_name_status
peer_verify(struct session *s, struct span name)
{
	struct span own = addr_bytes(&s->peer.addr);
	enum dns_type type = own.n == 4 ? DNS_A : DNS_AAAA;
	struct msg_dns_answer answer = { 0 };
	struct ask_dns ask = { 0 };
	enum verdict v;

	ask_dns_send(s, name, type, &ask);
	v = ask_dns_await(&ask, &answer, &s->arena, deadline_after_s(NAME_WAIT_S));
	for (uint32_t i = 0; v == VERDICT_OK && i < answer.records.n; i++)
		if (span_eq(answer.records.v[i].data, own))
			return PEER_NAME_OK;
	log_name_mismatch(s, name,
	    v == VERDICT_OK	? ""
	    : v == VERDICT_TEMP ? ": Temporary failure in name resolution"
				: ": Name or service not known");
	return v == VERDICT_TEMP ? PEER_NAME_TEMP : PEER_NAME_PERM;
}

SUSPENDS static void
peer_take_name(struct session *s)
{
	struct peer *p = &s->peer;
	struct msg_dns_answer answer = { 0 };
	enum verdict v =
	    ipc_await(&p->ptr, &answer, &s->arena, deadline_after_s(NAME_WAIT_S), NULL);
	struct span name;

	p->asked = false;
	if (v == VERDICT_OK)
		v = dns_status_verdict(answer.status, span_lit(""), "PTR", NULL);
	else
		v = VERDICT_TEMP;
	if (v != VERDICT_OK || answer.records.n == 0) {
		p->status = p->reverse_status = v == VERDICT_TEMP ? PEER_NAME_TEMP : PEER_NAME_PERM;
		return;
	}
	name = answer.records.v[0].name;
	if (!domain_valid(name, 0))
		return;
	p->reverse = name;
	p->reverse_status = PEER_NAME_OK;
	p->status = peer_verify(s, name);
	if (p->status == PEER_NAME_OK)
		p->name = name;
}

SUSPENDS void
peer_await_name(struct session *s)
{
	struct peer *p = &s->peer;
	struct str label = STR_INIT(LIMIT_NEXTHOP);

	if (p->named)
		return;
	if (p->addr.ss_family == AF_UNSPEC ? p->self : is_loopback(p)) {
		p->name = p->reverse = span_lit("localhost");
		p->status = p->reverse_status = PEER_NAME_OK;
	} else if (p->asked) {
		peer_take_name(s);
	}
	str_printf(&label, "%.*s[%s]", SPAN_ARG(p->name), p->ip);
	p->label = arena_dup(&s->arena, str_span(&label));
	str_free(&label);
	p->named = true;
	log_connect(s);
}

void
peer_forget(struct session *s)
{
	if (s->peer.asked)
		ipc_forget(&s->peer.ptr);
	s->peer.asked = false;
}

void
peer_put_network(const struct peer *peer, unsigned prefix4, unsigned prefix6, struct str *out)
{
	struct span bytes = addr_bytes(&peer->addr);
	unsigned prefix = bytes.n == 4 ? prefix4 : prefix6;
	unsigned char cut[16] = { 0 };
	char text[INET6_ADDRSTRLEN];

	if (bytes.n == 0) {
		str_puts(out, peer->ip);
		return;
	}
	memcpy(cut, bytes.p, bytes.n);
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned keep = prefix > i * 8 ? prefix - (unsigned)i * 8 : 0;
		if (keep < 8)
			cut[i] &= (unsigned char)(0xff00u >> keep);
	}
	inet_ntop(peer->addr.ss_family, cut, text, sizeof(text));
	str_puts(out, text);
	if (prefix < bytes.n * 8)
		str_printf(out, "/%u", prefix);
}
