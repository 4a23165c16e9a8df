/*
 * The loop: libevent says what happened, timers and descriptors make fibers ready, ready fibers
 * run, and at the end of the turn hooks and the log send what was gathered. Called by main
 * functions through lib/service. Owns the state of the thread's event machinery, the only state in
 * this folder that no owner holds. LOOP_BURST bounds how long descriptors wait for fibers. Nothing
 * here blocks but libevent's own wait.
 */
#include "config.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "event/loop_internal.h"

#define LOOP_BURST 256 /* fibers run between two looks at the descriptors */

struct hook {
	struct list link;
	loop_hook_fn *fn;
	void *arg;
};

struct signal_watch {
	struct list link;
	struct event *event;
	signal_fn *fn;
	void *arg;
};

_Thread_local struct loop *loop_here;

static void
tick(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	((struct loop *)arg)->tick_at = DEADLINE_NEVER;
}

static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	assert(config);
	event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	assert(base && "no epoll");
	return base;
}

void
loop_init(void)
{
	struct loop *l = mem_alloc(sizeof(*l));
	const char *seed = getenv("POSTERN_FIBER_SEED");
	uint64_t n;

	assert(!loop_here);
	signal(SIGPIPE, SIG_IGN);
	loop_here = l;
	l->base = base_new();
	l->tick = event_new(l->base, -1, 0, tick, l);
	assert(l->tick);
	l->tick_at = DEADLINE_NEVER;
	l->now = time_mono();
	l->page = (size_t)sysconf(_SC_PAGESIZE);
	heap_init(&l->timers);
	timer_init(&l->sweep, stack_sweep, l);
	list_init(&l->ready);
	list_init(&l->yielded);
	list_init(&l->all);
	list_init(&l->hooks);
	list_init(&l->signals);
	list_init(&l->stacks);
	if (seed && num_parse_u64(span_str(seed), UINT64_MAX, &n))
		loop_random_order(n);
}

void
loop_random_order(uint64_t seed)
{
	loop_here->random = seed ? seed : 1; /* xorshift has no way out of 0 */
}

struct event_base *
loop_base(void)
{
	return loop_here->base;
}

uint64_t
loop_now(void)
{
	return loop_here->now;
}

/* The first of those that are ready or, under test, any of them. */
static struct fiber *
ready_pick(struct loop *l)
{
	struct list *node = list_first(&l->ready);

	if (!node)
		return NULL;
	if (l->random) {
		l->random ^= l->random << 13;
		l->random ^= l->random >> 7;
		l->random ^= l->random << 17;
		for (size_t skip = l->random % l->ready_count; skip; skip--)
			node = node->next;
	}
	list_remove(node);
	l->ready_count--;
	return LIST_ITEM(node, struct fiber, link);
}

static void
run_ready(struct loop *l)
{
	struct fiber *f;
	struct list *node;

	for (int left = LOOP_BURST; left && (f = ready_pick(l)) != NULL; left--)
		fiber_run(f);
	while ((node = list_pop(&l->yielded)) != NULL) {
		list_push(&l->ready, node);
		l->ready_count++;
	}
}

static void
run_hooks(struct loop *l)
{
	list_foreach (node, after, &l->hooks) {
		struct hook *hook = LIST_ITEM(node, struct hook, link);

		hook->fn(hook->arg);
	}
	log_flush();
}

/* The sweep alone is no reason to go on. */
static bool
has_work(const struct loop *l)
{
	return l->fiber_count || l->busy || l->timers.n > (l->sweep.node.place != 0);
}

void
loop_set_gap(uint64_t ns)
{
	assert(ns < NS_PER_S);
	loop_here->gap = ns;
}

/* Until GAP after the turn began, which was right after the last look. */
static void
rest(const struct loop *l)
{
	uint64_t gone = time_mono() - l->now;
	struct timespec t = { 0 };

	if (gone >= l->gap)
		return;
	t.tv_nsec = (long)(l->gap - gone);
	/* A signal ends it early, and is not lost. */
	(void)nanosleep(&t, NULL);
}

static void
turn(struct loop *l)
{
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

	l->now = time_mono();
	timers_run(l);
	run_ready(l);
	run_hooks(l);
	if (!list_empty(&l->ready) || l->stop || !has_work(l) || (l->ending && !l->fiber_count))
		flags |= EVLOOP_NONBLOCK;
	else
		timers_arm(l);
	if (l->gap > 0 && !(flags & EVLOOP_NONBLOCK))
		rest(l);
	event_base_loop(l->base, flags);
}

void
loop_run(void)
{
	struct loop *l = loop_here;

	assert(!l->running && "loop_run on a fiber");
	while (!l->stop && has_work(l))
		turn(l);
	l->stop = false;
}

void
loop_stop(void)
{
	loop_here->stop = true;
}

void
loop_at_turn_end(loop_hook_fn *fn, void *arg)
{
	struct hook *hook = mem_alloc(sizeof(*hook));

	*hook = (struct hook){ .fn = fn, .arg = arg };
	list_push(&loop_here->hooks, &hook->link);
}

static void
signal_came(evutil_socket_t signo, short what UNUSED, void *arg)
{
	struct signal_watch *watch = arg;

	watch->fn((int)signo, watch->arg);
}

void
loop_on_signal(int signo, signal_fn *fn, void *arg)
{
	struct signal_watch *watch = mem_alloc(sizeof(*watch));
	int failed;

	watch->fn = fn;
	watch->arg = arg;
	watch->event = evsignal_new(loop_here->base, signo, signal_came, watch);
	assert(watch->event);
	failed = event_add(watch->event, NULL);
	assert(!failed);
	list_push(&loop_here->signals, &watch->link);
}

void
loop_end_fibers(void)
{
	struct loop *l = loop_here;

	assert(!l->running && "a fiber cannot wait for its own end");
	l->ending = true;
	list_foreach (node, after, &l->all)
		fiber_cancel(LIST_ITEM(node, struct fiber, all));
	while (l->fiber_count)
		turn(l);
}

void
loop_fini(void)
{
	struct loop *l = loop_here;
	struct list *node;

	loop_end_fibers();
	while ((node = list_pop(&l->hooks)) != NULL)
		mem_free(LIST_ITEM(node, struct hook, link));
	while ((node = list_pop(&l->signals)) != NULL) {
		struct signal_watch *watch = LIST_ITEM(node, struct signal_watch, link);

		event_free(watch->event);
		mem_free(watch);
	}
	while (heap_first(&l->timers))
		heap_remove(&l->timers, heap_first(&l->timers));
	heap_free(&l->timers);
	stack_drop_cache(l);
	event_free(l->tick);
	event_base_free(l->base);
	mem_free(l);
	loop_here = NULL;
}
