/*
 * Fuzz target for whole sessions of the SMTP and LMTP client: the first byte chooses among LMTP, a
 * login, recipients and content; the rest is what servers say, one part for each connection
 * (byte 254 between them), in pieces (byte 255): the first at once, each other when a line was
 * heard, or nothing seems to come. Each recipient gets one result, of one printable line; what was
 * sent was said whole.
 */
#include "config.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cclass.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/smtp/stage.h"

#define PATIENCE  (deadline_after_s(5))
#define LINE_MAX  65536
#define HEARD_MAX (4u << 20)
#define TURNS	  64 /* of the loop, until the client counts as silent */

enum choice { CHOICE_LMTP = 1, CHOICE_LOGIN = 2, CHOICE_MANY = 4, CHOICE_8BIT = 8 };

static struct stage stage;
static struct peer server;    /* the one that this target plays */
static struct span says;      /* by it, on connections to come */
static unsigned messages_end; /* final dots, or last chunks, that were heard */

/* Has the client said something? */
SUSPENDS
static bool
client_speaks(struct stream *io)
{
	struct pollfd p = { .fd = stream_fd(io), .events = POLLIN };

	for (unsigned i = 0; i < TURNS; i++) {
		if (stream_buffered(io).n > 0 || poll(&p, 1, 0) != 0)
			return true;
		if (fiber_yield() != VERDICT_OK)
			return false;
	}
	return false;
}

/* A line, if there is one; false: the client has gone. */
SUSPENDS
static bool
client_hear(struct stream *io)
{
	struct span line;
	enum verdict v;

	if (!client_speaks(io))
		return true;
	v = stream_read_line(io, LINE_LENIENT, LINE_MAX, PATIENCE, &line);
	if (v == VERDICT_OK && span_eq(line, span_lit(".")))
		messages_end++;
	return v == VERDICT_OK;
}

/* All that the client has still to say: nobody is to be told that a dot was not heard. */
SUSPENDS
static void
client_hear_out(struct stream *io)
{
	shutdown(stream_fd(io), SHUT_WR);
	while (client_speaks(io) && client_hear(io))
		;
}

FIBER_MAIN
static void
server_fiber(void *arg)
{
	struct stream *io = arg;
	struct span part, piece;
	bool more = true;

	span_cut(says, '\xfe', &part, &says);
	while (more) {
		more = span_cut(part, '\xff', &piece, &part);
		if (stream_write(io, piece) != VERDICT_OK ||
		    stream_flush(io, PATIENCE) != VERDICT_OK)
			break;
		if (more && !client_hear(io))
			break;
	}
	client_hear_out(io);
	stream_free(io);
	listener_done(server.listener);
}

static void
server_accept(int fd, void *arg UNUSED)
{
	assert(fiber_spawn("server", server_fiber, stream_new(fd)));
}

static void
server_start(void)
{
	peers_start(&server, 1);
	listener_free(server.listener);
	server.listener = listener_start(server.fd, 100, server_accept, NULL);
	str_reset(&stage.nexthop);
	str_printf(&stage.nexthop, "dest.example:%u", server.port);
	stage.msg.nexthop = str_span(&stage.nexthop);
	stage.local = &server;
}

static void
stage_choose(unsigned char c)
{
	stage.hosts = "11";
	stage.client.lmtp = c & CHOICE_LMTP;
	stage.conf.smtp_sasl_auth_enable = c & CHOICE_LOGIN;
	stage.conf.smtp_sasl_security_options = span_lit("noanonymous");
	stage.user = c & CHOICE_LOGIN ? "anna" : NULL;
	stage.msg.targets.n = c & CHOICE_MANY ? 3 : 1;
	if (c & CHOICE_8BIT)
		stage_content(&stage, span_lit("Subject: x\r\n\r\n.dot\r\n\303\274\r\n"));
}

SUSPENDS
static void
run(struct stage *s)
{
	stage_deliver(s);
}

/* "0 sent 2.0.0 TEXT" for each of N recipients. */
static void
check_results(struct span results, uint32_t n)
{
	struct span line, index, status, dsn, rest = results;
	uint32_t lines = 0, sent = 0;

	while (span_cut(rest, '\n', &line, &rest)) {
		lines++;
		for (size_t i = 0; i < line.n; i++)
			assert(!cclass_is(line.p[i], CC_CTL));
		span_cut(line, ' ', &index, &line);
		span_cut(line, ' ', &status, &line);
		span_cut(line, ' ', &dsn, &line);
		sent += span_eq(status, span_lit("sent"));
		assert(index.n == 1 && index.p[0] < '0' + (int)n);
		assert(dsn.n >= 5 && dsn.p[1] == '.');
		assert(dsn.p[0] == (span_eq(status, span_lit("sent"))	       ? '2'
				       : span_eq(status, span_lit("deferred")) ? '4'
									       : '5'));
	}
	assert(lines == n && rest.n == 0);
	assert(sent == 0 || messages_end > 0);
}

FUZZ(data)
{
	if (data.n == 0)
		return;
	log_set_level(LOG_LEVEL_FATAL);
	says = span_from(data, 1);
	messages_end = 0;
	loop_init();
	stage_set(&stage);
	stage_choose((unsigned char)data.p[0]);
	server_start();
	stage_run(&stage, run);
	check_results(str_span(&stage.results), stage.msg.targets.n);
	peer_stop(&server);
	stage_free(&stage);
	peer_free(&server);
}
