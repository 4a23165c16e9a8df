/* The Received: field (RFC 5321 4.4), laid out as Postfix does: tools read it. */
#ifndef MESSAGE_RECEIVED_H
#define MESSAGE_RECEIVED_H

#include "base/str.h"

struct received {
	struct span helo;    /* what the client called itself; empty: it did not */
	struct span name;    /* the client's name as verified, or "unknown" */
	struct span address; /* "192.0.2.1", "IPv6:2001:db8::1"; empty: no client, no "from" */
	struct span tls;     /* "using TLSv1.3 with cipher ..."; empty: none shown */
	struct span
	    peer_cert;	   /* "No client certificate requested" or the like; empty: none shown */
	struct span login; /* shown as "Authenticated sender"; empty: not shown */
	struct span by;	   /* our name */
	struct span mail_name; /* our product, in parentheses */
	struct span
	    with; /* "ESMTPS": RFC 3848, RFC 6531 4.3; empty: left out (mail from this host) */
	struct span id;	       /* queue id */
	struct span recipient; /* canonical, when there is one alone; empty: left out, for others'
				  privacy */
	uint64_t wall_ns;
};

/* The whole field with its line ends. What peers said is shortened and cleaned: it cannot leave its
 * place. */
bool received_put(struct str *out, const struct received *r);

#endif
