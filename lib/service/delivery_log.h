/* The one line that says what became of one recipient, from whichever agent: its shape is what log
 * readers know best. */
#ifndef SERVICE_DELIVERY_LOG_H
#define SERVICE_DELIVERY_LOG_H

#include "base/span.h"
#include "ipc/types.h"

struct delivery_line {
	struct span queue_id;
	struct span recipient;
	struct span original; /* shown as orig_to= when it differs */
	struct span relay;    /* "local", "none", "host[ip]:port" */
	unsigned conn_use;    /* above 1: the n-th message on this connection */
	/* Wall clock, ns: when the message came, when it became due, when the agent began, when it
	 * could send. */
	uint64_t arrived, active, connecting, sending;
	struct span dsn;
	enum delivery_status status;
	struct span text;
};

/* "ID: to=<r>, relay=..., delay=0.5, delays=0.1/0.01/0.2/0.2, dsn=2.0.0, status=sent (text)"; the
 * time is now. */
void delivery_log(const struct delivery_line *line);

#endif
