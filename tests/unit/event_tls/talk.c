/*
 * The dialogue that most tests of TLS hold: a server and a client fiber over a pair of streams,
 * each with a context or without one. Asserts of cmocka jump, which a fiber must not: what was
 * found is left in struct side, and looked at when the loop has ended.
 */
#include "config.h"

#include "talk.h"

#include "base/mem.h"
#include "event/loop.h"

#define PATIENCE_MS 10000
#define LINE_MAX_N  1000
#define HEARD_MAX   65536

static uint64_t
deadline_of(const struct side *side)
{
	return deadline_after_ms(side->patience_ms ? side->patience_ms : PATIENCE_MS);
}

SUSPENDS
static void
side_shake(struct side *side)
{
	static const struct tls_client nobody;

	if (side->server)
		side->verdict = stream_start_tls_server(
		    side->s, side->ctx, deadline_of(side), &side->dropped, &side->err);
	else
		side->verdict = tls_client_start(side->s, side->ctx,
		    side->client ? side->client : &nobody, deadline_of(side), &side->err);
	if (side->verdict != VERDICT_OK)
		return;
	side->info = *stream_tls(side->s);
	str_puts(&side->sni, side->info.sni);
	tls_info_put(&side->line, &side->info);
}

/* The client speaks first, each says one line. */
SUSPENDS
static void
side_ping_pong(struct side *side)
{
	struct span line;

	if (!side->server)
		stream_write(side->s, span_lit("ping\r\n"));
	if (stream_read_line(side->s, LINE_CRLF, LINE_MAX_N, deadline_after_ms(PATIENCE_MS),
		&line) == VERDICT_OK)
		str_put(&side->heard, line);
	if (side->server)
		stream_write(side->s, span_lit("pong\r\n"));
	stream_flush(side->s, deadline_after_ms(PATIENCE_MS));
}

FIBER_MAIN static void
side_main(void *arg)
{
	struct side *side = arg;

	if (side->before)
		side->before(side);
	if (side->ctx)
		side_shake(side);
	if (side->verdict == VERDICT_OK)
		(side->body ? side->body : side_ping_pong)(side);
	if (side->s && stream_tls(side->s)) {
		side->cut = stream_tls(side->s)->cut;
		side->session = tls_session_get(side->s);
	}
	if (side->s)
		stream_free(side->s);
}

static void
side_init(struct side *side, bool server)
{
	side->server = server;
	side->verdict = VERDICT_OK;
	err_clear(&side->err);
	str_init(&side->sni, HEARD_MAX);
	str_init(&side->heard, HEARD_MAX);
	str_init(&side->line, HEARD_MAX);
	side->session = NULL;
	side->cut = false;
	side->dropped = 0;
	side->info = (struct tls_info){ 0 };
}

void
talk(struct side *server, struct side *client)
{
	loop_init();
	side_init(server, true);
	side_init(client, false);
	stream_pair(&server->s, &client->s);
	fiber_spawn("server", side_main, server);
	fiber_spawn("client", side_main, client);
	loop_run();
	loop_fini();
}

static void
side_forget(struct side *side)
{
	str_free(&side->sni);
	str_free(&side->heard);
	str_free(&side->line);
	tls_session_free(side->session);
	side->session = NULL;
}

void
talk_forget(struct side *server, struct side *client)
{
	side_forget(server);
	side_forget(client);
}

struct tls_context *
talk_server(const char *service, int chain_fd, const char *protocols)
{
	const struct tls_settings settings = {
		.service = service, .chain_fd = chain_fd, .ca_fd = -1, .protocols = protocols
	};
	struct err err = ERR_NONE;
	struct tls_context *ctx;
	enum verdict v = tls_context_new_server(&settings, &ctx, &err);

	assert(v == VERDICT_OK);
	return ctx;
}

struct tls_context *
talk_client(enum tls_verify verify, int ca_fd, const char *protocols)
{
	const struct tls_settings settings = { .service = "client",
		.chain_fd = -1,
		.ca_fd = ca_fd,
		.protocols = protocols,
		.verify = verify };
	struct err err = ERR_NONE;
	struct tls_context *ctx;
	enum verdict v = tls_context_new_client(&settings, &ctx, &err);

	assert(v == VERDICT_OK);
	return ctx;
}
