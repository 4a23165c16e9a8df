/*
 * Sessions of smtpd for fuzz targets (dialogue.h): a writer and a reader play the client over
 * loopback, beside the session in one loop. A client address of its own for each session, so that
 * the kernel has ports for thousands of them in a second. Owns the world, which stays until another
 * plan is wanted. Nothing here waits for time to pass.
 */
#include "config.h"

#include "tests/fuzz/dialogue.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cclass.h"
#include "base/log.h"
#include "base/sys.h"
#include "event/loop.h"

#define TEXT_MAX    (64u << 20)
#define SOON	    deadline_after_s(30)
#define TURNS	    64	 /* of the loop, until a piece counts as unanswered */
#define LINE_MAX    1200 /* bytes of a reply line: it may show an address and why it is refused */
#define CLIENTS_MAX 0xffffff

#define CONNECT_TRIES 16 /* each from another address */

/* The last of the client's fibers ends the loop, when the session has ended, too. */
FIBER_MAIN
static void
end_fiber(void *arg)
{
	struct dialogue *d = arg;

	while (d->running > 0 || d->world.sessions == 0 || !list_empty(&d->world.smtpd->sessions) ||
	       d->world.ctx.busy > 0)
		if (fiber_yield() != VERDICT_OK)
			break;
	loop_stop();
}

/* Until something is answered that ends a line, or nothing was for TURNS. */
SUSPENDS
static void
await_answer(const struct dialogue *d, size_t before)
{
	for (unsigned i = 0; i < TURNS && fiber_yield() == VERDICT_OK; i++)
		if (d->got.n > before && d->got.p[d->got.n - 1] == '\n')
			return;
}

FIBER_MAIN
static void
writer_fiber(void *arg)
{
	struct dialogue *d = arg;
	struct span piece;
	bool more = true;

	await_answer(d, 0);
	while (more) {
		size_t before = d->got.n;

		more = span_cut(d->input, '\xff', &piece, &d->input);
		str_put(&d->sent, piece);
		if (stream_write(d->io, piece) != VERDICT_OK ||
		    stream_flush(d->io, SOON) != VERDICT_OK)
			break;
		await_answer(d, before);
	}
	shutdown(stream_fd(d->io), SHUT_WR);
	d->running--;
}

FIBER_MAIN
static void
reader_fiber(void *arg)
{
	struct dialogue *d = arg;
	struct span piece;

	while (stream_read_some(d->io, 65536, SOON, &piece) == VERDICT_OK)
		str_put(&d->got, piece);
	d->running--;
}

/* A code, blank or hyphen, text; the lines of one reply have one code. */
static void
check_replies(struct span got)
{
	struct span line, code = span_lit("");
	bool goes_on = false;

	while (span_cut(got, '\n', &line, &got)) {
		assert(line.n >= 5 && line.n <= LINE_MAX && span_ends(line, span_lit("\r")));
		line = span_head(line, line.n - 1);
		assert(line.p[0] >= '2' && line.p[0] <= '5');
		assert(isdigit((unsigned char)line.p[1]) && isdigit((unsigned char)line.p[2]));
		assert(line.p[3] == ' ' || line.p[3] == '-');
		assert(!goes_on || span_eq(span_head(line, 3), code));
		code = span_head(line, 3);
		goes_on = line.p[3] == '-';
		for (size_t i = 0; i < line.n; i++)
			assert(!cclass_is(line.p[i], CC_CTL));
	}
	assert(line.n == 0 && !goes_on);
}

/* Lines of the log; then it is empty again. */
static void
check_log(int fd)
{
	struct str log = STR_INIT(TEXT_MAX);
	off_t size;
	char *p;

	log_flush();
	size = lseek(fd, 0, SEEK_END);
	p = size > 0 ? str_reserve(&log, (size_t)size) : NULL;
	if (p) {
		assert(sys_pread_all(fd, p, (size_t)size, 0) == size);
		str_grew(&log, (size_t)size);
		assert(log.p[log.n - 1] == '\n');
	}
	for (size_t i = 0; i < log.n; i++)
		assert(log.p[i] == '\n' || !cclass_is(log.p[i], CC_CTL));
	assert(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	str_free(&log);
}

static struct dialogue *to_end;

static void
world_gone(void)
{
	if (!to_end || !to_end->plan)
		return;
	world_end(&to_end->world);
	str_free(&to_end->sent);
	str_free(&to_end->got);
}

static void
world_ready(struct dialogue *d, const struct world_plan *plan)
{
	struct world *w = &d->world;

	if (!to_end) {
		to_end = d;
		str_init(&d->sent, TEXT_MAX);
		str_init(&d->got, TEXT_MAX);
		assert(atexit(world_gone) == 0);
	}
	if (d->plan != plan) {
		if (d->plan)
			world_end(w);
		assert(world_begin(w, plan));
		d->plan = plan;
	}
	w->sessions = w->commits = w->aborts = w->lookups = w->dns_queries = 0;
	memset(w->anvil, 0, sizeof(w->anvil));
	str_reset(&w->committed);
	str_reset(&w->asked);
	str_reset(&d->sent);
	str_reset(&d->got);
}

static int
client_connect(struct dialogue *d)
{
	int fd = -1;

	for (unsigned tries = 0; fd < 0 && tries < CONNECT_TRIES; tries++) {
		d->clients = d->clients % CLIENTS_MAX + 1;
		fd = world_connect_from(&d->world, 0x7f000000 + d->clients);
	}
	assert(fd >= 0);
	return fd;
}

void
dialogue_run(struct dialogue *d, const struct world_plan *plan, struct span input)
{
	world_ready(d, plan);
	d->input = input;
	d->running = 2;
	d->io = stream_new(client_connect(d));
	assert(fiber_spawn("writer", writer_fiber, d) && fiber_spawn("reader", reader_fiber, d));
	assert(fiber_spawn("end", end_fiber, d));
	loop_run();
	stream_free(d->io);
	assert(list_empty(&d->world.smtpd->sessions) && d->world.ctx.busy == 0);
	check_replies(str_span(&d->got));
	check_log(d->world.log_fd);
}

unsigned
dialogue_count(struct span hay, struct span needle)
{
	unsigned n = 0;

	for (size_t at = 0; (at = span_find_span(hay, needle)) < hay.n; n++)
		hay = span_from(hay, at + 1);
	return n;
}

/* BDAT's last chunk says LAST in any case of letters. */
static unsigned
lasts_count(struct span sent)
{
	unsigned n = 0;

	for (; sent.n >= 4; sent = span_from(sent, 1))
		n += span_starts_nocase(sent, span_lit("LAST"));
	return n;
}

void
dialogue_check_commits(const struct dialogue *d)
{
	struct span sent = str_span(&d->sent);

	assert(d->world.commits <= dialogue_count(sent, span_lit("\r\n.\r\n")) + lasts_count(sent));
}
