/* What the tools of the queue share: the configuration, and a channel to qmgr. */
#ifndef TOOLS_QUEUE_H
#define TOOLS_QUEUE_H

#include "event/fiber.h"
#include "ipc/ipc.h"

/* Exit status, as sysexits.h has it: what scripts around Postfix's tools look at. */
enum tool_status {
	TOOL_OK = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 64,
	TOOL_NO_INPUT = 66,
	TOOL_UNAVAILABLE = 69,
};

struct tool {
	const char *name;
	const char *config_dir;
	const struct ipc_service *notes; /* what qmgr may send besides replies; NULL: nothing */
	void *notes_arg;
	fiber_fn *main; /* ARG is the tool */
	void *arg;
	struct ipc_channel *channel; /* to qmgr, while main runs */
	int status;
};

/* "name: fatal: ..." on standard error; returns STATUS, which becomes the tool's. */
int tool_fail(struct tool *t, int status, const char *fmt, ...) PRINTF(3, 4);
/* Connects to qmgr, runs main on a fiber, returns the tool's exit status. DOWN: what cannot be done
 * without it. */
int tool_run(struct tool *t, const char *down);

/* Bytes of mail for a terminal: what is not printable becomes '?'. */
const char *tool_printable(struct str *s, struct span text);

#endif
