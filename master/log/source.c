/*
 * The log daemon's sources and its sink. Each source is a socket with a fiber that reads packets.
 * The loop looks at the sockets every GAP_MS at most: what has come by then is put in the order of
 * its time and written in one write, so that the log costs little when there is much of it. The
 * file is opened by master, so a log that cannot be written (disk full) is counted; lines are then
 * lost, mail is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "event/loop.h"
#include "log/log.h"

#define GAP_MS	   5	      /* a sender's socket holds what it says meanwhile many times over */
#define OUTPUT_MAX (1u << 20) /* bytes gathered before they are written */
#define LINES_MOST 4096	      /* lines, the same */
#define PACKET_MAX (LIMIT_LOG_GATHER + LIMIT_LOG_LINE)
#define TIME_SLACK \
	NS_PER_S /* by which a sender's clock may differ from ours: it is the same clock */

struct source {
	struct logd *log;
	char name[64];
	uint32_t pid;
	int fd;
};

/* A line that waits for its turn: text in logd.texts. */
struct line {
	uint64_t time;
	uint32_t number; /* in the order they came */
	uint32_t size;
	size_t at;
	const struct source *source;
};

struct logd {
	struct str texts;
	struct line lines[LINES_MOST];
	uint32_t lines_n;
	struct str out;
	int file;
	struct span host;
	char stamp[32];
	uint64_t stamp_second;
	uint64_t lost;
	char packet[PACKET_MAX];
};

static struct span
logd_stamp(struct logd *log, uint64_t at)
{
	if (at / NS_PER_S != log->stamp_second) {
		struct str s = STR_INIT(sizeof(log->stamp) - 1);
		time_put_log(&s, at);
		memcpy(log->stamp, s.p, s.n);
		log->stamp[s.n] = 0;
		str_free(&s);
		log->stamp_second = at / NS_PER_S;
	}
	return span_str(log->stamp);
}

static int
line_compare(const void *a, const void *b)
{
	const struct line *l = a, *m = b;

	if (l->time != m->time)
		return l->time < m->time ? -1 : 1;
	return l->number < m->number ? -1 : 1;
}

/* All that has been gathered. */
static void
logd_write(void *arg)
{
	struct logd *log = arg;

	if (log->lines_n == 0)
		return;
	qsort(log->lines, log->lines_n, sizeof(log->lines[0]), line_compare);
	for (uint32_t i = 0; i < log->lines_n; i++) {
		const struct line *l = &log->lines[i];

		record_put(&log->out, span_of(log->texts.p + l->at, l->size),
		    logd_stamp(log, l->time), log->host, l->source->name, l->source->pid);
	}
	if (sys_write_all(log->file, log->out.p, log->out.n) < 0)
		log->lost += log->lines_n;
	log->lines_n = 0;
	str_reset(&log->texts);
	str_reset(&log->out);
}

static void
source_packet(struct source *src, struct span packet)
{
	struct logd *log = src->log;
	uint64_t now = time_wall();
	struct record r;

	if (log->texts.n + packet.n > OUTPUT_MAX)
		logd_write(log);
	while (record_next(&packet, &r)) {
		/* Nobody writes yesterday's lines, nor tomorrow's. */
		if (r.time > now || now - r.time > TIME_SLACK)
			r.time = now;
		log->lines[log->lines_n] = (struct line){ .time = r.time,
			.number = log->lines_n,
			.size = (uint32_t)r.text.n,
			.at = log->texts.n,
			.source = src };
		str_put(&log->texts, r.text);
		if (++log->lines_n == LINES_MOST)
			logd_write(log);
	}
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
			source_packet(src, span_of(log->packet, (size_t)n));
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
	/* Its lines bear its name. */
	logd_write(log);
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
	str_init(&log->texts, OUTPUT_MAX);
	str_init(&log->out, SIZE_MAX);
	log->file = service_fd(ctx, BIRTH_FD_LOGFILE, 0);
	if (log->file < 0)
		log->file = STDOUT_FILENO;
	log->host = service_conf(ctx)->myhostname;
	if (span_find(log->host, '.') < log->host.n)
		log->host = span_head(log->host, span_find(log->host, '.'));
	service_set_state(ctx, log);
	loop_at_turn_end(logd_write, log);
	loop_set_gap(GAP_MS * NS_PER_MS);
	return VERDICT_OK;
}
