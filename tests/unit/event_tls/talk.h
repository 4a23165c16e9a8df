/* Two fibers over a pair of streams, one the TLS server, one the client. */
#ifndef TESTS_EVENT_TLS_TALK_H
#define TESTS_EVENT_TLS_TALK_H

#include "event/stream.h"
#include "event/tls.h"

struct side;

/* A part of the dialogue. May suspend. */
typedef void side_fn(struct side *side);

struct side {
	/* Given */
	struct tls_context *ctx;
	const struct tls_client *client; /* client only; NULL: no name */
	uint64_t patience_ms;		 /* of the handshake; 0: 10 s */
	side_fn *before;		 /* in clear, before the handshake; NULL: nothing */
	side_fn *body;			 /* NULL: ping and pong */
	void *arg;
	/* Found */
	struct stream *s;
	enum verdict verdict; /* of the handshake */
	struct err err;
	size_t dropped;
	struct tls_info info; /* texts: static ones only, and sni */
	struct str sni;
	struct str line;	     /* what tls_info_put makes of it */
	struct str heard;	     /* by ping and pong */
	bool cut;		     /* when the body had run */
	struct tls_session *session; /* client: what there was to resume when the body had run */
	bool server;
};

/* Runs the dialogue in a loop of its own and returns when both have ended. */
void talk(struct side *server, struct side *client);
/* Frees what was found. */
void talk_forget(struct side *server, struct side *client);

/* Shorthand: contexts with a protocol list; assert that they can be made. */
struct tls_context *talk_server(const char *service, int chain_fd, const char *protocols);
struct tls_context *talk_client(enum tls_verify verify, int ca_fd, const char *protocols);

#endif
