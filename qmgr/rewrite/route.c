/*
 * The route of an address, as Postfix's trivial-rewrite finds it (transport(5), relocated(5)): the
 * transport of its class; for what leaves this host relayhost, by sender or for all, is the next
 * hop, and what is nobody's may have a transport by sender; transport_maps have the last word;
 * relocated_maps say that somebody has moved. Called for each address that aliases lead to.
 */
#include "rewrite/route.h"

#include "rewrite/classes.h"

/* "transport:nexthop", either of them empty. */
static void
route_set(struct route *route, struct span value)
{
	struct span nexthop;

	span_cut(value, ':', &route->transport, &nexthop);
	if (nexthop.n > 0)
		route->nexthop = nexthop;
}

/* What LIST has for SENDER, in ARENA; VERDICT_ABSENT also for DUNNO. */
static enum verdict
by_sender(const struct rewrite *rw, enum rewrite_list list, struct span sender, struct arena *arena,
    struct span *out, struct err *err)
{
	struct search s = search_of(&rw->lists[list]);
	struct named from;
	enum verdict v = VERDICT_OK;

	if (rw->lists[list].n == 0)
		return VERDICT_ABSENT;
	s.key = span_lit("<>");
	if (sender.n == 0) {
		v = search_run(&s, SEARCH_KEY, err);
	} else if (named_parse(rw, sender, arena, &from, NULL) == VERDICT_OK) {
		v = named_keys(rw, &from, &s.address, err);
		if (v == VERDICT_OK)
			v = search_run(&s, SEARCH_ADDRESS, err);
	} else {
		v = VERDICT_ABSENT;
	}
	if (v == VERDICT_OK && span_eq_nocase(str_span(&s.value), span_lit("DUNNO")))
		v = VERDICT_ABSENT;
	if (v == VERDICT_OK)
		*out = arena_dup(arena, span_trim(str_span(&s.value)));
	search_free(&s);
	return v;
}

/* What leaves this host. */
static enum verdict
route_outward(const struct rewrite *rw, struct span sender, struct arena *arena,
    struct route *route, struct err *err)
{
	struct span transport = class_transport(rw->conf, route->class), relayhost;
	enum verdict v = VERDICT_ABSENT;

	if (route->class == ADDRESS_DEFAULT)
		v = by_sender(rw, LIST_SENDER_TRANSPORT, sender, arena, &transport, err);
	if (v == VERDICT_OK || v == VERDICT_ABSENT)
		v = by_sender(rw, LIST_SENDER_RELAYHOST, sender, arena, &relayhost, err);
	if (v == VERDICT_ABSENT)
		relayhost = rw->conf->relayhost;
	else if (v != VERDICT_OK)
		return v;
	if (relayhost.n > 0)
		route->nexthop = relayhost;
	route_set(route, transport);
	return VERDICT_OK;
}

/* An entry of transport_maps; an empty one changes nothing, a transport alone goes to the domain.
 */
static enum verdict
route_override(const struct rewrite *rw, const struct named *to, const struct table_address *keys,
    struct arena *arena, struct route *route, struct err *err)
{
	struct search s = search_of(&rw->lists[LIST_TRANSPORT]);
	struct span transport, nexthop;
	enum verdict v;

	s.address = *keys;
	s.parents = rw->subdomains_of_transport;
	v = search_run(&s, SEARCH_TRANSPORT, err);
	if (v == VERDICT_OK) {
		span_cut(arena_dup(arena, str_span(&s.value)), ':', &transport, &nexthop);
		transport = span_trim(transport);
		nexthop = span_trim(nexthop);
		if (transport.n > 0) {
			route->transport = transport;
			route->nexthop = to->a.domain;
		}
		if (nexthop.n > 0)
			route->nexthop = nexthop;
	}
	search_free(&s);
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

static enum verdict
route_relocated(const struct rewrite *rw, const struct table_address *keys, struct err *err)
{
	struct search s = search_of(&rw->lists[LIST_RELOCATED]);
	enum verdict v;

	s.address = *keys;
	v = search_run(&s, SEARCH_ADDRESS, err);
	if (v == VERDICT_OK)
		v = err_mail(
		    err, 550, "5.1.6", "User has moved to %.*s", SPAN_ARG(str_span(&s.value)));
	search_free(&s);
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

/* "error:5.1.1 text" and "retry:4.2.1 text" are answers, not transports. */
static enum verdict
route_refusal(const struct route *route, struct err *err)
{
	const bool error = span_eq(route->transport, span_lit("error"));
	struct dsn_code dsn;
	struct span word, text;
	char code[12];

	if (!error && !span_eq(route->transport, span_lit("retry")))
		return VERDICT_OK;
	span_cut(route->nexthop, ' ', &word, &text);
	if (!dsn_code_parse(word, &dsn) || dsn.class != (error ? 5 : 4)) {
		dsn = (struct dsn_code){ error ? 5 : 4, 0, 0 };
		text = route->nexthop;
	}
	return err_mail(err, error ? 550 : 450, dsn_code_text(dsn, code), "%.*s", SPAN_ARG(text));
}

enum verdict
route_find(const struct rewrite *rw, const struct named *to, struct span sender,
    struct arena *arena, struct route *out, struct err *err)
{
	struct table_address keys;
	enum verdict v;

	*out = (struct route){ .class = ADDRESS_DEFAULT, .nexthop = to->a.domain };
	v = class_of_domain(rw, to->a.domain, &out->class, err);
	if (v == VERDICT_OK)
		v = named_keys(rw, to, &keys, err);
	if (v != VERDICT_OK)
		return v;
	if (out->class == ADDRESS_RELAY || out->class == ADDRESS_DEFAULT)
		v = route_outward(rw, sender, arena, out, err);
	else
		route_set(out, class_transport(rw->conf, out->class));
	if (v == VERDICT_OK)
		v = route_override(rw, to, &keys, arena, out, err);
	if (v == VERDICT_OK)
		v = route_relocated(rw, &keys, err);
	return v == VERDICT_OK ? route_refusal(out, err) : v;
}

bool
route_is_ours(const struct route *route)
{
	return span_eq(route->transport, span_lit("local")) ||
	       span_eq(route->transport, span_lit("virtual"));
}
