/*
 * postsuper: the postmaster's orders to the queue: delete, hold, release, expire, try again. For
 * root and the queue's owner. Used by postmasters and by scripts that know Postfix's, so options,
 * output and exit status are the same. Everything is done by qmgr; what Postfix's does to the
 * queue's directories (-p, -s, -S) has no object here, as qmgr cleans up when it starts, and is
 * accepted.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "message/queue_id.h"
#include "tools/queue.h"

#define INPUT_MAX (64u << 20) /* bytes of queue ids on standard input */

struct order {
	enum queue_order order;
	const char *id; /* "ALL", "-", a queue id */
};

struct postsuper {
	struct order *orders;
	size_t orders_n;
	uint64_t counts[QUEUE_REQUEUE + 1];
};

SUSPENDS
static enum verdict
order_one(struct tool *t, enum queue_order order, struct span id)
{
	struct postsuper *p = t->arg;
	struct msg_queue_order ask = { .order = (uint8_t)order, .queue_id = id };
	struct msg_queue_ordered got;
	struct err err = ERR_NONE;
	struct arena arena;
	enum verdict v;

	arena_init(&arena, 4096);
	v = ipc_call(t->channel, 0, &ipc_queue_order, &ask, &ipc_queue_ordered, &got, &arena,
	    DEADLINE_NEVER, &err);
	arena_free(&arena);
	if (v == VERDICT_OK)
		p->counts[order] += got.count;
	else
		tool_fail(t, TOOL_FAILED, "%s", err.text);
	return v;
}

/* A queue id a line; as mailq and postqueue -j | jq print them. */
SUSPENDS
static enum verdict
order_input(struct tool *t, enum queue_order order)
{
	struct str input = STR_INIT(INPUT_MAX);
	struct span rest, word;
	enum verdict v = VERDICT_OK;
	char *p;

	while ((p = str_reserve(&input, BUFSIZ)) != NULL) {
		size_t n = fread(p, 1, BUFSIZ, stdin);

		if (n == 0)
			break;
		str_grew(&input, n);
	}
	rest = str_span(&input);
	while (v == VERDICT_OK && span_token(&rest, span_lit(" \t\r\n*!#"), &word)) {
		if (queue_id_valid(word))
			v = order_one(t, order, word);
		else
			fprintf(stderr, "postsuper: warning: bad mail queue id: %.*s\n",
			    SPAN_ARG(word));
	}
	str_free(&input);
	return v;
}

FIBER_MAIN
static void
orders_main(void *arg)
{
	struct tool *t = arg;
	struct postsuper *p = t->arg;
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < p->orders_n && v == VERDICT_OK; i++) {
		const struct order *o = &p->orders[i];
		struct span id = span_str(o->id);

		if (span_eq(id, span_lit("-")))
			v = order_input(t, o->order);
		else
			v = order_one(
			    t, o->order, span_eq(id, span_lit("ALL")) ? span_lit("") : id);
	}
}

static const struct {
	char option;
	enum queue_order order;
	const char *done;
} kinds[] = {
	{ 'd', QUEUE_DELETE, "Deleted" },
	{ 'h', QUEUE_HOLD, "Placed on hold" },
	{ 'H', QUEUE_RELEASE, "Released from hold" },
	{ 'e', QUEUE_EXPIRE, "Expired" },
	{ 'f', QUEUE_EXPIRE, NULL },
	{ 'r', QUEUE_REQUEUE, "Requeued" },
};

static void
show_counts(const struct postsuper *p)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint64_t n = p->counts[kinds[i].order];

		if (kinds[i].done && n > 0)
			fprintf(stderr, "postsuper: %s: %ju message%s\n", kinds[i].done,
			    (uintmax_t)n, n == 1 ? "" : "s");
	}
}

static bool
take_order(struct tool *t, struct postsuper *p, int c, const char *id)
{
	struct span s = span_str(id);

	if (!span_eq(s, span_lit("ALL")) && !span_eq(s, span_lit("-")) && !queue_id_valid(s)) {
		tool_fail(t, TOOL_USAGE, "invalid mail queue ID: %s", id);
		return false;
	}
	/* What is forced to expire must not be held back. */
	if (c == 'f')
		p->orders[p->orders_n++] = (struct order){ QUEUE_RELEASE, id };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].option == c)
			p->orders[p->orders_n++] = (struct order){ kinds[i].order, id };
	return true;
}

int
main(int argc, char **argv)
{
	struct postsuper p = { .orders_n = 0 };
	struct tool t = { .name = "postsuper", .arg = &p, .main = orders_main };
	bool ok = true;
	int c;

	p.orders = mem_alloc_array(2 * (size_t)argc, sizeof(*p.orders));
	while (ok && (c = getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1) {
		if (c == 'c')
			t.config_dir = optarg;
		else if (c == '?')
			ok = false;
		else if (optarg && !take_order(&t, &p, c, optarg))
			return t.status;
	}
	if (!ok || optind < argc) {
		fprintf(stderr, "postsuper: fatal: usage: postsuper [-c config_dir] [-d queue_id "
				"(delete)] [-e queue_id (expire)] "
				"[-f queue_id (force-expire)] [-h queue_id (hold)] [-H queue_id "
				"(un-hold)] [-p] "
				"[-r queue_id (requeue)] [-s] [-S] [-v]\n");
		return TOOL_USAGE;
	}
	if (p.orders_n > 0) {
		tool_run(&t, "Cannot change the mail queue");
		show_counts(&p);
	}
	mem_free(p.orders);
	return t.status;
}
