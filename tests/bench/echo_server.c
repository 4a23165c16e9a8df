/*
 * What an idle session costs in memory, and a line of echo in time. Opens N sessions to itself over
 * loopback TCP, each on a fiber that greets, echoes one line and waits for the next; lets them idle
 * until their stacks are trimmed; then reads what the process has become from
 * /proc/self/smaps_rollup. Usage: echo_server [--tls] [sessions]. The clients are a child process,
 * so that only the server is measured; over TLS they are bare OpenSSL.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "event/listen.h"
#include "event/loop.h"
#include "event/stream.h"
#include "event/tls.h"
#include "tests/unit/event_tls/pki.h"

#define SMAPS  "/proc/self/smaps_rollup"
#define STATUS "/proc/self/status"

#define IDLE_FOR     (7 * NS_PER_S) /* longer than two sweeps */
#define TIMED_ROUNDS 100000

struct server {
	struct listener *l;
	int fd;
	unsigned sessions;
	unsigned greeted;
	struct timer idle;
	size_t pss_before;
	size_t tables_before;
	struct waitq all_here;
	struct tls_context *tls; /* NULL: plain */
};

struct session {
	struct server *server;
	int fd;
};

/* The value of a line "field: n kB" of a file in /proc/self. */
static size_t
memory_kib(const char *file, const char *field)
{
	FILE *f = fopen(file, "re");
	size_t n = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		struct span rest = span_str(line);
		struct span word;
		uint64_t value;

		if (!span_starts(rest, span_str(field)))
			continue;
		span_token(&rest, span_lit(" \t:"), &word);
		span_token(&rest, span_lit(" \t:"), &word);
		if (num_parse_u64(word, UINT64_MAX, &value))
			n = (size_t)value;
		break;
	}
	if (f)
		fclose(f);
	return n;
}

SUSPENDS
static bool
session_open(struct server *server, struct stream *s)
{
	struct err err = ERR_NONE;
	size_t dropped;

	return !server->tls || stream_start_tls_server(s, server->tls, deadline_after_s(300),
				   &dropped, &err) == VERDICT_OK;
}

FIBER_MAIN
static void
session_main(void *arg)
{
	struct session *session = arg;
	struct server *server = session->server;
	struct stream *s = stream_new(session->fd);
	struct span line;

	if (session_open(server, s) && stream_write(s, span_lit("220 ready\r\n")) == VERDICT_OK) {
		while (stream_read_line(s, LINE_CRLF, 512, deadline_after_s(300), &line) ==
		       VERDICT_OK) {
			stream_printf(s, "250 %.*s\r\n", SPAN_ARG(line));
			if (stream_buffered(s).n == 0)
				stream_flush(s, deadline_after_s(300));
			if (++server->greeted == server->sessions)
				waitq_wake_all(&server->all_here);
		}
	}
	stream_free(s);
	listener_done(server->l);
	mem_free(session);
}

static void
accepted(int fd, void *arg)
{
	struct session *session = mem_alloc(sizeof(*session));

	session->server = arg;
	session->fd = fd;
	if (!fiber_spawn("session", session_main, session)) {
		close(fd);
		listener_done(session->server->l);
		mem_free(session);
	}
}

/* A client: a blocking socket, with or without TLS. */
struct client {
	int fd;
	SSL *ssl;
};

static bool
client_send(struct client *c)
{
	if (c->ssl)
		return SSL_write(c->ssl, "hello\r\n", 7) == 7;
	return send(c->fd, "hello\r\n", 7, 0) == 7;
}

/* Greeting and echo are equally long. */
static bool
client_receive(struct client *c)
{
	char reply[64];

	if (c->ssl)
		return SSL_read(c->ssl, reply, sizeof(reply)) == 11;
	return recv(c->fd, reply, sizeof(reply), 0) == 11;
}

