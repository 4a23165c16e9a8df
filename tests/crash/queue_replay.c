/*
 * What a queue manager makes of a queue's directory after a crash: `queue_replay DIR` starts one on
 * it, in this process (tests/unit/qmgr/rig.h), with agents that take all mail, and lets it work
 * until nothing is left to do, two hours later by its clock. Started by tests/crash/power.py. DIR
 * is emptied and removed.
 *
 *   deliver ID ADDRESS CONTENT    the content in hexadecimal
 *   report ID ADDRESS             the sender was told about this one
 *   damaged ID                    kept for the postmaster
 *   left NAME                     a file that stays behind
 *   over                          it came to an end
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/sys.h"
#include "qmgr/active.h"
#include "tests/unit/qmgr/rig.h"

#define LATER_S	     7200
#define CONTENT_MOST (1 << 20)

static struct rig rig;

static const char *const transports[] = { "smtp", "relay", "local", "virtual" };

static void
content_put(struct str *out, const struct msg_deliver *msg)
{
	for (uint32_t i = 0; i < msg->extents.n; i++) {
		const struct item_extent *x = &msg->extents.v[i];
		size_t n = size_min(x->size, CONTENT_MOST);
		char *p = mem_alloc(n + 1);
		ssize_t got = sys_pread_all(msg->content, p, n, (off_t)x->at);

		hex_put(out, span_of(p, (size_t)(got < 0 ? 0 : got)));
		mem_free(p);
	}
}

static void
agent_takes(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	for (uint32_t i = 0; i < msg->targets.n; i++) {
		struct str content = STR_INIT(4 * CONTENT_MOST);

		content_put(&content, msg);
		printf("deliver %.*s %.*s %s\n", SPAN_ARG(msg->queue_id),
		    SPAN_ARG(msg->targets.v[i].address), str_cstr(&content));
		str_free(&content);
	}
	rig_agent_sends(req, msg, arg);
}

static void
reported(const struct msg_bounce_report *msg)
{
	for (uint32_t i = 0; i < msg->recipients.n; i++)
		printf("report %.*s %.*s\n", SPAN_ARG(msg->queue_id),
		    SPAN_ARG(msg->recipients.v[i].address));
}

static bool
is_done(void *arg)
{
	size_t damaged = 0;

	(void)arg;
	list_foreach (node, after, &rig.q->damaged)
		damaged++;
	return rig.q->recovery == NULL && changes_idle(rig.q->changes) &&
	       rig.q->messages.count == damaged;
}

static bool
is_recovered(void *arg)
{
	(void)arg;
	return rig.q->recovery == NULL;
}

FIBER_MAIN static void
work(void *arg)
{
	(void)arg;
	rig_wait(is_recovered, NULL, "the queue is read");
	time_set_wall(time_wall() + LATER_S * NS_PER_S);
	active_tick(rig.q);
	rig_wait(is_done, NULL, "all is delivered");
	list_foreach (node, after, &rig.q->damaged)
		printf("damaged %s\n", LIST_ITEM(node, struct message, link)->id);
}

static void
leftovers_show(void)
{
	DIR *d = opendir(rig.path);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			printf("left %s\n", e->d_name);
	if (d)
		closedir(d);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 64;
	rig_init(&rig);
	close(rig.dir);
	rmdir(rig.path);
	rig.dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rig.dir < 0)
		return 66;
	snprintf(rig.path, sizeof(rig.path), "%s", argv[1]);
	rig.on_report = reported;
	for (size_t i = 0; i < ARRAY_LEN(transports); i++)
		rig_agent(&rig, transports[i], agent_takes, NULL);
	rig_run(&rig, work);
	leftovers_show();
	rig_fini(&rig);
	printf("over\n");
	return 0;
}
