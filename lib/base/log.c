/*
 * The logger: gathers records and hands them to the log daemon, one packet a turn of the loop.
 * Whoever sees an event calls log_event, the loop calls log_flush. Owns one buffer of
 * LIMIT_LOG_GATHER; when the log daemon does not take it, later lines are counted and left out, and
 * the count is said once there is room. Must never wait, never fail, never change errno, and never
 * let a byte through that could end a line early or steer a terminal.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cclass.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"

enum {
	LOG_IDENT = 64,	 /* bytes of the program's name shown in a plain line */
	LOG_ESCAPES = 8, /* texts of log_escape that are valid at a time */
	LOG_PIPE =
	    4096, /* bytes: what a pipe that polls writable takes without waiting (PIPE_BUF) */
};

static bool log_add(enum log_level level, const char *fmt, va_list ap) PRINTF(2, 0);
static void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

struct logger {
	char *ident;
	int fd;
	bool plain;
	enum log_level level; /* the lowest that is written */
	struct str gather;
	size_t lines;	/* in GATHER */
	size_t dropped; /* since the last that went */
};

struct log_escapes {
	char text[LOG_ESCAPES][LIMIT_LOG_ESCAPE + sizeof("...")];
	unsigned next;
};

static struct logger logger = {
	.fd = STDERR_FILENO,
	.plain = true,
	.level = LOG_LEVEL_INFO,
	.gather = STR_INIT(LIMIT_LOG_GATHER),
};
static struct log_escapes log_escapes;

static const char *const log_prefixes[] = {
	[LOG_LEVEL_DEBUG] = "",
	[LOG_LEVEL_INFO] = "",
	[LOG_LEVEL_WARNING] = "warning: ",
	[LOG_LEVEL_ERROR] = "error: ",
	[LOG_LEVEL_FATAL] = "fatal: ",
};

void
log_open(const char *ident, int fd, bool plain)
{
	log_flush();
	logger.dropped += logger.lines;
	str_reset(&logger.gather);
	mem_free(logger.ident);
	logger.ident = mem_strdup(span_str(ident));
	logger.fd = fd;
	logger.plain = plain;
	logger.lines = 0;
}

void
log_set_level(enum log_level level)
{
	logger.level = level;
}

/* Takes what was sent off the buffer; true when all of it is gone. */
static bool
log_sent(ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR))
		return false;
	if (n < 0) {
		/* Nobody listens any more; the lines would not be taken later either. */
		logger.dropped += logger.lines;
		n = (ssize_t)logger.gather.n;
	}
	str_drop(&logger.gather, (size_t)n);
	if (logger.gather.n)
		return false;
	logger.lines = 0;
	return true;
}

static bool
log_send_packet(void)
{
	const struct str *g = &logger.gather;

	return log_sent(send(logger.fd, g->p, g->n, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* The descriptor is others' too, so it stays blocking: what poll allows is written in pieces that
 * cannot wait. */
static bool
log_send_plain(void)
{
	struct pollfd pfd = { .fd = logger.fd, .events = POLLOUT };

	while (poll(&pfd, 1, 0) == 1) {
		size_t before = logger.gather.n;

		if (log_sent(write(logger.fd, logger.gather.p, size_min(before, LOG_PIPE))))
			return true;
		if (logger.gather.n == before)
			return false;
	}
	return false;
}

static bool
log_send(void)
{
	if (logger.gather.n == 0)
		return true;
	return logger.plain ? log_send_plain() : log_send_packet();
}

static int
log_head(char *p, size_t size, enum log_level level)
{
	if (!logger.plain)
		return snprintf(p, size, "%c%016" PRIx64 "%s", '0' + (int)level, time_wall(),
		    log_prefixes[level]);
	return snprintf(p, size, "%.*s[%ld]: %s", LOG_IDENT,
	    logger.ident ? logger.ident : "postern", (long)getpid(), log_prefixes[level]);
}

/* Puts one record into the buffer; false when there is no room. */
static bool
log_add(enum log_level level, const char *fmt, va_list ap)
{
	struct str *g = &logger.gather;
	struct span line;
	char *p;
	int n;

	if (g->max - g->n < LIMIT_LOG_LINE && !log_send() && g->max - g->n < LIMIT_LOG_LINE)
		return false;
	p = str_reserve(g, LIMIT_LOG_LINE);
	n = log_head(p, LIMIT_LOG_LINE, level);
	vsnprintf(p + n, (size_t)(LIMIT_LOG_LINE - n), fmt, ap);
	line = span_str(p);
	if (line.n == LIMIT_LOG_LINE - 1)
		line.n = utf8_cut(line, line.n - 1);
	for (size_t i = 0; i < line.n; i++) {
		if (cclass_is(p[i], CC_CTL))
			p[i] = '?';
	}
	p[line.n] = '\n';
	str_grew(g, line.n + 1);
	logger.lines++;
	return true;
}

static void
log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!log_add(level, fmt, ap))
		logger.dropped++;
	va_end(ap);
}

void
log_event(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (level < logger.level)
		return;
	va_start(ap, fmt);
	if (!log_add(level, fmt, ap))
		logger.dropped++;
	va_end(ap);
	/* A tool has no loop that flushes, and what is fatal may be the last that is done. */
	if (logger.plain || level == LOG_LEVEL_FATAL)
		log_flush();
	errno = saved;
}

void
log_flush(void)
{
	int saved = errno;

	if (log_send() && logger.dropped) {
		size_t dropped = logger.dropped;

		logger.dropped = 0;
		log_line(LOG_LEVEL_WARNING, "%zu log lines were dropped, the log daemon was behind",
		    dropped);
		log_send();
	}
	errno = saved;
}

const char *
log_escape(struct span bytes)
{
	char *text = log_escapes.text[log_escapes.next++ % LOG_ESCAPES];

	if (utf8_escape(bytes, true, text, LIMIT_LOG_ESCAPE + 1) < bytes.n)
		memcpy(text + strlen(text), "...", sizeof("..."));
	return text;
}
