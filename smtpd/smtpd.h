/* What one smtpd process keeps: made in prepare(), before the walls, and the same for all sessions.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "base/list.h"
#include "event/tls.h"
#include "message/queue_id.h"
#include "service/service.h"
#include "smtpd/resolved.h"

struct access_rules;

struct smtpd {
	struct service_ctx *ctx;
	struct queue_id_maker ids;
	struct access_rules *rules; /* the lists of restrictions, compiled */
	struct tls_context *tls;    /* NULL: TLS is not offered */
	struct resolved resolved;
	struct list sessions;
};

/*
 * Everything that can be wrong with the configuration is found here: VERDICT_PERM names the
 * parameter. CONF outlives what is made.
 */
enum verdict smtpd_prepare(struct service_ctx *ctx, struct err *err);
void smtpd_free(struct smtpd *smtpd);
/* A connection: a session begins, or the descriptor is closed. */
void smtpd_accept(struct service_ctx *ctx, int fd, unsigned listener);
/* No new work: when the suite stops, sessions that wait for a command are told at once. */
void smtpd_stop(struct service_ctx *ctx);

/* tls.c */
enum verdict tls_prepare(struct smtpd *smtpd, struct err *err);

#endif
