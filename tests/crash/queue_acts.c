/*
 * A queue manager at work on a directory, in this process (tests/unit/qmgr/rig.h), so that its
 * calls can be recorded: `queue_acts DIR syncfs|fsync [named]`. What a suite does by chance is
 * chosen here: how a round is synced, and whether files have names from the start. Started by
 * tests/crash/queues.py; faults are compiled in. Messages come several at a time; of each four one
 * is sent, one is deferred for its first recipient, one is left alone, one bounces.
 *
 * Notes: "added N RECIPIENTS" a message was acknowledged; "sent N ADDRESS"; "told N ADDRESS" its
 * sender was told; "end".
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/sys_fault.h"
#include "tests/unit/qmgr/rig.h"

#define MESSAGES  12
#define SENDERS	  4 /* at one time */
#define LINES	  24
#define DAWDLE_MS 30

static struct rig rig;
static char ids[MESSAGES][8];
static struct str contents[MESSAGES];
static unsigned next_message, senders;

static unsigned
number_of(struct span id)
{
	uint64_t n = 0;

	(void)num_parse_u64(span_from(id, 1), MESSAGES, &n);
	return (unsigned)n;
}

static void
note(const char *what, unsigned number, struct span text)
{
	struct str line = STR_INIT(1024);

	str_printf(&line, "%s %u %.*s", what, number, SPAN_ARG(text));
	sys_fault_note(str_cstr(&line));
	str_free(&line);
}

/* As tests/crash/world.py has it. */
static void
message_make(unsigned i)
{
	struct str *s = &contents[i];

	/* Digits and consonants: a queue id. */
	snprintf(ids[i], sizeof(ids[i]), "Q%05u", i);
	str_init(s, 8192);
	str_printf(s, "Subject: mail %u\r\n\r\n", i);
	for (int k = 0; k < LINES; k++)
		str_printf(s, "%02d the text of %u, and some more of it\r\n", k, i);
	str_printf(s, "end %u\r\n", i);
}

static void
agent(struct ipc_request *req, const struct msg_deliver *msg, void *arg)
{
	struct item_result results[8];
	struct msg_deliver_results m = {
		.job = msg->job, .results = { results, msg->targets.n }, .last = true
	};
	unsigned number = number_of(msg->queue_id);

	(void)arg;
	assert(msg->targets.n <= ARRAY_LEN(results));
	if (number % 4 == 2)
		return;
	for (uint32_t i = 0; i < msg->targets.n; i++) {
		const struct item_target *t = &msg->targets.v[i];
		bool waits = number % 4 == 1 && t->index == 0;

		results[i] = (struct item_result){ .index = t->index,
			.status = waits		    ? DELIVERY_DEFERRED
				  : number % 4 == 3 ? DELIVERY_BOUNCED
						    : DELIVERY_SENT,
			.dsn = waits		 ? span_lit("4.2.0")
			       : number % 4 == 3 ? span_lit("5.1.1")
						 : span_lit("2.0.0"),
			.text = span_lit("so it went") };
		if (results[i].status == DELIVERY_SENT)
			note("sent", number, t->address);
	}
	ipc_note(ipc_request_channel(req), 0, &ipc_deliver_results, &m);
}

static void
told(const struct msg_bounce_report *msg)
{
	for (uint32_t i = 0; i < msg->recipients.n; i++)
		note("told", number_of(msg->queue_id), msg->recipients.v[i].address);
}

static uint64_t
rounds_now(void)
{
	struct commit_figures now;

	commit_figures(rig.q->commit, &now);
	return now.rounds;
}

/* Every other message is written, and then waits for a sync of others before it is committed. */
SUSPENDS static enum verdict
post(unsigned i, const struct rig_mail *mail)
{
	uint64_t handle, rounds = rounds_now();
	struct err err = ERR_NONE;
	enum verdict v = rig_open(&rig, mail, &handle, &err);

	if (v != VERDICT_OK)
		return v;
	for (int ms = 0; i % 2 == 1 && ms < DAWDLE_MS && rounds_now() == rounds; ms++)
		(void)fiber_sleep_until(deadline_after_ms(1));
	return rig_commit(&rig, mail, handle, &err);
}

FIBER_MAIN static void
sender(void *arg)
{
	(void)arg;
	while (next_message < MESSAGES) {
		unsigned i = next_message++;
		struct rig_mail mail = {
			.id = ids[i], .content = str_cstr(&contents[i]), .recipients = 1 + i % 3
		};

		if (post(i, &mail) == VERDICT_OK)
			note("added", i,
			    i % 3 == 0 ? span_lit("r0@example.org")
			    : i % 3 == 1
				? span_lit("r0@example.org r1@example.org")
				: span_lit("r0@example.org r1@example.org r2@example.org"));
	}
	senders--;
}

static bool
is_idle(void *arg)
{
	(void)arg;
	return senders == 0 && changes_idle(rig.q->changes);
}

FIBER_MAIN static void
work(void *arg)
{
	uint64_t rounds;

	(void)arg;
	for (senders = 0; senders < SENDERS; senders++)
		assert_non_null(fiber_spawn("sender", sender, NULL));
	rig_wait(is_idle, NULL, "all is written");
	/* What was removed and changed is synced within a second; once more, for what came after.
	 */
	rounds = rounds_now();
	while (rounds_now() <= rounds + 1) {
		commit_sync_soon(rig.q->commit);
		(void)fiber_sleep_until(deadline_after_ms(5));
	}
	sys_fault_note("end");
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	rig_init(&rig);
	close(rig.dir);
	rmdir(rig.path);
	rig.dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rig.dir < 0)
		return 66;
	snprintf(rig.path, sizeof(rig.path), "%s", argv[1]);
	rig.mode = strcmp(argv[2], "fsync") == 0 ? COMMIT_FSYNC : COMMIT_SYNCFS;
	rig.named = argc > 3 && strcmp(argv[3], "named") == 0;
	rig.on_report = told;
	rig_agent(&rig, "smtp", agent, NULL);
	rig_agent(&rig, "bounce", rig_agent_silent, NULL);
	for (unsigned i = 0; i < MESSAGES; i++)
		message_make(i);
	sys_fault_note("begin");
	rig_run(&rig, work);
	rig_fini(&rig);
	return 0;
}
