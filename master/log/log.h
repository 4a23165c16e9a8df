/* What the files of the log daemon share. */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "service/service.h"

/* Before the walls: where the lines go. */
enum verdict logd_prepare(struct service_ctx *ctx, struct err *err);
/* Lines that come over FD bear NAME and PID; it is read until its sender is gone. */
void logd_add_source(struct service_ctx *ctx, const char *name, uint32_t pid, int fd);

/*
 * One packet of records ('0' + level, text, '\n' each) becomes whole lines in OUT, each with STAMP,
 * HOST, NAME and PID before it. Bytes that a line may not hold were escaped by the sender; what
 * still is not printable here becomes '?', so that a sender that was broken into cannot forge
 * lines. Records without a level or an end are dropped and counted.
 */
size_t logd_format(struct str *out, struct span packet, struct span stamp, struct span host,
    const char *name, uint32_t pid);

#endif
