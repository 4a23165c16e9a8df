/*
 * Data over TLS: much of it both ways against back-pressure, how a connection ends (by the peer, by
 * somebody who cuts it, by somebody who writes into it), and renegotiation, which is refused.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "event/tls_private.h"
#include "pki.h"
#include "talk.h"

#define CHUNK	50000 /* bytes of a write: no multiple of a record */
#define CHUNKS	80    /* 4 MB: many times what a socket holds */
#define WAIT_MS 20000

struct load {
	struct span chunk;
	size_t chunks;
	size_t most;	  /* bytes of a read */
	size_t yield_all; /* yields before each so many reads */
	uint32_t sent, got;
	size_t sent_n, got_n;
	enum verdict last;
};

SUSPENDS
static void
send_all(struct side *side)
{
	struct load *load = side->arg;

	for (size_t i = 0; i < load->chunks; i++) {
		load->last = stream_write(side->s, load->chunk);
		if (load->last != VERDICT_OK)
			return;
		load->sent = crc32c(load->sent, load->chunk);
		load->sent_n += load->chunk.n;
	}
	load->last = stream_flush(side->s, deadline_after_ms(WAIT_MS));
}

SUSPENDS
static void
receive_all(struct side *side)
{
	struct load *load = side->arg;
	struct span got;

	for (size_t reads = 0; load->got_n < load->chunks * load->chunk.n; reads++) {
		if (reads % load->yield_all == 0)
			fiber_yield();
		load->last =
		    stream_read_some(side->s, load->most, deadline_after_ms(WAIT_MS), &got);
		if (load->last != VERDICT_OK)
			return;
		load->got = crc32c(load->got, got);
		load->got_n += got.n;
	}
}

SUSPENDS
static void
send_then_receive(struct side *side)
{
	send_all(side);
	receive_all(side);
}

SUSPENDS
static void
receive_then_send(struct side *side)
{
	receive_all(side);
	send_all(side);
}

static void
test_load(void **state)
{
	static const struct {
		const char *name;
		const char *protocols;
		size_t most;
		size_t yield_all;
	} cases[] = {
		{ "whole buffers", "TLSv1.3", 65536, 1000 },
		{ "a reader that lags", "TLSv1.3", 5000, 1 },
		{ "small reads", "TLSv1.3", 700, 50 },
		{ "TLS 1.2", "TLSv1.2", 30000, 3 },
	};
	const struct pki *pki = *state;
	char *bytes = mem_alloc(CHUNK);

	for (size_t i = 0; i < CHUNK; i++)
		bytes[i] = (char)(i * 31 >> 3);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct load up = { .chunk = span_of(bytes, CHUNK),
			.chunks = CHUNKS,
			.most = cases[i].most,
			.yield_all = cases[i].yield_all };
		struct load down = up;
		struct side server = { .ctx = talk_server("smtp", pki->p256_fd, ""),
			.body = receive_then_send,
			.arg = &down };
		struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, cases[i].protocols),
			.body = send_then_receive,
			.arg = &up };

		talk(&server, &client);
		if (up.last != VERDICT_OK || down.last != VERDICT_OK)
			fail_msg("%s: verdicts %d, %d", cases[i].name, up.last, down.last);
		if (down.got != up.sent || down.got_n != up.sent_n || up.got != down.sent ||
		    up.got_n != down.sent_n)
			fail_msg("%s: other bytes than were sent", cases[i].name);
		tls_context_free(server.ctx);
		tls_context_free(client.ctx);
		talk_forget(&server, &client);
	}
	mem_free(bytes);
}

SUSPENDS
static void
say_and_close(struct side *side)
{
	stream_write(side->s, span_lit("last words\r\n"));
	stream_flush(side->s, deadline_after_ms(WAIT_MS));
}

SUSPENDS
static void
say_and_cut(struct side *side)
{
	say_and_close(side);
	shutdown(stream_fd(side->s), SHUT_RDWR);
}

/* An attacker in the middle writes into the connection. */
SUSPENDS
static void
say_and_spoil(struct side *side)
{
	static const char junk[] = "\x17\x03\x03\x00\x20 not what the keys say.............";

	say_and_close(side);
	assert(send(stream_fd(side->s), junk, sizeof(junk), 0) == sizeof(junk));
}

SUSPENDS
static void
read_to_end(struct side *side)
{
	enum verdict *last = side->arg;
	struct span line;

	if (stream_read_line(side->s, LINE_CRLF, 1000, deadline_after_ms(WAIT_MS), &line) ==
	    VERDICT_OK)
		str_put(&side->heard, line);
	*last = stream_read_line(side->s, LINE_CRLF, 1000, deadline_after_ms(WAIT_MS), &line);
}

static void
test_end(void **state)
{
	static const struct {
		const char *name;
		side_fn *input;
		bool cut;
		bool eof;
	} cases[] = {
		{ "close_notify", say_and_close, false, true },
		{ "cut", say_and_cut, true, true },
		{ "spoilt", say_and_spoil, true, false },
	};
	const struct pki *pki = *state;

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t c = i / 2;
		enum verdict last = VERDICT_OK;
		struct side server = { .ctx = talk_server("smtp", pki->p256_fd, ""),
			.body = read_to_end,
			.arg = &last };
		struct side client = { .ctx = talk_client(
					   TLS_VERIFY_NONE, -1, i % 2 ? "TLSv1.2" : "TLSv1.3"),
			.body = cases[c].input };

		talk(&server, &client);
		assert_true(span_eq(str_span(&server.heard), span_lit("last words")));
		if (last == VERDICT_OK || (last == VERDICT_EOF) < cases[c].eof ||
		    server.cut != cases[c].cut)
			fail_msg(
			    "%s: verdict %d, %scut", cases[c].name, last, server.cut ? "" : "not ");
		tls_context_free(server.ctx);
		tls_context_free(client.ctx);
		talk_forget(&server, &client);
	}
}

/* A client that asks for another handshake (TLS 1.2), and then says its line. */
SUSPENDS
static void
renegotiate(struct side *side)
{
	const struct tls_info *info = stream_tls(side->s);
	const struct tls_transport *t =
	    (const struct tls_transport *)(const void *)((const char *)info -
							 offsetof(struct tls_transport, info));
	bool *refused = side->arg;

	SSL_clear_options(t->ssl, SSL_OP_NO_RENEGOTIATION);
	if (SSL_renegotiate(t->ssl) != 1 || SSL_do_handshake(t->ssl) == 1)
		return;
	for (int i = 0; i < 1000 && !*refused; i++) {
		fiber_yield();
		*refused =
		    SSL_do_handshake(t->ssl) != 1 && SSL_get_error(t->ssl, 0) == SSL_ERROR_SSL;
	}
}

static void
test_renegotiation(void **state)
{
	const struct pki *pki = *state;
	enum verdict last = VERDICT_OK;
	bool refused = false;
	struct side server = {
		.ctx = talk_server("smtp", pki->p256_fd, ""), .body = read_to_end, .arg = &last
	};
	struct side client = { .ctx = talk_client(TLS_VERIFY_NONE, -1, "TLSv1.2"),
		.body = renegotiate,
		.arg = &refused };

	talk(&server, &client);
	assert_true(refused);
	assert_int_not_equal(last, VERDICT_OK);
	tls_context_free(server.ctx);
	tls_context_free(client.ctx);
	talk_forget(&server, &client);
}

static int
setup(void **state)
{
	static struct pki pki;

	pki_make(&pki);
	*state = &pki;
	return 0;
}

static int
teardown(void **state)
{
	pki_free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_renegotiation),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
