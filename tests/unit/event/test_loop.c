/*
 * Unit tests of lib/event/loop.c, timer.c and fdwatch.c: timers, signals, hooks, descriptors, when
 * the loop ends, and the random order. Run by make check; owns what it opens; no wait is longer
 * than some milliseconds.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event_test.h"

struct ring {
	struct timer timer;
	struct timer *other;
	uint64_t deadline;
	int fired;
};

static void
ring(void *arg)
{
	struct ring *r = arg;

	assert_true(loop_now() >= r->deadline);
	assert_null(fiber_self());
	r->fired++;
	if (r->other)
		timer_stop(r->other);
}

static void
ring_set(struct ring *r, uint64_t ms)
{
	r->deadline = time_mono() + ms * NS_PER_MS;
	timer_set(&r->timer, r->deadline);
}

static void
timers_fire(void **state)
{
	static struct ring r[5];

	(void)state;
	loop_init();
	for (int i = 0; i < 5; i++)
		timer_init(&r[i].timer, ring, &r[i]);
	ring_set(&r[0], 1);
	ring_set(&r[1], 2);
	ring_set(&r[2], 100000);
	ring_set(&r[3], 100000);
	r[0].other = &r[2].timer;		/* stopped by another */
	timer_set(&r[3].timer, DEADLINE_NEVER); /* disarmed */
	ring_set(&r[4], 100000);
	ring_set(&r[4], 3); /* moved */
	loop_run();
	assert_int_equal(r[0].fired, 1);
	assert_int_equal(r[1].fired, 1);
	assert_int_equal(r[2].fired, 0);
	assert_int_equal(r[3].fired, 0);
	assert_int_equal(r[4].fired, 1);
	timer_stop(&r[4].timer);
	loop_fini();
}

static void
ring_at_once_again(void *arg)
{
	struct ring *r = arg;

	if (++r->fired < 50)
		timer_set(&r->timer, loop_now());
}

static void
timer_does_not_hog(void **state)
{
	struct ring r = { .fired = 0 };

	(void)state;
	loop_init();
	timer_init(&r.timer, ring_at_once_again, &r);
	timer_set(&r.timer, 0);
	loop_stop();
	loop_run();
	assert_int_equal(r.fired, 0); /* stopped before its first turn */
	loop_run();
	assert_int_equal(r.fired, 50);
	loop_fini();
}

struct signals {
	int seen[2];
	struct waitq q;
};

static void
signal_seen(int signo, void *arg)
{
	struct signals *s = arg;

	s->seen[signo == SIGUSR2]++;
	if (s->seen[0] && s->seen[1])
		waitq_wake_all(&s->q);
}

FIBER_MAIN
static void
raise_both(void *arg)
{
	struct signals *s = arg;

	raise(SIGUSR1);
	raise(SIGUSR2);
	assert_int_equal(waitq_wait(&s->q, SOON), VERDICT_OK);
}

static void
signals_arrive(void **state)
{
	struct signals s = { .seen = { 0 } };

	(void)state;
	loop_init();
	waitq_init(&s.q);
	loop_on_signal(SIGUSR1, signal_seen, &s);
	loop_on_signal(SIGUSR2, signal_seen, &s);
	test_spawn(raise_both, &s);
	loop_run();
	assert_int_equal(s.seen[0], 1);
	assert_int_equal(s.seen[1], 1);
	loop_fini();
}

struct hooked {
	struct waitq q;
	int turns;
};

static void
wake_at_turn_end(void *arg)
{
	struct hooked *h = arg;

	h->turns++;
	waitq_wake(&h->q);
}

FIBER_MAIN
static void
wait_for_hook(void *arg)
{
	struct hooked *h = arg;

	/* Woken after the fibers of a turn have run: the loop must not sleep on that. */
	for (int i = 0; i < 5; i++)
		assert_int_equal(waitq_wait(&h->q, SOON), VERDICT_OK);
}

static void
hooks_run(void **state)
{
	struct hooked h = { .turns = 0 };

	(void)state;
	loop_init();
	waitq_init(&h.q);
	loop_at_turn_end(wake_at_turn_end, &h);
	test_spawn(wait_for_hook, &h);
	loop_run();
	assert_true(h.turns >= 5);
	loop_fini();
}

struct watched {
	struct fdwatch w;
	int peer;
	int verdict;
};

FIBER_MAIN
static void
wait_readable(void *arg)
{
	struct watched *w = arg;

	w->w.readable = false;
	w->verdict = (int)fdwatch_wait_readable(&w->w, SOON);
}

