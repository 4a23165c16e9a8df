/* Sessions that are silent, kept by their login half as a record (lib/login/user.h). */
#ifndef IMAPD_PARK_H
#define IMAPD_PARK_H

#include "imapd/session.h"

/* True: the session is parked, and to be forgotten here. */
SUSPENDS bool session_park(struct session *s);
/* What was parked, again; false: it cannot be known any more, and the client is told good-bye. */
SUSPENDS bool session_revive(struct session *s);

/* The record as text; false: it does not fit, or the session has what no record can hold. */
bool park_put(const struct session *s, struct str *out);
/* What park_put wrote. */
struct park_record {
	unsigned enabled;
	bool selected;
	bool read_only;
	struct view_record view;
	struct span name;
};
bool park_parse(struct span record, struct park_record *out);

#endif
