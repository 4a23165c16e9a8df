/* What the files of the log daemon share. */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "service/service.h"

/* Before the walls: where the lines go. */
enum verdict logd_prepare(struct service_ctx *ctx, struct err *err);
/* Lines that come over FD bear NAME and PID; it is read until its sender is gone. */
void logd_add_source(struct service_ctx *ctx, const char *name, uint32_t pid, int fd);

struct record {
	uint64_t time; /* wall clock, ns: the sender's word */
	struct span text;
};
/* The next record of PACKET, which gets shorter; false: none is left. What is no record is left
 * out. */
bool record_next(struct span *packet, struct record *out);
/*
 * One line: STAMP, HOST, NAME and PID before TEXT. Bytes that a line may not hold were escaped by
 * the sender; what still is not printable here becomes '?', so that a sender that was broken into
 * cannot forge lines.
 */
void record_put(struct str *out, struct span text, struct span stamp, struct span host,
    const char *name, uint32_t pid);

#endif
