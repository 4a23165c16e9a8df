/*
 * pop3d's user half in a process of the test's own, with a home in a directory under /tmp: the test
 * is the login half, which brings a session and speaks for its client. No master, no walls.
 */
#ifndef UNIT_POP3D_RIG_H
#define UNIT_POP3D_RIG_H

#include "pop3d/user/popuser.h"
#include "service/service_impl.h"
#include "tests/unit/mailbox/place.h"

struct rig {
	struct service_ctx ctx;
	struct popuser user;
	struct ipc *ipc;
	struct str said;    /* all that the client got, CR LF as LF */
	struct str refused; /* why a session was refused, if it was */
};

/* Over a home that place_make has made. Starts the loop. */
void rig_open(struct rig *rig, const struct place *place);
/*
 * A session from its hand-over, with STATE, to its end: SENT is what the client says, all at once,
 * LF as CR LF; then it listens until the end. With LEAVES it closes instead, as soon as it has read
 * as many lines as it has sent.
 */
void rig_talk(struct rig *rig, const char *state, const char *sent);
void rig_talk_and_leave(struct rig *rig, const char *state, const char *sent);
void rig_close(struct rig *rig);

#endif
