/*
 * The scripted server (peer.h): accepts on a loopback address, plays scripts, keeps what it hears.
 * Used by the tests of the SMTP client. A script that the client does not follow goes on to its end
 * all the same: the test looks at what was heard. Bounded by 10 s for each wait.
 */
#include "config.h"

#include "tests/unit/smtp/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/unit.h"

#define PATIENCE  (deadline_after_s(10))
#define HEARD_MAX (1u << 20)
#define LINE_MAX  65536

struct play {
	struct peer *peer;
	struct stream *io;
	struct span script;
	bool over;
};

SUSPENDS
static void
play_send(struct play *p, struct span text, const char *end)
{
	if (stream_write(p->io, text) != VERDICT_OK ||
	    stream_write(p->io, span_str(end)) != VERDICT_OK)
		p->over = true;
	if (stream_flush(p->io, PATIENCE) != VERDICT_OK)
		p->over = true;
}

SUSPENDS
static void
play_raw(struct play *p, struct span text)
{
	struct str bytes = STR_INIT(LINE_MAX);

	for (size_t i = 0; i < text.n; i++) {
		bool lf = text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == 'n';
		str_putc(&bytes, lf ? '\n' : text.p[i]);
		i += lf;
	}
	play_send(p, str_span(&bytes), "");
	str_free(&bytes);
}

SUSPENDS
static void
play_hear(struct play *p, struct span want)
{
	struct span line;

	if (stream_read_line(p->io, LINE_CRLF, LINE_MAX, PATIENCE, &line) != VERDICT_OK) {
		p->over = true;
		return;
	}
	if (!span_starts(line, want))
		str_puts(&p->peer->heard, "?? ");
	str_put(&p->peer->heard, line);
	str_putc(&p->peer->heard, '\n');
}

SUSPENDS
static void
play_data(struct play *p)
{
	struct str *m = &p->peer->message;
	struct span some;

	str_reset(m);
	while (!span_ends(str_span(m), span_lit("\r\n.\r\n")) &&
	       !span_eq(str_span(m), span_lit(".\r\n"))) {
		if (stream_read_some(p->io, LINE_MAX, PATIENCE, &some) != VERDICT_OK) {
			p->over = true;
			return;
		}
		str_put(m, some);
	}
}

SUSPENDS
static void
play_wait_end(struct play *p)
{
	struct span some;

	while (stream_read_some(p->io, LINE_MAX, PATIENCE, &some) == VERDICT_OK)
		str_put(&p->peer->heard, some);
	p->over = true;
}

SUSPENDS
static void
play_pour(struct play *p, struct span args)
{
	struct span count, text;
	uint64_t n = 0;

	span_cut(args, ' ', &count, &text);
	assert_true(num_parse_u64(count, UINT32_MAX, &n));
	for (uint64_t i = 0; i < n && !p->over; i++)
		if (stream_write(p->io, text) != VERDICT_OK ||
		    stream_write(p->io, span_lit("\r\n")) != VERDICT_OK)
			p->over = true;
	(void)stream_flush(p->io, PATIENCE);
}

static void
play_reset(struct play *p)
{
	struct linger hard = { 1, 0 };

	setsockopt(stream_fd(p->io), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	p->over = true;
}

SUSPENDS
static void
play_tls(struct play *p)
{
	struct err err = ERR_NONE;

	if (stream_start_tls_server(p->io, p->peer->tls, PATIENCE, NULL, &err) != VERDICT_OK)
		p->over = true;
}

SUSPENDS
static void
play_step(struct play *p, struct span line)
{
	struct span verb, args;

	span_cut(line, ' ', &verb, &args);
	if (span_eq(verb, span_lit(">")))
		play_send(p, args, "\r\n");
	else if (span_eq(verb, span_lit("raw")))
		play_raw(p, args);
	else if (span_eq(verb, span_lit("<")))
		play_hear(p, args);
	else if (span_eq(verb, span_lit("data")))
		play_data(p);
	else if (span_eq(verb, span_lit("pour")))
		play_pour(p, args);
	else if (span_eq(verb, span_lit("tls")))
		play_tls(p);
	else if (span_eq(verb, span_lit("reset")))
		play_reset(p);
	else if (span_eq(verb, span_lit("close")))
		p->over = true;
	else
		play_wait_end(p);
}

FIBER_MAIN
static void
play_run(void *arg)
{
	struct play *p = arg;
	struct peer *peer = p->peer;
	struct span line;

	while (!p->over && p->script.n) {
		span_cut(p->script, '\n', &line, &p->script);
		play_step(p, line);
	}
	stream_free(p->io);
	listener_done(peer->listener);
	mem_free(p);
}

static void
peer_accept(int fd, void *arg)
{
	struct peer *peer = arg;
	struct play *p = mem_alloc(sizeof(*p));
	const char *script = peer->played < PEER_SCRIPTS ? peer->scripts[peer->played] : NULL;

	peer->played++;
	*p = (struct play){ .peer = peer,
		.io = stream_new(fd),
		.script = span_str(script ? script : "> 421 nothing to say here") };
	assert_non_null(fiber_spawn("server", play_run, p));
}

static void
peer_serve(struct peer *p)
{
	assert_int_equal(listen(p->fd, 10), 0);
	str_init(&p->heard, HEARD_MAX);
	str_init(&p->message, HEARD_MAX);
	p->listener = listener_start(p->fd, 100, peer_accept, p);
}

/* A socket on 127.0.0.LAST and *PORT (0: any, which it then is); -1: the port is in use. */
static int
peer_bind(unsigned last, uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t n = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	assert_true(fd >= 0);
	address.sin_addr.s_addr = htonl(0x7f000000 + last);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, n) != 0) {
		if (errno != EADDRINUSE)
			fail_msg("bind: %s", strerrordesc_np(errno));
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

void
peers_start(struct peer *v, unsigned n)
{
	unsigned bound = 0;
	uint16_t port = 0;

	while (bound < n) {
		v[bound].fd = peer_bind(bound + 1, &port);
		if (v[bound].fd >= 0) {
			v[bound++].port = port;
			continue;
		}
		while (bound > 0)
			close(v[--bound].fd);
		port = 0;
	}
	for (unsigned i = 0; i < n; i++)
		peer_serve(&v[i]);
}

void
peer_start_unix(struct peer *p, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	peer_serve(p);
}

void
peer_stop(struct peer *p)
{
	listener_free(p->listener);
}

void
peer_free(struct peer *p)
{
	close(p->fd);
	str_free(&p->heard);
	str_free(&p->message);
}
