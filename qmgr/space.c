/*
 * Free space of the queue's file system. Mail is refused while it can still be refused politely:
 * before it is sent. Asked by door.c at each OPEN, which must not wait for a disk, so the answer is
 * up to a second old. Owns the timer; statvfs runs in the pool. Until the first answer there is
 * room.
 */
#include "config.h"

#include <sys/statvfs.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "qmgr/space.h"

struct space {
	struct pool *pool;
	int dir;
	struct timer timer;
	uint64_t wanted;
	uint64_t free; /* bytes */
	uint64_t seen; /* by the job */
	bool looking;
	bool ended; /* freed by the job that runs */
};

static void
space_job(void *arg)
{
	struct space *s = arg;
	struct statvfs v;

	s->seen = fstatvfs(s->dir, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX;
}

static void
space_done(void *arg)
{
	struct space *s = arg;

	s->looking = false;
	s->free = s->seen;
	if (s->ended)
		mem_free(s);
	else
		timer_set(&s->timer, deadline_after_s(1));
}

static void
space_look(void *arg)
{
	struct space *s = arg;

	s->looking = true;
	pool_submit(s->pool, space_job, space_done, s);
}

struct space *
space_new(struct pool *pool, int dir)
{
	struct space *s = mem_alloc(sizeof(*s));

	s->pool = pool;
	s->dir = dir;
	s->free = UINT64_MAX;
	timer_init(&s->timer, space_look, s);
	timer_set(&s->timer, deadline_after_ms(1));
	return s;
}

void
space_free(struct space *s)
{
	timer_stop(&s->timer);
	s->ended = true;
	if (!s->looking)
		mem_free(s);
}

void
space_set(struct space *s, const struct conf *conf)
{
	uint64_t by_size = conf->message_size_limit + conf->message_size_limit / 2;

	s->wanted = conf->queue_minfree > by_size ? conf->queue_minfree : by_size;
}

enum verdict
space_judge(const struct space *s, uint64_t size, struct err *err)
{
	if (s->free < s->wanted || s->free - s->wanted < size)
		return err_mail(err, 452, "4.3.1", "Insufficient system storage");
	return VERDICT_OK;
}
