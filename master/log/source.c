/*
 * The log daemon's sources and its sink. Each source is a socket with a fiber that reads packets;
 * what a turn brought is written at its end in one write. The file is opened by master, so a log
 * that cannot be written (disk full) is said once on standard error and counted; lines are then
 * lost, mail is not.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "event/loop.h"
#include "log/log.h"

#define OUTPUT_MAX (1u << 20) /* bytes gathered in one turn before they are written */
#define PACKET_MAX (LIMIT_LOG_GATHER + LIMIT_LOG_LINE)

struct logd {
	struct str out;
	int file;
	struct span host;
	char stamp[32];
	uint64_t stamp_second;
	uint64_t lost;
	char packet[PACKET_MAX];
};

struct source {
	struct logd *log;
	char name[64];
	uint32_t pid;
	int fd;
};

static void
logd_write(void *arg)
{
	struct logd *log = arg;

	if (log->out.n == 0)
		return;
	if (sys_write_all(log->file, log->out.p, log->out.n) < 0)
		log->lost++;
	str_reset(&log->out);
}

static struct span
logd_stamp(struct logd *log)
{
	uint64_t now = time_wall();

	if (now / NS_PER_S != log->stamp_second) {
		struct str s = STR_INIT(sizeof(log->stamp) - 1);
		time_put_log(&s, now);
		memcpy(log->stamp, s.p, s.n);
		log->stamp[s.n] = 0;
		str_free(&s);
		log->stamp_second = now / NS_PER_S;
	}
	return span_str(log->stamp);
}

FIBER_MAIN static void
source_read(void *arg)
{
	struct source *src = arg;
	struct logd *log = src->log;
	struct fdwatch watch;

	fdwatch_init(&watch, src->fd);
	for (;;) {
		ssize_t n = recv(src->fd, log->packet, sizeof(log->packet), MSG_DONTWAIT);
		if (n > 0) {
			logd_format(&log->out, span_of(log->packet, (size_t)n), logd_stamp(log),
			    log->host, src->name, src->pid);
			if (log->out.n > OUTPUT_MAX / 2)
				logd_write(log);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || errno != EAGAIN)
			break;
		watch.readable = false;
		if (fdwatch_wait_readable(&watch, DEADLINE_NEVER) != VERDICT_OK)
			break;
	}
	fdwatch_fini(&watch);
	close(src->fd);
	mem_free(src);
}

void
logd_add_source(struct service_ctx *ctx, const char *name, uint32_t pid, int fd)
{
	struct source *src = mem_alloc(sizeof(*src));

	src->log = service_state(ctx);
	memcpy(src->name, name, size_min(strlen(name), sizeof(src->name) - 1));
	src->pid = pid;
	src->fd = fd;
	if (!fiber_spawn("log source", source_read, src)) {
		close(fd);
		mem_free(src);
	}
}

enum verdict
logd_prepare(struct service_ctx *ctx, struct err *err)
{
	struct logd *log = mem_alloc(sizeof(*log));

	(void)err;
	str_init(&log->out, OUTPUT_MAX);
	log->file = service_fd(ctx, BIRTH_FD_LOGFILE, 0);
	if (log->file < 0)
		log->file = STDOUT_FILENO;
	log->host = service_conf(ctx)->myhostname;
	if (span_find(log->host, '.') < log->host.n)
		log->host = span_head(log->host, span_find(log->host, '.'));
	service_set_state(ctx, log);
	loop_at_turn_end(logd_write, log);
	return VERDICT_OK;
}