FIBER_MAIN
static void
fill_and_wait_writable(void *arg)
{
	struct watched *w = arg;
	static const char much[65536];
	static char take[65536];

	while (send(w->w.fd, much, sizeof(much), MSG_DONTWAIT) > 0)
		continue;
	w->w.writable = false;
	assert_int_equal(fdwatch_wait_writable(&w->w, time_mono() + NS_PER_MS), VERDICT_TIMEOUT);
	while (recv(w->peer, take, sizeof(take), MSG_DONTWAIT) > 0)
		continue;
	w->verdict = (int)fdwatch_wait_writable(&w->w, SOON);
}

FIBER_MAIN
static void
let_go(void *arg)
{
	struct watched *w = arg;

	fiber_yield();
	fdwatch_fini(&w->w);
}

static void
watched_init(struct watched *w)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	fdwatch_init(&w->w, fds[0]);
	w->peer = fds[1];
	w->verdict = -1;
}

static void
descriptors_wake(void **state)
{
	struct watched reads, writes, hangs, goes;

	(void)state;
	loop_init();
	watched_init(&reads);
	watched_init(&writes);
	watched_init(&hangs);
	watched_init(&goes);
	test_spawn(wait_readable, &reads);
	test_spawn(fill_and_wait_writable, &writes);
	test_spawn(wait_readable, &hangs);
	test_spawn(wait_readable, &goes);
	test_spawn(let_go, &goes);
	assert_int_equal(send(reads.peer, "x", 1, 0), 1);
	close(hangs.peer);
	while (fiber_count())
		test_turn();
	assert_int_equal(reads.verdict, VERDICT_OK);
	assert_int_equal(writes.verdict, VERDICT_OK);
	assert_int_equal(hangs.verdict, VERDICT_OK);
	assert_true(hangs.w.hangup);
	assert_false(reads.w.hangup);
	assert_int_equal(goes.verdict, VERDICT_CANCELLED);
	fdwatch_fini(&reads.w);
	fdwatch_fini(&writes.w);
	fdwatch_fini(&hangs.w);
	loop_run(); /* nothing is left: returns */
	close(reads.w.fd), close(reads.peer);
	close(writes.w.fd), close(writes.peer);
	close(hangs.w.fd);
	close(goes.w.fd), close(goes.peer);
	loop_fini();
}

/* One byte after another, each when the last has been read. */
FIBER_MAIN
static void
read_five(void *arg)
{
	struct watched *r = arg;
	char c;

	for (int i = 0; i < 5; i++) {
		assert_int_equal(send(r->peer, "x", 1, 0), 1);
		r->w.readable = false;
		assert_int_equal(fdwatch_wait_readable(&r->w, DEADLINE_NEVER), VERDICT_OK);
		assert_int_equal(recv(r->w.fd, &c, 1, 0), 1);
	}
	loop_stop();
}

static void
gap_is_kept(void **state)
{
	struct watched r;
	uint64_t begun;

	(void)state;
	loop_init();
	loop_set_gap(3 * NS_PER_MS);
	watched_init(&r);
	test_spawn(read_five, &r);
	begun = time_mono();
	loop_run();
	/* The first look is not held up. */
	assert_true(time_mono() - begun >= 4 * 3 * NS_PER_MS);
	fdwatch_fini(&r.w);
	close(r.w.fd), close(r.peer);
	loop_fini();
}

struct order {
	int n;
	int ids[20];
};

struct member {
	struct order *order;
	int id;
};

FIBER_MAIN
static void
note_id(void *arg)
{
	struct member *m = arg;

	m->order->ids[m->order->n++] = m->id;
}

static struct order
order_of(uint64_t seed, const char *env)
{
	struct order o = { 0 };
	struct member m[20];

	if (env)
		setenv("POSTERN_FIBER_SEED", env, 1);
	loop_init();
	if (env)
		unsetenv("POSTERN_FIBER_SEED");
	if (seed)
		loop_random_order(seed);
	for (int i = 0; i < 20; i++) {
		m[i] = (struct member){ &o, i };
		test_spawn(note_id, &m[i]);
	}
	loop_run();
	loop_fini();
	assert_int_equal(o.n, 20);
	return o;
}

static void
order_follows_seed(void **state)
{
	struct order fifo = order_of(0, NULL);
	struct order one = order_of(7, NULL);
	struct order same = order_of(0, "7");
	struct order other = order_of(8, NULL);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(fifo.ids[i], i);
	assert_memory_equal(&one, &same, sizeof(one));
	assert_memory_not_equal(&one, &fifo, sizeof(one));
	assert_memory_not_equal(&one, &other, sizeof(one));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire),
		cmocka_unit_test(timer_does_not_hog),
		cmocka_unit_test(signals_arrive),
		cmocka_unit_test(hooks_run),
		cmocka_unit_test(descriptors_wake),
		cmocka_unit_test(gap_is_kept),
		cmocka_unit_test(order_follows_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
