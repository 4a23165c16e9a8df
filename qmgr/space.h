/* Is there room for more mail? Looked at once a second, in the pool. */
#ifndef QMGR_SPACE_H
#define QMGR_SPACE_H

#include "base/err.h"
#include "event/pool.h"

struct conf;
struct space;

/* DIR: on the file system that is watched. CONF: as it is at each look. */
struct space *space_new(struct pool *pool, int dir);
void space_free(struct space *s);
/* 452 when less is free than queue_minfree, or 1.5 times message_size_limit, or SIZE, ask for. */
enum verdict space_judge(const struct space *s, uint64_t size, struct err *err);
/* What main.cf wants to be free, bytes. */
void space_set(struct space *s, const struct conf *conf);

#endif
