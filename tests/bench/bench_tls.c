/*
 * Handshakes per second of CPU (client and server together), full and resumed, through streams and
 * fibers and, in the same run, by a bare loop over OpenSSL that holds the same dialogue: socket
 * pair, handshake, a line each way, shutdown. Rounds of the two alternate, so that a machine that
 * changes its pace changes it for both. Run by hand; the figures are in lib/event/README. Usage:
 * bench_tls [seconds for each figure].
 */
#include "config.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "event/loop.h"
#include "event/stream.h"
#include "event/tls.h"
#include "tests/unit/event_tls/pki.h"

#define LANES	   8 /* dialogues at once */
#define ROUND_NS   (NS_PER_S / 4)
#define WAIT_S	   10
#define PING	   "ping\r\n"
#define PONG	   "pong\r\n"
#define LINE_MAX_N 100

/* One way of holding dialogues, for a time. */
struct bench {
	const char *cert;
	int chain_fd;
	bool resume;
	struct tls_context *server, *client;
	SSL_CTX *bare_server, *bare_client;
	SSL_SESSION *bare_session;
	uint64_t until; /* CPU time */
	uint64_t done;
	uint64_t resumed;
};

struct lane {
	struct bench *bench;
	struct stream *peer;
	struct tls_session *session;
};

static uint64_t
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

SUSPENDS
static void
serve(struct lane *lane, struct stream *s)
{
	struct err err = ERR_NONE;
	struct span line;
	size_t dropped;

	if (stream_start_tls_server(
		s, lane->bench->server, deadline_after_s(WAIT_S), &dropped, &err) != VERDICT_OK)
		return;
	while (stream_read_line(s, LINE_CRLF, LINE_MAX_N, deadline_after_s(WAIT_S), &line) ==
	       VERDICT_OK)
		stream_write(s, span_lit(PONG));
}

FIBER_MAIN
static void
serve_main(void *arg)
{
	struct lane *lane = arg;
	struct stream *s = lane->peer;

	serve(lane, s);
	stream_free(s);
}

SUSPENDS
static void
dialogue(struct lane *lane)
{
	struct tls_client who = { .resume = lane->session };
	struct err err = ERR_NONE;
	struct stream *s;
	struct span line;

	stream_pair(&s, &lane->peer);
	fiber_spawn("server", serve_main, lane);
	if (tls_client_start(s, lane->bench->client, &who, deadline_after_s(WAIT_S), &err) ==
		VERDICT_OK &&
	    stream_write(s, span_lit(PING)) == VERDICT_OK &&
	    stream_read_line(s, LINE_CRLF, LINE_MAX_N, deadline_after_s(WAIT_S), &line) ==
		VERDICT_OK) {
		lane->bench->done++;
		lane->bench->resumed += stream_tls(s)->resumed;
		tls_session_free(lane->session);
		lane->session = lane->bench->resume ? tls_session_get(s) : NULL;
	}
	stream_free(s);
}

FIBER_MAIN
static void
lane_main(void *arg)
{
	struct lane *lane = arg;

	while (cpu_now() < lane->bench->until)
		dialogue(lane);
	tls_session_free(lane->session);
}

/* Returns the CPU time used. */
static uint64_t
streams_round(struct bench *bench)
{
	struct lane lanes[LANES] = { 0 };
	uint64_t began = cpu_now();

	bench->until = began + ROUND_NS;
	loop_init();
	for (size_t i = 0; i < LANES; i++) {
		lanes[i].bench = bench;
		fiber_spawn("lane", lane_main, &lanes[i]);
	}
	loop_run();
	loop_fini();
	return cpu_now() - began;
}

/* Both handshakes until both are done, or have failed. */
static bool
bare_handshake(SSL *server, SSL *client)
{
	bool server_done = false, client_done = false;

	for (int turns = 0; turns < 20 && !(server_done && client_done); turns++) {
		if (!client_done)
			client_done = SSL_do_handshake(client) == 1;
		if (!server_done)
			server_done = SSL_do_handshake(server) == 1;
	}
	return server_done && client_done;
}

static bool
bare_talk(SSL *from, SSL *to, const char *line)
{
	char got[LINE_MAX_N];

	return SSL_write(from, line, (int)strlen(line)) > 0 &&
	       SSL_read(to, got, sizeof(got)) == (int)strlen(line);
}