static bool
client_open(struct client *c, const struct sockaddr_in *addr, SSL_CTX *tls)
{
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0)
		return false;
	if (tls) {
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, c->fd);
		if (SSL_connect(c->ssl) != 1)
			return false;
	}
	return client_receive(c) && client_send(c) && client_receive(c);
}

static int
clients_run(unsigned sessions, const struct sockaddr_in *addr, bool tls)
{
	struct client *clients = mem_alloc_array(sessions, sizeof(*clients));
	SSL_CTX *ctx = tls ? SSL_CTX_new(TLS_client_method()) : NULL;
	uint64_t began;

	for (unsigned i = 0; i < sessions; i++)
		if (!client_open(&clients[i], addr, ctx)) {
			perror("client");
			return 1;
		}
	sleep((unsigned)(IDLE_FOR / NS_PER_S) + 2);
	began = time_mono();
	for (int i = 0; i < TIMED_ROUNDS; i++)
		if (!client_send(&clients[0]) || !client_receive(&clients[0]))
			return 1;
	printf("one line, there and back    %8.1f us (both processes)\n",
	    (double)(time_mono() - began) / TIMED_ROUNDS / 1000);
	for (unsigned i = 0; i < sessions; i++)
		close(clients[i].fd);
	return 0;
}

FIBER_MAIN
static void
measure(void *arg)
{
	struct server *server = arg;
	double n = server->sessions;
	size_t pss, tables;

	(void)waitq_wait(&server->all_here, deadline_after_s(60));
	(void)fiber_sleep_until(deadline_after_s(0) + IDLE_FOR);
	pss = memory_kib(SMAPS, "Pss:");
	tables = memory_kib(STATUS, "VmPTE:") - server->tables_before;
	printf("%u sessions: PSS %zu KiB before, %zu KiB idle\n", server->sessions,
	    server->pss_before, pss);
	printf("an idle session             %8.2f KiB, and %.2f KiB of page tables\n",
	    (double)(pss - server->pss_before) / n, (double)tables / n);
	fflush(stdout);
	listener_stop(server->l);
}

static int
server_run(struct server *server)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	pid_t child;
	int status = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->fd, (struct sockaddr *)&addr, len) != 0 || listen(server->fd, 4096) != 0 ||
	    getsockname(server->fd, (struct sockaddr *)&addr, &len) != 0) {
		perror("listen");
		return 1;
	}
	child = fork();
	if (child == 0)
		_exit(clients_run(server->sessions, &addr, server->tls != NULL) | fflush(stdout));
	loop_init();
	waitq_init(&server->all_here);
	server->l = listener_start(server->fd, server->sessions, accepted, server);
	fiber_spawn("measure", measure, server);
	server->pss_before = memory_kib(SMAPS, "Pss:");
	server->tables_before = memory_kib(STATUS, "VmPTE:");
	loop_run();
	listener_free(server->l);
	loop_fini();
	close(server->fd);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static struct tls_context *
make_context(void)
{
	const struct cert_plan plan = { "localhost", "DNS:localhost", false, false };
	struct cert cert = pki_cert(pki_key_p256(), &plan, NULL);
	struct tls_settings settings = { .service = "echo", .ca_fd = -1, .protocols = "" };
	struct tls_context *ctx;
	enum verdict v;

	settings.chain_fd = pki_chain_file(&cert);
	v = tls_context_new_server(&settings, &ctx, NULL);
	assert(v == VERDICT_OK);
	close(settings.chain_fd);
	pki_cert_free(&cert);
	return ctx;
}

int
main(int argc, char **argv)
{
	struct server server = { .sessions = 1000 };
	struct rlimit files;
	uint64_t n;

	if (argc > 1 && span_eq(span_str(argv[1]), span_lit("--tls"))) {
		server.tls = make_context();
		argc--;
		argv++;
	}
	if (argc > 1 && num_parse_u64(span_str(argv[1]), LIMIT_FIBERS - 10, &n) && n > 0)
		server.sessions = (unsigned)n;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return server_run(&server);
}
