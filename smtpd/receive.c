/*
 * The content of a message on its way from the client into its file, by DATA or by BDAT: strict end
 * of data, dots taken off, facts gathered, CRC-32C as written. Fields of ours go first. What comes
 * in one piece is written in one call, from the stream's own buffer: the body is copied once. After
 * a failure (too big, disk full) the rest is read and dropped, so that the client gets its reply
 * where it expects it (RFC 5321 4.1.1.4). A client that sends below smtpd_min_data_rate runs out of
 * smtpd_timeout (ABUSE 9).
 */
#include "base/crc32c.h"
#include "base/sys.h"
#include "base/time.h"
#include "message/lines.h"
#include "message/received.h"
#include "smtpd/hops.h"
#include "smtpd/session.h"

#define RUNS_AT_MOST 64		 /* pieces gathered for one write */
#define FIELDS_MAX   (64u << 10) /* bytes of fields of ours: Received: and what tables prepend */

struct gather {
	struct iovec v[RUNS_AT_MOST];
	int n;
	size_t bytes;
};

static void
gather_write(struct session *s, struct gather *g)
{
	struct transaction *t = &s->t;

	if (g->n > 0 && !t->write_failed && !t->too_big && !t->no_file) {
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
	t->hops += hops_count(&t->hop_state, run);
	content_feed(&t->content, run);
	t->crc = crc32c(t->crc, run);
	if (s->conf->message_size_limit && t->content.size - t->ours > s->conf->message_size_limit)
		t->too_big = true;
	if (g->n == RUNS_AT_MOST)
		gather_write(s, g);
	g->v[g->n++] = (struct iovec){ (void *)(uintptr_t)run.p, run.n };
	g->bytes += run.n;
}

/* RFC 3848, RFC 6531 4.3. */
static void
put_protocol(const struct session *s, struct str *out)
{
	if (!s->esmtp) {
		str_puts(out, "SMTP");
		return;
	}
	if (s->conf->smtpd_lmtp)
		str_puts(out, s->t.smtputf8 ? "UTF8LMTP" : "LMTP");
	else
		str_puts(out, s->t.smtputf8 ? "UTF8SMTP" : "ESMTP");
	if (stream_tls(s->io))
		str_putc(out, 'S');
	if (s->login.n > 0)
		str_putc(out, 'A');
}

/* What we add in front: RFC 5321 4.4. */
static void
put_received(struct session *s, struct str *out)
{
	struct transaction *t = &s->t;
	struct str tls = STR_INIT(1024), with = STR_INIT(32), ip = STR_INIT(64);
	bool show_tls = stream_tls(s->io) && s->conf->smtpd_tls_received_header;
	struct received r = {
		.helo = str_span(&s->helo),
		.name = s->peer.name,
		.by = s->conf->myhostname,
		.mail_name = s->conf->mail_name,
		.id = t->queue_id,
		.recipient = t->rcpt_n == 1 ? t->recipients[0].original : span_lit(""),
		.wall_ns = t->arrived,
	};

	if (show_tls) {
		str_puts(&tls, "using ");
		tls_info_put(&tls, stream_tls(s->io));
		r.tls = str_span(&tls);
		r.peer_cert = span_lit("No client certificate requested");
	}
	put_protocol(s, &with);
	r.with = str_span(&with);
	str_printf(&ip, "%s%s", s->peer.addr.ss_family == AF_INET6 ? "IPv6:" : "", s->peer.ip);
	r.address = str_span(&ip);
	if (s->conf->smtpd_sasl_authenticated_header)
		r.login = str_span(&s->login);
	received_put(out, &r);
	str_free(&tls);
	str_free(&with);
	str_free(&ip);
}

SUSPENDS void
receive_begin(struct session *s)
{
	struct str fields = STR_INIT(FIELDS_MAX);
	struct gather g = { .n = 0 };

	access_put_fields(&s->t.marks, &fields);
	put_received(s, &fields);
	s->t.ours = fields.n;
	gather_add(s, &g, str_span(&fields));
	gather_write(s, &g);
	/* Ours is no hop that it came through. */
	s->t.hops = 0;
	str_free(&fields);
}

/*
 * How long the next bytes may take: what is left of the time for all, which N bytes that have come
 * lengthen by what they may take.
 */
static uint64_t
deadline_after_bytes(const struct session *s, uint64_t deadline, size_t n)
{
	uint64_t most = time_mono() + s->conf->smtpd_timeout;
	uint64_t rate = s->conf->smtpd_min_data_rate;
	uint64_t more = rate > 0 ? n * NS_PER_S / rate : s->conf->smtpd_timeout;

	return deadline + more < most ? deadline + more : most;
}

SUSPENDS enum verdict
receive_data(struct session *s)
{
	struct data_in data = { 0 };
	struct gather g = { .n = 0 };
	struct span in, run;
	enum data_step step = DATA_MORE;
	enum verdict v = VERDICT_OK;
	uint64_t deadline = time_mono() + s->conf->smtpd_timeout;

	while (step != DATA_END) {
		v = stream_read_some(s->io, LIMIT_STREAM_READ, deadline, &in);
		if (v != VERDICT_OK)
			break;
		deadline = deadline_after_bytes(s, deadline, in.n);
		while ((step = data_in_next(&data, &in, &run)) == DATA_RUN)
			gather_add(s, &g, run);
		gather_write(s, &g);
		if (step == DATA_END)
			stream_unread(s->io, in.n);
	}
	return v;
}

SUSPENDS enum verdict
receive_chunk(struct session *s, uint64_t n, bool keep)
{
	uint64_t deadline = time_mono() + s->conf->smtpd_timeout;
	struct gather g = { .n = 0 };
	struct span in;

	while (n > 0) {
		size_t most = n < LIMIT_STREAM_READ ? (size_t)n : LIMIT_STREAM_READ;
		enum verdict v = stream_read_some(s->io, most, deadline, &in);
		if (v != VERDICT_OK)
			return v;
		deadline = deadline_after_bytes(s, deadline, in.n);
		n -= in.n;
		if (!keep)
			continue;
		gather_add(s, &g, in);
		gather_write(s, &g);
	}
	return VERDICT_OK;
}
