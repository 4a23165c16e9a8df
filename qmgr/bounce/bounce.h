/* One delivery report on its way: what the files of bounce share. */
#ifndef BOUNCE_BOUNCE_H
#define BOUNCE_BOUNCE_H

#include "message/queue_id.h"
#include "service/posting.h"

struct bounce {
	struct service_ctx *ctx;
	struct queue_id_maker ids;
};

/* What a kind of report says; one row each. */
struct notice_kind {
	const char *name; /* in logs: "non-delivery notification" */
	const char *subject;
	const char *copy_subject; /* of the postmaster's */
	const char *copy_class;	  /* of notify_classes: then the postmaster gets a copy; or NULL */
	struct span words;	  /* of the text part, before its list of recipients */
};

/* A report to one reader. */
struct notice {
	struct bounce *bounce;
	const struct conf *conf;
	const struct msg_bounce_report *msg;
	const struct notice_kind *kind;
	bool postmaster;  /* the reader is not the sender */
	bool utf8;	  /* the message was SMTPUTF8: RFC 6533's forms */
	bool encode;	  /* but the reader's host may not know them: base64 */
	struct span from; /* the report's envelope sender; empty: null */
	struct span to;
	struct span queue_id; /* the report's own */
	uint64_t now;	      /* wall clock, ns */
	struct str boundary;
	struct posting posting;
};

/* An answer to ipc_bounce_report; ARG is the service's context, whose state is a struct bounce. */
void bounce_report(struct ipc_request *req, const void *msg, void *arg);

/* kind.c: NULL for a number that is none. */
const struct notice_kind *notice_kind_find(unsigned kind);

/* compose.c: all of the report but the commit. VERDICT_TEMP: the original cannot be read. */
enum verdict notice_compose(struct notice *n, struct err *err);

/* A part of the report's multipart. What is put in is encoded if the notice says so. */
struct part {
	struct notice *n;
	struct str held; /* for base64: less than a line */
	bool encode;
};
/* TYPE: the Content-Type's value. EIGHT_BIT: it may hold bytes above 127. */
void part_begin(
    struct part *part, struct notice *n, const char *description, const char *type, bool eight_bit);
void part_put(struct part *part, struct span bytes);
void part_end(struct part *part);

/* status.c: the machine's part (RFC 3464 2). */
void status_put(struct notice *n);
/* What a remote server said, and who it is, when TEXT is an agent's "host NAME[ADDRESS] said: REPLY
 * (in reply to COMMAND)"; false: it is not, and all of TEXT is *REPLY_OUT. */
bool status_remote(struct span text, struct span *name_out, struct span *reply_out);
/* TEXT in what the report may hold: controls become "?", and bytes above 127 do when it is ASCII.
 */
bool notice_put_plain(const struct notice *n, struct str *out, struct span text);

/* original.c: the message as it was, or its header. */
enum verdict original_put(struct notice *n, struct err *err);

#endif
