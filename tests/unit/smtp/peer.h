/*
 * A scripted SMTP server on loopback, in fibers of the test's own loop. Each connection plays the
 * next script; a script is lines:
 *
 *	> TEXT		sends TEXT and CR LF
 *	raw TEXT	sends TEXT as it stands, "\n" as LF
 *	pour N TEXT	sends TEXT and CR LF N times
 *	< TEXT		reads a line that begins with TEXT
 *	data		reads a message up to its dot
 *	tls		a TLS handshake
 *	stall		says nothing until the client goes
 *	eof		the client goes
 *	close, reset	goes itself
 *
 * What was read is in `heard`, line by line; what was not as the script has it too, behind "?? ".
 */
#ifndef TESTS_SMTP_PEER_H
#define TESTS_SMTP_PEER_H

#include "base/str.h"
#include "event/listen.h"
#include "event/stream.h"
#include "event/tls.h"

#define PEER_SCRIPTS 4

struct peer {
	const char *scripts[PEER_SCRIPTS];
	unsigned played;
	int fd;
	uint16_t port;
	struct listener *listener;
	struct tls_context *tls;
	struct str heard;
	struct str message; /* the last one, as it came, with its dot */
};

/* N of them on 127.0.0.1, 127.0.0.2, ..., all on one port that is free. Scripts may be set until
 * somebody connects. */
void peers_start(struct peer *v, unsigned n);
/* Or on a local socket. */
void peer_start_unix(struct peer *p, const char *path);
/* Before loop_fini, when its sessions have ended; and after it. */
void peer_stop(struct peer *p);
void peer_free(struct peer *p);

#endif
