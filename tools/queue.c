/*
 * The common part of postqueue and postcat: finds qmgr's public socket by main.cf, makes a channel,
 * runs the tool's main function on a fiber. Says what is wrong as Postfix's tools do. A tool waits
 * for an answer for as long as the channel lives: large queues take their time, and whoever runs it
 * can interrupt it.
 */
#include "config.h"

#include "tools/queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/utf8.h"
#include "conf/conf.h"
#include "event/loop.h"

int
tool_fail(struct tool *t, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: fatal: ", t->name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	t->status = status;
	return status;
}

static bool
tool_socket_path(struct tool *t, struct str *path)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_load(t->config_dir, problems);
	struct err err = ERR_NONE;
	enum verdict v = conf_value(source, NULL, span_lit("queue_directory"), path, &err);

	conf_free(source);
	conf_problems_free(problems);
	if (v != VERDICT_OK) {
		tool_fail(t, TOOL_FAILED, "%s: queue_directory: %s", t->config_dir, err.text);
		return false;
	}
	str_puts(path, "/public/qmgr");
	return true;
}

FIBER_MAIN
static void
tool_main(void *arg)
{
	struct tool *t = arg;

	t->main(t);
	ipc_close(t->channel, false);
	loop_stop();
}

static const struct ipc_service nothing = { .name = "qmgr" };

int
tool_run(struct tool *t, const char *down)
{
	struct str path = STR_INIT(4096);
	struct err err = ERR_NONE;
	struct ipc *ipc;
	int fd;

	if (!t->config_dir)
		t->config_dir = getenv("MAIL_CONFIG") ? getenv("MAIL_CONFIG") : POSTERN_CONFIG_DIR;
	if (!tool_socket_path(t, &path))
		return t->status;
	if (ipc_connect(str_cstr(&path), &fd, &err) != VERDICT_OK) {
		str_free(&path);
		return tool_fail(t, TOOL_UNAVAILABLE, "%s - mail system is down", down);
	}
	str_free(&path);
	loop_init();
	ipc = ipc_new(0);
	t->channel = ipc_open(ipc, fd, t->notes ? t->notes : &nothing, t->notes_arg);
	if (fiber_spawn(t->name, tool_main, t))
		loop_run();
	loop_fini();
	ipc_free(ipc);
	return t->status;
}

const char *
tool_printable(struct str *s, struct span text)
{
	struct cursor c = cursor_of(text);

	str_reset(s);
	while (!cursor_done(&c)) {
		int32_t point = utf8_next(&c);

		if (point < 0)
			cursor_next(&c);
		if (point < 0x20 || (point >= 0x7f && point < 0xa0))
			str_putc(s, '?');
		else
			utf8_put(s, (uint32_t)point);
	}
	return str_cstr(s);
}