static void
bare_dialogue(struct bench *bench)
{
	SSL *server = SSL_new(bench->bare_server), *client = SSL_new(bench->bare_client);
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return;
	SSL_set_fd(server, fds[0]);
	SSL_set_fd(client, fds[1]);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	if (bench->bare_session)
		SSL_set_session(client, bench->bare_session);
	if (bare_handshake(server, client) && bare_talk(client, server, PING) &&
	    bare_talk(server, client, PONG)) {
		bench->done++;
		bench->resumed += (uint64_t)SSL_session_reused(client);
		SSL_SESSION_free(bench->bare_session);
		bench->bare_session = bench->resume ? SSL_get1_session(client) : NULL;
	}
	SSL_shutdown(client);
	SSL_shutdown(server);
	SSL_free(client);
	SSL_free(server);
	close(fds[0]);
	close(fds[1]);
}

static uint64_t
bare_round(struct bench *bench)
{
	uint64_t began = cpu_now();

	ERR_clear_error();
	while (cpu_now() < began + ROUND_NS)
		bare_dialogue(bench);
	return cpu_now() - began;
}

static void
bare_init(struct bench *bench)
{
	FILE *chain = fdopen(dup(bench->chain_fd), "r");
	EVP_PKEY *key;
	X509 *cert, *above;

	bench->bare_server = SSL_CTX_new(TLS_server_method());
	bench->bare_client = SSL_CTX_new(TLS_client_method());
	rewind(chain);
	key = PEM_read_PrivateKey(chain, NULL, NULL, NULL);
	cert = PEM_read_X509(chain, NULL, NULL, NULL);
	assert(key && cert);
	SSL_CTX_use_cert_and_key(bench->bare_server, cert, key, NULL, 1);
	while ((above = PEM_read_X509(chain, NULL, NULL, NULL)) != NULL)
		SSL_CTX_add0_chain_cert(bench->bare_server, above);
	SSL_CTX_set_num_tickets(bench->bare_server, 1);
	SSL_CTX_set_session_cache_mode(bench->bare_server, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_cache_mode(bench->bare_client, SSL_SESS_CACHE_OFF);
	EVP_PKEY_free(key);
	X509_free(cert);
	fclose(chain);
}

static void
bench_init(struct bench *bench)
{
	const struct tls_settings server = {
		.service = "bench", .chain_fd = bench->chain_fd, .ca_fd = -1, .protocols = ""
	};
	const struct tls_settings client = {
		.service = "bench", .chain_fd = -1, .ca_fd = -1, .protocols = ""
	};
	enum verdict v = tls_context_new_server(&server, &bench->server, NULL);

	assert(v == VERDICT_OK);
	v = tls_context_new_client(&client, &bench->client, NULL);
	assert(v == VERDICT_OK);
	bare_init(bench);
}

static void
bench_fini(struct bench *bench)
{
	tls_context_free(bench->server);
	tls_context_free(bench->client);
	SSL_CTX_free(bench->bare_server);
	SSL_CTX_free(bench->bare_client);
	SSL_SESSION_free(bench->bare_session);
}

/* Dialogues a second of CPU; says on the way how many were resumed. */
struct figure {
	uint64_t cpu;
	uint64_t done;
	uint64_t resumed;
};

static void
figure_add(struct figure *figure, struct bench *bench, uint64_t cpu)
{
	figure->cpu += cpu;
	figure->done += bench->done;
	figure->resumed += bench->resumed;
	bench->done = bench->resumed = 0;
}

static double
figure_rate(const struct figure *figure)
{
	return (double)figure->done * (double)NS_PER_S / (double)figure->cpu;
}

static void
bench_run(const char *cert, int chain_fd, bool resume, uint64_t ns)
{
	struct bench bench = { .cert = cert, .chain_fd = chain_fd, .resume = resume };
	struct figure streams = { 0 }, bare = { 0 };

	bench_init(&bench);
	while (streams.cpu < ns) {
		figure_add(&bare, &bench, bare_round(&bench));
		figure_add(&streams, &bench, streams_round(&bench));
	}
	printf("%-9s %-8s %7.0f /s  bare %7.0f /s  ratio %.2f  (resumed %.0f %%, %.0f %%)\n", cert,
	    resume ? "resumed" : "full", figure_rate(&streams), figure_rate(&bare),
	    figure_rate(&streams) / figure_rate(&bare),
	    100.0 * (double)streams.resumed / (double)streams.done,
	    100.0 * (double)bare.resumed / (double)bare.done);
	bench_fini(&bench);
}

int
main(int argc, char **argv)
{
	uint64_t seconds = 2;
	struct pki pki;

	if (argc > 1 && !num_parse_u64(span_str(argv[1]), 3600, &seconds))
		return 2;
	pki_make(&pki);
	bench_run("P-256", pki.p256_fd, false, seconds * NS_PER_S);
	bench_run("P-256", pki.p256_fd, true, seconds * NS_PER_S);
	bench_run("RSA-2048", pki.rsa_fd, false, seconds * NS_PER_S);
	bench_run("RSA-2048", pki.rsa_fd, true, seconds * NS_PER_S);
	pki_free(&pki);
	return 0;
}
