/*
 * The content of a message on its way from the client into its file: strict end of data, dots taken
 * off, facts gathered, CRC-32C as written. Our Received: field goes first. What comes in one piece
 * is written in one call, from the stream's own buffer: the body is copied once. After a failure
 * (too big, disk full) the rest is read and dropped, so that the client gets its reply where it
 * expects it (RFC 5321 4.1.1.4).
 */
#include "base/crc32c.h"
#include "base/sys.h"
#include "message/lines.h"
#include "message/received.h"
#include "smtpd/session.h"

#define RUNS_AT_MOST 64 /* pieces gathered for one write */

struct gather {
	struct iovec v[RUNS_AT_MOST];
	int n;
	size_t bytes;
};

static void
gather_write(struct session *s, struct gather *g)
{
	struct transaction *t = &s->t;

	if (g->n > 0 && !t->write_failed && !t->too_big) {
		ssize_t n = sys_writev(t->file.content, g->v, g->n);
		t->write_failed = n < 0 || (size_t)n != g->bytes;
		t->written += g->bytes;
	}
	g->n = 0;
	g->bytes = 0;
}

static void
gather_add(struct session *s, struct gather *g, struct span run)
{
	struct transaction *t = &s->t;

	if (run.n == 0)
		return;
	content_feed(&t->content, run);
	t->crc = crc32c(t->crc, run);
	if (s->conf->message_size_limit && t->content.size > s->conf->message_size_limit)
		t->too_big = true;
	if (g->n == RUNS_AT_MOST)
		gather_write(s, g);
	g->v[g->n++] = (struct iovec){ (void *)(uintptr_t)run.p, run.n };
	g->bytes += run.n;
}

/* What we add in front: RFC 5321 4.4. */
static void
receive_trace(struct session *s, struct str *out)
{
	struct transaction *t = &s->t;
	struct received r = {
		.helo = s->helo,
		.name = span_str(s->client_name),
		.address = span_str(s->client_ip),
		.by = s->conf->myhostname,
		.mail_name = s->conf->mail_name,
		.with = s->esmtp ? span_lit("ESMTP") : span_lit("SMTP"),
		.id = t->queue_id,
		.recipient = t->recipients_n == 1 ? t->recipients[0].address : span_lit(""),
		.wall_ns = t->arrived,
	};

	received_put(out, &r);
}

SUSPENDS enum verdict
receive_content(struct session *s)
{
	struct str trace = STR_INIT(4096);
	struct data_in data = { 0 };
	struct gather g = { .n = 0 };
	struct span in, run;
	enum data_step step = DATA_MORE;
	enum verdict v = VERDICT_OK;

	receive_trace(s, &trace);
	gather_add(s, &g, str_span(&trace));
	while (step != DATA_END && v == VERDICT_OK) {
		uint64_t deadline = time_mono() + s->conf->smtpd_timeout;
		v = stream_read_some(s->io, LIMIT_STREAM_READ, deadline, &in);
		if (v != VERDICT_OK)
			break;
		while ((step = data_in_next(&data, &in, &run)) == DATA_RUN)
			gather_add(s, &g, run);
		gather_write(s, &g);
		if (step == DATA_END)
			stream_unread(s->io, in.n);
	}
	content_end(&s->t.content);
	str_free(&trace);
	return v;
}
