/* How a command lies on the wire: its tag, and the literals that lines announce. */
#ifndef IMAPD_WIRE_H
#define IMAPD_WIRE_H

#include "imapd/args.h"

/* "{5}", or "{5+}" (RFC 7888), at the end of a line. */
struct literal {
	uint64_t size; /* UINT64_MAX: more than a number holds */
	bool waits;    /* the client sends it after "+ " alone */
	size_t at;     /* where the "{" stands in the line */
};

/* LINE without its end. False: it announces none. */
bool literal_parse(struct span line, struct literal *out);

/* The tag (RFC 9051 9), at most LIMIT_IMAP_TAG bytes. */
bool args_tag(struct args *a, struct span *out);

#endif
