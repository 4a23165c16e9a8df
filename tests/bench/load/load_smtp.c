/*
 * SMTP: sessions that greet and then wait, and sessions that make a TLS handshake and leave. Called
 * by mailload.c.
 */
#include "config.h"

#include "tests/bench/load/load.h"

SUSPENDS static void
smtp_begin(struct stream *io)
{
	load_smtp_reply(io, "220");
	load_say(io, "EHLO client.example.net\r\n");
	load_smtp_reply(io, "250");
}

SUSPENDS static void
smtp_starttls(struct lane *lane, struct stream *io)
{
	struct tls_client client = { .resume = lane->load->resume ? lane->session : NULL };
	struct err err = ERR_NONE;

	load_say(io, "STARTTLS\r\n");
	load_smtp_reply(io, "220");
	if (tls_client_start(
		io, lane->load->client, &client, deadline_after_s(LOAD_WAIT_S), &err) != VERDICT_OK)
		load_fail("TLS", err_text(&err));
	lane->load->resumed += stream_tls(io)->resumed;
}

/* Stays open, and belongs to nobody: the program ends with it. */
SUSPENDS void
load_smtp_idle(struct lane *lane, unsigned n)
{
	struct stream *io = load_connect(lane->load);

	(void)n;
	smtp_begin(io);
	if (!lane->load->tls)
		return;
	smtp_starttls(lane, io);
	load_say(io, "EHLO client.example.net\r\n");
	load_smtp_reply(io, "250");
}

SUSPENDS void
load_smtp_tls(struct lane *lane, unsigned n)
{
	struct stream *io = load_connect(lane->load);

	(void)n;
	smtp_begin(io);
	smtp_starttls(lane, io);
	load_say(io, "QUIT\r\n");
	load_smtp_reply(io, "221");
	if (lane->session)
		tls_session_free(lane->session);
	lane->session = tls_session_get(io);
	stream_free(io);
}
