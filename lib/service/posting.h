/*
 * Bringing a message into the queue, for daemons that write mail themselves (bounce, pickup): a
 * file from qmgr, content appended to it, recipients resolved by rewrite, one commit. The same door
 * as smtpd's: what was committed would survive a power cut, and what was not never was.
 */
#ifndef SERVICE_POSTING_H
#define SERVICE_POSTING_H

#include "base/map.h"
#include "message/content.h"
#include "service/service.h"

struct posting {
	struct service_ctx *ctx;
	uint64_t trace;
	struct arena arena; /* of recipients */
	struct msg_queue_opened file;
	bool opened;
	struct str gathered; /* content on its way to the file */
	struct content content;
	uint32_t crc;
	int write_error; /* errno of the first write that failed, or 0 */
	struct item_recipient *recipients;
	uint32_t recipients_n;
	uint32_t recipients_room;
	struct map known; /* recipients by address: nobody gets a message twice */
};

/* What does not follow from content and recipients. Spans are the caller's. */
struct posting_envelope {
	struct span queue_id;
	uint64_t arrived;   /* wall clock, ns */
	struct span sender; /* canonical; empty: the null sender */
	struct span envid;
	uint8_t ret;
	uint32_t flags; /* enum message_flag; what the content tells is added */
};

/* SIZE_HINT: bytes, or 0. VERDICT_TEMP: qmgr does not take mail now. Whatever the verdict,
 * posting_end is due. */
SUSPENDS enum verdict posting_begin(struct posting *p, struct service_ctx *ctx, uint64_t trace,
    uint64_t size_hint, struct err *err);
/* Lines end with CR LF. What goes wrong, posting_commit says. */
void posting_put(struct posting *p, struct span bytes);
/*
 * Adds what ASK->address (as a user or an option wrote it) resolves to for SENDER, with ASK's orcpt
 * and notify. VERDICT_PERM: there is no such recipient, TEMP: it cannot be known now.
 */
SUSPENDS enum verdict posting_resolve(
    struct posting *p, const struct item_recipient *ask, struct span sender, struct err *err);
/* Adds R as it is, unless its address is known; false: there are too many. Texts are copied. */
bool posting_add(struct posting *p, const struct item_recipient *r);
/* The message is durable when this is VERDICT_OK. */
SUSPENDS enum verdict posting_commit(
    struct posting *p, const struct posting_envelope *env, struct err *err);
/* Gives up what was not committed. */
void posting_end(struct posting *p);

#endif
