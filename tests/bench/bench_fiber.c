/*
 * What a switch between fibers costs, beside swapcontext(3). Run by hand; the figures are in
 * lib/event/README. A round trip is loop to fiber and back, two switches; a wake is a wait queue's
 * wake, the loop's choice and both switches.
 */
#include "config.h"

#include <stdio.h>
#include <ucontext.h>

#include "event/fiber.h"
#include "event/loop.h"
#include "event/switch.h"

#define ROUNDS 5000000
#define STACK  65536

struct pair {
	struct context main;
	struct context other;
};

struct upair {
	ucontext_t main;
	ucontext_t other;
};

static struct pair pair;
static struct upair upair;

static void
bounce(void)
{
	for (;;)
		context_switch(&pair.other, &pair.main);
}

static void
ubounce(void)
{
	for (;;)
		swapcontext(&upair.other, &upair.main);
}

static void
report(const char *what, uint64_t began, uint64_t count)
{
	printf("%-28s %8.1f ns\n", what, (double)(time_mono() - began) / (double)count);
}

static void
bench_switch(void)
{
	static char stack[STACK] __attribute__((aligned(16)));
	uint64_t began;

	context_init(&pair.other, stack, sizeof(stack), bounce);
	began = time_mono();
	for (int i = 0; i < ROUNDS; i++)
		context_switch(&pair.main, &pair.other);
	report("switch", began, 2 * (uint64_t)ROUNDS);
}

static void
bench_swapcontext(void)
{
	static char stack[STACK];
	uint64_t began;

	getcontext(&upair.other);
	upair.other.uc_stack.ss_sp = stack;
	upair.other.uc_stack.ss_size = sizeof(stack);
	makecontext(&upair.other, ubounce, 0);
	began = time_mono();
	for (int i = 0; i < ROUNDS / 10; i++)
		swapcontext(&upair.main, &upair.other);
	report("swapcontext", began, 2 * (uint64_t)ROUNDS / 10);
}

static void
nothing(void *arg)
{
	(void)arg;
}

FIBER_MAIN
static void
to_main_stack(void *arg)
{
	uint64_t began = time_mono();

	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		on_main_stack(nothing, NULL);
	report("on_main_stack", began, ROUNDS);
}

struct player {
	struct waitq mine;
	struct player *other;
};

FIBER_MAIN
static void
wake_and_wait(void *arg)
{
	struct player *p = arg;

	for (int i = 0; i < ROUNDS / 10; i++) {
		waitq_wake(&p->other->mine);
		(void)waitq_wait(&p->mine, DEADLINE_NEVER);
	}
	waitq_wake(&p->other->mine);
}

FIBER_MAIN
static void
end_at_once(void *arg)
{
	++*(int *)arg;
}

static void
bench_fibers(void)
{
	struct player players[2];
	uint64_t began;
	int ended = 0;

	loop_init();
	fiber_spawn("main stack", to_main_stack, NULL);
	loop_run();
	for (int i = 0; i < 2; i++) {
		waitq_init(&players[i].mine);
		players[i].other = &players[1 - i];
		fiber_spawn("player", wake_and_wait, &players[i]);
	}
	began = time_mono();
	loop_run();
	report("wake, wait, loop", began, 2 * (uint64_t)ROUNDS / 10);
	began = time_mono();
	for (int i = 0; i < ROUNDS / 50; i++) {
		fiber_spawn("short", end_at_once, &ended);
		if (i % 32 == 31)
			loop_run();
	}
	loop_run();
	report("spawn, run, end", began, (uint64_t)ended);
	loop_fini();
}

int
main(void)
{
	bench_switch();
	bench_swapcontext();
	bench_fibers();
	return 0;
}
