/*
 * Unit tests of lib/event/listen.c: the bound, the pause when descriptors run out, the end. Run by
 * make check. Talks over loopback, on a port the kernel gives. Valgrind closes connections that it
 * thinks too many, so the pause cannot be tested under it.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event/listen.h"
#include "event_test.h"

#define MANY 40

struct server {
	struct listener *l;
	struct sockaddr_in addr;
	int fd;
	int accepted[2 * MANY];
	int n;
	int most;
	int clients[MANY];
	struct waitq came;
};

static void
server_open(struct server *s)
{
	socklen_t len = sizeof(s->addr);

	*s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	s->addr.sin_family = AF_INET;
	s->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&s->addr, len), 0);
	assert_int_equal(listen(s->fd, 128), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&s->addr, &len), 0);
	waitq_init(&s->came);
}

static int
client(struct server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&s->addr, sizeof(s->addr)), 0);
	return fd;
}

static void
came(int fd, void *arg)
{
	struct server *s = arg;
	int open;

	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	s->accepted[s->n++] = fd;
	open = (int)listener_open(s->l);
	s->most = open > s->most ? open : s->most;
	waitq_wake(&s->came);
}

FIBER_MAIN
static void
close_each(void *arg)
{
	struct server *s = arg;
	int closed = 0;

	while (closed < MANY) {
		while (closed < s->n) {
			close(s->accepted[closed++]);
			listener_done(s->l);
			fiber_yield();
		}
		if (closed < MANY)
			assert_int_equal(waitq_wait(&s->came, SOON), VERDICT_OK);
	}
	listener_stop(s->l);
}

static void
accepts_within_bound(void *arg)
{
	struct server s;

	(void)arg;
	server_open(&s);
	s.l = listener_start(s.fd, 5, came, &s);
	for (int i = 0; i < MANY; i++)
		s.clients[i] = client(&s);
	test_spawn(close_each, &s);
	loop_run();
	assert_int_equal(s.n, MANY);
	assert_int_equal(s.most, 5);
	assert_int_equal(listener_open(s.l), 0);
	listener_free(s.l);
	for (int i = 0; i < MANY; i++)
		close(s.clients[i]);
	close(s.fd);
}

/* Descriptors for two connections, while four wait: the rest comes when those end, and nothing
 * spins. */
FIBER_MAIN
static void
run_out_and_recover(void *arg)
{
	struct server *s = arg;

	while (s->n < 2)
		assert_int_equal(waitq_wait(&s->came, SOON), VERDICT_OK);
	assert_int_equal(fiber_sleep_until(time_mono() + 5 * NS_PER_MS), VERDICT_OK);
	assert_true(s->n < 4);
	for (int i = 0; i < 4; i++) {
		while (s->n <= i)
			assert_int_equal(waitq_wait(&s->came, SOON), VERDICT_OK);
		close(s->accepted[i]);
		listener_done(s->l);
	}
	listener_stop(s->l);
}

static void
pauses_without_descriptors(void **state)
{
	struct rlimit was, few;
	struct server s;
	int top;

	(void)state;
	loop_init();
	server_open(&s);
	for (int i = 0; i < 4; i++)
		s.clients[i] = client(&s);
	s.l = listener_start(s.fd, 100, came, &s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	top = dup(s.fd);
	close(top);
	few = was;
	few.rlim_cur = (rlim_t)top + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	test_spawn(run_out_and_recover, &s);
	loop_run();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(s.n, 4);
	listener_free(s.l);
	for (int i = 0; i < 4; i++)
		close(s.clients[i]);
	close(s.fd);
	loop_fini();
}

static void
free_right_after_start(void *arg)
{
	struct server s;

	(void)arg;
	server_open(&s);
	s.l = listener_start(s.fd, 1, came, &s);
	listener_free(s.l);
	loop_run();
	close(s.fd);
}

static void
orders(void **state)
{
	(void)state;
	test_in_orders(accepts_within_bound, NULL);
	test_in_orders(free_right_after_start, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(pauses_without_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
