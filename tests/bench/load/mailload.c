/*
 * A generator of load for SMTP, POP3 and IMAP servers on loopback, for tests/bench/run: ours and
 * others'. Prints what the kind of load is about, then ends; the idle kinds say "ready" and wait
 * for the end of standard input. Usage:
 *
 *   mailload KIND PORT COUNT LANES [tls] [resume] [users=N] [user=NAME] [password=TEXT]
 * [COMMAND...]
 */
#include "config.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "event/loop.h"
#include "tests/bench/load/load.h"

static const struct kind {
	const char *name;
	SUSPENDS void (*run)(struct lane *lane, unsigned n);
	bool idle; /* dialogues stay open until the end */
} kinds[] = {
	{ "smtp-idle", load_smtp_idle, true },
	{ "smtp-tls", load_smtp_tls, false },
	{ "pop3-login", load_pop3_login, false },
	{ "imap-login", load_imap_login, false },
	{ "imap-idle", load_imap_idle, true },
	{ "imap", load_imap_script, false },
	{ "pop3", load_pop3_script, false },
};

static const struct kind *kind;
static unsigned lanes_left;

_Noreturn void
load_fail(const char *what, struct span said)
{
	fprintf(stderr, "mailload: %s: %.*s\n", what, SPAN_ARG(said));
	exit(1);
}

SUSPENDS struct stream *
load_connect(const struct load *load)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(load->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* On loopback it waits for nobody. */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		load_fail("connect", span_lit("refused"));
	return stream_new(fd);
}

SUSPENDS struct span
load_line(struct stream *io)
{
	struct span line;
	enum verdict v =
	    stream_read_line(io, LINE_LENIENT, LOAD_LINE, deadline_after_s(LOAD_WAIT_S), &line);

	if (v != VERDICT_OK)
		load_fail("no line", span_lit("closed, or too late"));
	return line;
}

SUSPENDS void
load_smtp_reply(struct stream *io, const char *code)
{
	struct span line;

	do
		line = load_line(io);
	while (line.n > 3 && line.p[3] == '-');
	if (!span_starts(line, span_str(code)))
		load_fail(code, line);
}

SUSPENDS void
load_say(struct stream *io, const char *fmt, ...)
{
	struct str text = STR_INIT(LOAD_LINE);
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	stream_write(io, str_span(&text));
	str_free(&text);
}

/* Until the runner closes standard input. */
static void
idle_wait(void)
{
	char c;

	printf("ready\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	exit(0);
}

FIBER_MAIN
static void
lane_main(void *arg)
{
	struct lane *lane = arg;
	struct load *load = lane->load;

	while (load->begun < load->count)
		kind->run(lane, load->begun++);
	if (lane->session)
		tls_session_free(lane->session);
	if (--lanes_left > 0)
		return;
	if (kind->idle)
		idle_wait();
	loop_stop();
}

static bool
option_take(struct load *load, char *word)
{
	struct span text = span_str(word);
	uint64_t n;

	if (span_eq(text, span_lit("tls")))
		return (load->tls = true);
	if (span_eq(text, span_lit("resume")))
		return (load->resume = true);
	if (span_starts(text, span_lit("user=")))
		return (load->user = word + strlen("user=")) != NULL;
	if (span_starts(text, span_lit("password=")))
		return (load->password = word + strlen("password=")) != NULL;
	if (!span_starts(text, span_lit("users=")) ||
	    !num_parse_u64(span_from(text, strlen("users=")), 100000, &n))
		return false;
	load->users = (unsigned)n;
	return true;
}

static void
load_run(struct load *load)
{
	struct tls_settings settings = { .service = "mailload", .chain_fd = -1, .ca_fd = -1 };
	struct lane *lanes = mem_alloc_array(load->lanes, sizeof(*lanes));
	uint64_t begun = time_mono();
	struct err err = ERR_NONE;

	loop_init();
	if (tls_context_new_client(&settings, &load->client, &err) != VERDICT_OK)
		load_fail("TLS", err_text(&err));
	lanes_left = load->lanes;
	for (unsigned i = 0; i < load->lanes; i++) {
		lanes[i].load = load;
		if (!fiber_spawn("lane", lane_main, &lanes[i]))
			load_fail("lanes", span_lit("too many"));
	}
	loop_run();
	if (load->script_n == 0)
		printf("%.1f dialogues/s, %u resumed\n",
		    load->count * 1e9 / (double)(time_mono() - begun), load->resumed);
	tls_context_free(load->client);
	mem_free(lanes);
}

int
main(int argc, char **argv)
{
	struct load load = { .user = "anna", .password = "secret" };
	uint64_t n[3];
	int i;

	for (size_t k = 0; argc > 4 && k < ARRAY_LEN(kinds); k++)
		if (span_eq(span_str(argv[1]), span_str(kinds[k].name)))
			kind = &kinds[k];
	for (i = 0; kind && i < 3; i++)
		if (!num_parse_u64(span_str(argv[2 + i]), 1000000, &n[i]))
			kind = NULL;
	if (!kind) {
		fprintf(stderr, "usage: mailload KIND PORT COUNT LANES [OPTION...] [COMMAND...]\n");
		return 2;
	}
	load.port = (uint16_t)n[0];
	load.count = (unsigned)n[1];
	load.lanes = (unsigned)n[2];
	for (i = 5; i < argc && option_take(&load, argv[i]); i++)
		;
	load.script = argv + i;
	load.script_n = (unsigned)(argc - i);
	load_run(&load);
	return 0;
}
