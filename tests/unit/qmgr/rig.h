/*
 * A queue manager in a test's own process: a directory of its own, channels in place of smtpd and
 * of agents, a log that can be read, a configuration that can be changed. Stands in for
 * lib/service.
 */
#ifndef TESTS_QMGR_RIG_H
#define TESTS_QMGR_RIG_H

#include "qmgr/qmgr.h"
#include "tests/unit/unit.h"

#define RIG_WAIT (deadline_after_s(10))

/* What an agent does with a delivery. Runs on the channel's reading fiber; must not suspend. */
typedef void rig_agent_fn(struct ipc_request *req, const struct msg_deliver *msg, void *arg);

struct rig {
	struct service_ctx *ctx;
	struct ipc *ipc;
	struct qmgr *q;
	int dir;
	struct ipc_channel *client; /* the test's end of smtpd's channel */
	struct ipc_channel *tool;   /* and of a tool's */
	char path[256];
	bool named; /* store without O_TMPFILE */
	enum commit_mode mode;
	bool bounce_fails; /* whatever report it is asked for */
	void (*on_report)(const struct msg_bounce_report *msg); /* may be NULL */
};

/* Makes the directory and the configuration; the queue manager starts in rig_run. */
void rig_init(struct rig *rig);
void rig_fini(struct rig *rig);
/* One life of the queue manager: FN runs on a fiber, then the loop ends. The queue's directory
 * stays. */
void rig_run(struct rig *rig, fiber_fn *fn);

struct conf *rig_conf(struct rig *rig);
void rig_set_transport(struct rig *rig, enum conf_transport_param param, uint64_t value);
/* What qmgr sends to the tool's end: for postqueue's part. */
void rig_tool_notes(struct rig *rig, ipc_handler_fn *entry, void *arg);
/* From here on TRANSPORT has this agent; NULL: master refuses it. */
void rig_agent(struct rig *rig, const char *transport, rig_agent_fn *fn, void *arg);
/* The agent's process dies: its channel breaks. */
void rig_agent_dies(struct rig *rig, const char *transport);
/* Deliveries that agents have been given. */
unsigned rig_delivered(void);
unsigned rig_busy(const struct rig *rig);

/* Answers all targets of MSG alike, in one note. */
void rig_answer(struct ipc_request *req, const struct msg_deliver *msg, enum delivery_status status,
    const char *dsn, const char *text, bool no_host);
void rig_agent_sends(struct ipc_request *req, const struct msg_deliver *msg, void *arg);
void rig_agent_defers(struct ipc_request *req, const struct msg_deliver *msg, void *arg);
void rig_agent_bounces(struct ipc_request *req, const struct msg_deliver *msg, void *arg);
void rig_agent_no_host(struct ipc_request *req, const struct msg_deliver *msg, void *arg);
void rig_agent_silent(struct ipc_request *req, const struct msg_deliver *msg, void *arg);

struct rig_mail {
	const char *id;
	const char *sender;
	const char *content;
	const char *transport; /* NULL: smtp */
	const char *nexthop;   /* NULL: example.org */
	uint32_t flags;	       /* enum message_flag */
	unsigned recipients;   /* r0@nexthop, r1@nexthop, ...; 0: one */
	bool own_nexthops;     /* each recipient has one: n0.example, ... */
	unsigned notify;       /* enum dsn_notify */
};
/* OPEN and write; *HANDLE_OUT for rig_commit. */
SUSPENDS enum verdict rig_open(
    struct rig *rig, const struct rig_mail *mail, uint64_t *handle_out, struct err *err);
SUSPENDS enum verdict rig_commit(
    struct rig *rig, const struct rig_mail *mail, uint64_t handle, struct err *err);
/* Both. */
SUSPENDS enum verdict rig_post(struct rig *rig, const struct rig_mail *mail, struct err *err);

/* Waits until COND(arg) holds; fails the test after a while. */
typedef bool rig_cond_fn(void *arg);
SUSPENDS void rig_wait(rig_cond_fn *cond, void *arg, const char *what);
SUSPENDS void rig_wait_empty(struct rig *rig);
SUSPENDS void rig_wait_log(struct rig *rig, const char *text);
SUSPENDS void rig_wait_place(struct rig *rig, const char *id, enum message_place place);

/* How often TEXT stands in the log since rig_init. */
unsigned rig_logged(const char *text);
/* Files in the queue's directory. */
unsigned rig_files(struct rig *rig);
bool rig_has_file(struct rig *rig, const char *name);

#endif
