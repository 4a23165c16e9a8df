/*
 * Accepting connections: one fiber takes them from a listening socket that master bound, and spawns
 * a session fiber for each. When descriptors run out (EMFILE) it pauses instead of spinning: the
 * spare one it holds goes to the sessions that are open, and it accepts again when it has got a
 * spare one back.
 */
#ifndef EVENT_LISTEN_H
#define EVENT_LISTEN_H

#include "event/fiber.h"

struct listener;

/* Called on the accepting fiber; it must not suspend. The descriptor is the callee's. */
typedef void accept_fn(int fd, void *arg);

/* FD stays the caller's, made non-blocking. At most MAX connections are open that were not given
 * back. */
struct listener *listener_start(int fd, unsigned max, accept_fn *fn, void *arg);
/* A connection that FN was given has ended. */
void listener_done(struct listener *l);
unsigned listener_open(const struct listener *l);
/* Accepts no more (the sockets stay open: others accept). Sessions go on. */
void listener_stop(struct listener *l);
/* Only when listener_open is 0. */
void listener_free(struct listener *l);

#endif
