/*
 * The client of smtpd's tests: reads a dialogue of lines (world.h says which) and plays it against
 * a session over loopback. What does not come as the dialogue says fails the test with its name
 * and line. Bounded in time by WAIT_S for each reply.
 */
#include "config.h"

#include "base/cclass.h"
#include "base/mem.h"
#include "event/tls.h"
#include "tests/unit/smtpd/world.h"
#include "tests/unit/unit.h"

#define WAIT_S	 10
#define SEND_MAX (16u << 20)

struct talk {
	struct world *w;
	const char *name;
	struct span rest;
	struct stream *io;
	struct tls_context *tls;
	struct str out; /* gathered, not sent yet */
	bool tls_first;
	unsigned line;
};

static int
hex_of(char c)
{
	return cclass_is(c, CC_DIGIT) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static void
put_raw(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c != '\\' || i + 1 == text.n) {
			str_putc(out, c);
			continue;
		}
		c = text.p[++i];
		if (c == 'x' && i + 2 < text.n) {
			str_putc(out, (char)(hex_of(text.p[i + 1]) * 16 + hex_of(text.p[i + 2])));
			i += 2;
		} else {
			str_putc(out, c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c);
		}
	}
}

SUSPENDS
static void
talk_send(struct talk *t)
{
	if (t->out.n == 0)
		return;
	/* Whoever was dismissed may have closed already. */
	if (stream_write(t->io, str_span(&t->out)) == VERDICT_OK)
		stream_flush(t->io, deadline_after_s(WAIT_S));
	str_reset(&t->out);
}

SUSPENDS
static bool
talk_read(struct talk *t, struct span *line)
{
	talk_send(t);
	return stream_read_line(t->io, LINE_LENIENT, 65536, deadline_after_s(WAIT_S), line) ==
	       VERDICT_OK;
}

SUSPENDS
static void
step_expect(struct talk *t, struct span want)
{
	struct span got = span_lit("(the end)");

	if (!talk_read(t, &got) || !span_starts(got, want))
		fail_msg("%s, line %u: got \"%.*s\", want \"%.*s\"", t->name, t->line,
		    SPAN_ARG(got), SPAN_ARG(want));
}

SUSPENDS
static void
step_skip_to(struct talk *t, struct span want)
{
	struct span got = span_lit("(the end)");

	do {
		if (!talk_read(t, &got))
			fail_msg("%s, line %u: no line \"%.*s\"", t->name, t->line, SPAN_ARG(want));
	} while (!span_starts(got, want));
}

SUSPENDS
static void
step_tls(struct talk *t)
{
	struct tls_settings settings = { .chain_fd = -1, .ca_fd = -1, .protocols = ">=TLSv1.2" };
	struct err err = ERR_NONE;

	talk_send(t);
	if (!t->tls)
		assert_int_equal(tls_context_new_client(&settings, &t->tls, &err), VERDICT_OK);
	if (stream_start_tls_client(t->io, t->tls, span_lit(""), deadline_after_s(WAIT_S), &err) !=
	    VERDICT_OK)
		fail_msg("%s, line %u: no TLS: %s", t->name, t->line, err.text);
}

SUSPENDS
static void
step_eof(struct talk *t)
{
	struct span got;

	if (talk_read(t, &got))
		fail_msg(
		    "%s, line %u: got \"%.*s\", want the end", t->name, t->line, SPAN_ARG(got));
}

SUSPENDS
static void
talk_step(struct talk *t, struct span line)
{
	if (span_starts(line, span_lit("C: "))) {
		str_put(&t->out, span_from(line, 3));
		str_puts(&t->out, "\r\n");
	} else if (span_starts(line, span_lit("R: "))) {
		put_raw(&t->out, span_from(line, 3));
	} else if (span_starts(line, span_lit("S: "))) {
		step_expect(t, span_from(line, 3));
	} else if (span_starts(line, span_lit("S* "))) {
		step_skip_to(t, span_from(line, 3));
	} else if (span_eq(line, span_lit("TLS"))) {
		step_tls(t);
	} else if (span_eq(line, span_lit("EOF"))) {
		step_eof(t);
	} else {
		fail_msg("%s, line %u: what is \"%.*s\"?", t->name, t->line, SPAN_ARG(line));
	}
}

FIBER_MAIN
static void
talk_run(void *arg)
{
	struct talk *t = arg;
	uint64_t until = deadline_after_s(WAIT_S);
	struct span line;

	if (t->tls_first)
		step_tls(t);
	while (t->rest.n > 0) {
		span_cut(t->rest, '\n', &line, &t->rest);
		t->line++;
		if (line.n > 0)
			talk_step(t, line);
	}
	talk_send(t);
	stream_free(t->io);
	while ((t->w->sessions == 0 || !list_empty(&t->w->smtpd->sessions)) && time_mono() < until)
		fiber_sleep_until(time_mono() + NS_PER_MS);
	loop_stop();
}

static void
talk_all(struct world *w, const char *name, const char *dialogue, bool tls_first)
{
	struct talk t = {
		.w = w, .name = name, .rest = span_str(dialogue), .tls_first = tls_first
	};

	w->sessions = 0;
	str_init(&t.out, SEND_MAX);
	t.io = stream_new(world_connect(w));
	assert_non_null(fiber_spawn("client", talk_run, &t));
	loop_run();
	assert_true(list_empty(&w->smtpd->sessions));
	assert_int_equal(w->ctx.busy, 0);
	str_free(&t.out);
	if (t.tls)
		tls_context_free(t.tls);
}

void
world_talk(struct world *w, const char *name, const char *dialogue)
{
	talk_all(w, name, dialogue, false);
}

void
world_talk_tls(struct world *w, const char *name, const char *dialogue)
{
	talk_all(w, name, dialogue, true);
}
