/*
 * The functions of login/login.h, for fuzz targets (doors.h). A dialogue runs on one fiber, its
 * client on another, both in a loop that is made and ended for each input. Nothing is kept between
 * inputs.
 */
#include "config.h"

#include "tests/fuzz/doors.h"

#include <sys/socket.h>

#include "base/log.h"
#include "event/loop.h"
#include "service/service_impl.h"

#define SOON	   deadline_after_s(20)
#define OUTPUT_MAX (64u << 20)
#define ERRORS_MAX 100

struct login {
	struct door *door;
	struct service_ctx ctx;
	struct stream *io, *client;
	struct span input;
	bool tls, right; /* right: the last password was */
	unsigned errors, running;
};

struct service_ctx *
login_service(const struct login *l)
{
	return (struct service_ctx *)(uintptr_t)&l->ctx;
}

struct stream *
login_stream(struct login *l)
{
	return l->io;
}

struct span
login_client(const struct login *l UNUSED)
{
	return span_lit("192.0.2.1");
}

uint64_t
login_trace(const struct login *l UNUSED)
{
	return 1;
}

bool
login_secured(const struct login *l)
{
	return l->tls;
}

bool
login_can_start_tls(const struct login *l)
{
	return l->door->can_start_tls && !l->tls;
}

bool
login_can_verify(const struct login *l)
{
	return l->door->can_verify || l->tls;
}

SUSPENDS
enum verdict
login_read_line(struct login *l, enum line_end ends, size_t max, struct span *line_out)
{
	return l->errors > ERRORS_MAX ? VERDICT_PERM
				      : stream_read_line(l->io, ends, max, SOON, line_out);
}

SUSPENDS
enum verdict
login_skip_line(struct login *l, enum line_end ends)
{
	return stream_skip_line(l->io, ends, SOON);
}

SUSPENDS
enum verdict
login_read_full(struct login *l, void *p, size_t n)
{
	return stream_read_full(l->io, p, n, SOON);
}

void
login_count_error(struct login *l)
{
	l->errors++;
}

/* The pair of sockets stays plain. */
SUSPENDS
enum verdict
login_start_tls(struct login *l)
{
	assert(login_can_start_tls(l));
	l->tls = true;
	return VERDICT_OK;
}

SUSPENDS
enum verdict
login_verify(struct login *l, const char *mechanism, const struct sasl_login *who, struct err *err)
{
	assert(login_can_verify(l) && mechanism[0] != '\0');
	assert(who->user.n > 0 && span_find(who->user, '\0') == who->user.n);
	assert(span_find(who->password, '\0') == who->password.n);
	l->door->verified++;
	l->right = span_eq(who->password, span_lit("sesame"));
	return l->right ? VERDICT_OK : err_set(err, VERDICT_PERM, "wrong");
}

SUSPENDS
enum verdict
login_hand_over(struct login *l, struct span state, struct err *err UNUSED)
{
	assert(l->right && state.n <= LIMIT_LOGIN_STATE);
	l->door->handed_over++;
	return VERDICT_OK;
}

static void
leave(struct login *l)
{
	if (--l->running == 0)
		loop_stop();
}

FIBER_MAIN
static void
server_fiber(void *arg)
{
	struct login *l = arg;

	l->door->dialogue(l);
	(void)stream_flush(l->io, SOON);
	stream_free(l->io);
	leave(l);
}

FIBER_MAIN
static void
writer_fiber(void *arg)
{
	struct login *l = arg;

	if (stream_write(l->client, l->input) == VERDICT_OK)
		(void)stream_flush(l->client, SOON);
	shutdown(stream_fd(l->client), SHUT_WR);
	leave(l);
}

FIBER_MAIN
static void
reader_fiber(void *arg)
{
	struct login *l = arg;
	struct span piece;

	while (stream_read_some(l->client, 65536, SOON, &piece) == VERDICT_OK)
		str_put(&l->door->got, piece);
	leave(l);
}

void
door_run(struct door *d, struct span input)
{
	struct login l = { .door = d, .input = input, .running = 3 };

	log_set_level(LOG_LEVEL_FATAL);
	l.ctx.conf = d->conf;
	str_init(&d->got, OUTPUT_MAX);
	loop_init();
	stream_pair(&l.client, &l.io);
	assert(fiber_spawn("server", server_fiber, &l));
	assert(fiber_spawn("writer", writer_fiber, &l) && fiber_spawn("reader", reader_fiber, &l));
	loop_run();
	stream_free(l.client);
	loop_fini();
	assert(d->handed_over <= 1 && d->handed_over <= d->verified);
}

void
door_free(struct door *d)
{
	str_free(&d->got);
}
