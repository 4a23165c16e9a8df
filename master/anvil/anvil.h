/* What the files of anvil share: the table of clients, and the highest counts for the log. */
#ifndef ANVIL_ANVIL_H
#define ANVIL_ANVIL_H

#include "base/map.h"
#include "event/loop.h"
#include "service/service.h"

/* One key of one service, "smtp:192.0.2.7": what it has done in the window, what it has open. */
struct client {
	struct list node; /* of idle ones, the longest idle first */
	char *name;
	uint64_t begun; /* monotonic ns: when the window began */
	uint64_t last;	/* when something happened last */
	uint64_t rate[ANVIL_KINDS];
	uint32_t open;
};

/* The highest of a kind since it was logged last. */
struct peak {
	uint64_t n;
	char *name;  /* NULL: nothing yet */
	uint64_t at; /* wall clock, ns */
};

struct peaks {
	struct peak rate[ANVIL_KINDS];
	struct peak open;
	uint64_t size; /* clients */
	uint64_t size_at;
};

struct anvil {
	struct map clients; /* by name */
	struct list idle;   /* those without open connections */
	uint64_t unit;	    /* ns: anvil_rate_time_unit */
	size_t most;	    /* clients that are kept */
	struct peaks peaks;
	struct service_ctx *ctx; /* NULL in tests */
	struct timer report;
	uint64_t report_every; /* ns */
};

/* Connections that one process has reported: they end with it. */
struct reporter {
	struct anvil *anvil;
	struct map holds; /* by the client's name: struct hold */
};

void anvil_init(struct anvil *a, uint64_t unit, size_t most);
void anvil_free(struct anvil *a);
/*
 * N events of KIND by KEY of SERVICE at NOW (monotonic ns). False when it cannot be counted: a
 * wrong kind, or every client that is kept has connections open.
 */
bool anvil_count(struct reporter *r, struct span service, struct span key, enum anvil_kind kind,
    uint32_t n, uint64_t now, struct msg_anvil_counted *out);

struct reporter *reporter_new(struct anvil *a);
/* Its connections are closed. */
void reporter_free(struct reporter *r);

/* peaks.c */
void peak_note(struct peak *p, uint64_t n, const char *name);
/* Logs them and begins anew. UNIT in ns. */
void peaks_log(struct peaks *p, uint64_t unit);
void peaks_free(struct peaks *p);

/* door.c */
enum verdict anvil_prepare(struct service_ctx *ctx, struct err *err);
void anvil_start(struct service_ctx *ctx);
void anvil_stop(struct service_ctx *ctx);
/* A front door's channel. */
void anvil_arrived(struct service_ctx *ctx, struct ipc_channel *ch, int fd);
void anvil_take_count(struct ipc_request *req, const void *msg, void *arg);
void anvil_take_note(struct ipc_request *req, const void *msg, void *arg);
void anvil_gone(struct ipc_channel *ch, const char *why, void *arg);

#endif
