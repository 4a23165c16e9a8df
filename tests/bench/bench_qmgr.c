/*
 * What a message costs in the queue: taken in, made durable, delivered, removed, with the clients
 * and the agent in the same process (so all costs are counted, theirs too), and what a waiting one
 * takes of memory, and how soon a list of many begins. Usage: bench_qmgr [messages [clients]];
 * TMPDIR says on which file system.
 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "qmgr/active.h"
#include "tests/unit/qmgr/rig.h"

static struct rig rig;
static unsigned messages = 20000, clients = 50, posted;
static uint64_t first_entry;

static double
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
make_id(char id[10], unsigned i)
{
	for (unsigned k = 8; k > 0; k--, i /= 10)
		id[k] = (char)('0' + i % 10);
	id[0] = 'M';
	id[9] = '\0';
}

FIBER_MAIN static void
poster(void *arg)
{
	struct err err = ERR_NONE;
	char id[10];

	while (posted < messages) {
		struct rig_mail mail = { .id = id, .content = arg };

		make_id(id, posted++);
		if (rig_post(&rig, &mail, &err) != VERDICT_OK)
			printf("%s: %s\n", id, err.text);
	}
}

static char *
content(void)
{
	char *text = malloc(4097);

	memset(text, 'x', 4096);
	for (size_t i = 78; i < 4096; i += 78) {
		text[i - 1] = '\r';
		text[i] = '\n';
	}
	text[4096] = '\0';
	return text;
}

SUSPENDS static void
post_all(void)
{
	char *text = content();

	posted = 0;
	for (unsigned i = 0; i < clients; i++)
		fiber_spawn("poster", poster, text);
	while (posted < messages)
		(void)fiber_sleep_until(deadline_after_ms(1));
}

FIBER_MAIN static void
throughput(void *arg)
{
	struct commit_figures f;
	uint64_t begun = time_mono();
	double cpu = cpu_us();

	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_sends, NULL);
	post_all();
	while (rig.q->messages.count > 0)
		(void)fiber_sleep_until(deadline_after_ms(1));
	double s = (double)(time_mono() - begun) / 1e9;
	commit_figures(rig.q->commit, &f);
	printf("%u messages, %u clients: %.0f a second, %.1f us of CPU each, %.1f to a round\n",
	    messages, clients, messages / s, (cpu_us() - cpu) / messages,
	    (double)f.messages / (double)f.rounds);
}

FIBER_MAIN static void
fill(void *arg)
{
	(void)arg;
	rig_agent(&rig, "smtp", rig_agent_defers, NULL);
	post_all();
	while (rig.q->retry.n < messages || !changes_idle(rig.q->changes))
		(void)fiber_sleep_until(deadline_after_ms(1));
}

static void
note_first(struct ipc_request *req, const void *msg, void *arg)
{
	(void)req;
	(void)msg;
	(void)arg;
	if (first_entry == 0)
		first_entry = time_mono();
}

FIBER_MAIN static void
recover(void *arg)
{
	uint64_t begun = time_mono();
	size_t before = mallinfo2().uordblks;
	struct msg_queue_list ask = { 0 };
	struct msg_queue_listed got;
	struct err err = ERR_NONE;
	struct arena arena;

	(void)arg;
	while (rig.q->recovery)
		(void)fiber_sleep_until(deadline_after_ms(1));
	printf("read at start: %.0f a second; %zu bytes of memory each\n",
	    messages / ((double)(time_mono() - begun) / 1e9),
	    (mallinfo2().uordblks - before) / messages);
	arena_init(&arena, 4096);
	rig_tool_notes(&rig, note_first, NULL);
	begun = time_mono();
	if (ipc_call(rig.tool, 0, &ipc_queue_list, &ask, &ipc_queue_listed, &got, &arena,
		DEADLINE_NEVER, &err) == VERDICT_OK)
		printf("list of %ju: begins after %.1f ms, ends after %.1f ms\n",
		    (uintmax_t)got.count, (double)(first_entry - begun) / 1e6,
		    (double)(time_mono() - begun) / 1e6);
	arena_free(&arena);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		messages = (unsigned)atol(argv[1]);
	if (argc > 2)
		clients = (unsigned)atol(argv[2]);
	rig_init(&rig);
	rig_run(&rig, throughput);
	rig_run(&rig, fill);
	rig_run(&rig, recover);
	rig_fini(&rig);
	return 0;
}
