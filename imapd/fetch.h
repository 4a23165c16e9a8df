/*
 * FETCH (RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 7162 3.1.4): what was asked for, and the answer for
 * one message.
 */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include "imapd/letter.h"
#include "imapd/section.h"
#include "imapd/session.h"

#define FETCH_BLOCK 262144 /* bytes of a message that are read at a time */
#define FETCH_PIECE                                                                   \
	(FETCH_BLOCK / 2) /* a piece that is smaller lies in one block, with all that \
			     tells its length */

struct fetch_job;
struct fetch_item;

/* Appends "NAME value" of one message to the job's output. */
typedef enum verdict fetch_put_fn(
    struct fetch_job *job, const struct fetch_item *item, struct err *err);

enum fetch_kind_trait {
	FETCH_SECTION = 1, /* "[...]" follows the name */
	FETCH_SEEN = 2,	   /* reading it is reading the message: \Seen is set */
	FETCH_TEXTS = 4,   /* the section may name headers */
	FETCH_PARTIAL = 8, /* and bytes of it */
	FETCH_FLAGS = 16,
	FETCH_CONDSTORE = 32, /* who asks for it knows RFC 7162 */
};

struct fetch_kind {
	struct span name;  /* as asked for */
	struct span shown; /* as answered; empty: the same */
	unsigned traits;
	enum section_what what; /* of RFC822 and its kin, which are sections by another name */
	SUSPENDS fetch_put_fn *put;
};

struct fetch_item {
	const struct fetch_kind *kind;
	struct section section;
	struct span label; /* the name as it is shown, section and all */
};

/* A FETCH command's arguments after its set. */
struct fetch {
	const struct fetch_item *item; /* in the order of the answer; UID is not among them */
	size_t n;
	bool uid;
	bool flags;		/* FLAGS is among them */
	bool modseq;		/* MODSEQ is to be told, asked for or not */
	bool seen;		/* \Seen is to be set */
	bool condstore;		/* the client has shown that it knows RFC 7162 */
	uint64_t changed_since; /* 0: all */
	bool vanished;		/* RFC 7162 3.2.6 */
	struct args_part part;	/* of the set: RFC 9394 3.3 */
};

/* "(items)", "ALL", ..., and " (modifiers)". UID: of UID FETCH. */
bool fetch_parse(struct args *a, bool uid, struct fetch *out);
/* By name, without its section. NULL: there is none. */
const struct fetch_kind *fetch_kind_find(struct span name, bool section);

/* One command's way through its messages. */
struct fetch_job {
	struct session *session;
	const struct fetch *fetch;
	struct letter letter;
	struct str out;	    /* answers that are not sent yet */
	struct str scratch; /* a block of a message as it is stored */
	size_t begin;	    /* of this message's answer in OUT */
	bool cut;	    /* a part of this message's answer has been sent */
};

void fetch_begin(struct fetch_job *job, struct session *s, const struct fetch *fetch);
/* Sends the rest. False: the client is gone. */
SUSPENDS bool fetch_end(struct fetch_job *job);
/*
 * "* N FETCH (...)" of the message with index I. SEEN: \Seen has been set by this command, so FLAGS
 * are told. After a verdict that is not VERDICT_OK nothing was told of this message; VERDICT_EOF:
 * the client is gone, or had to be left, since a literal could not be ended.
 */
SUSPENDS enum verdict fetch_message(
    struct fetch_job *job, size_t i, const struct mail *mail, bool seen, struct err *err);

/* Sends what has gathered. */
SUSPENDS enum verdict fetch_send(struct fetch_job *job);
/* The same, if it is much. */
SUSPENDS enum verdict fetch_flush(struct fetch_job *job);

/*
 * fetch_range.c: the bytes of X, which lie in the letter's open file, as a literal with CRLF line
 * ends, or the piece of them that SECTION asks for. Its length is always right; what the file
 * turned out not to have ends the connection.
 */
SUSPENDS enum verdict fetch_put_range(struct fetch_job *job, const struct mime_extent *x,
    const struct section *section, struct err *err);

/* fetch_body.c, fetch_binary.c */
SUSPENDS fetch_put_fn fetch_put_body;
SUSPENDS fetch_put_fn fetch_put_binary;
SUSPENDS fetch_put_fn fetch_put_binary_size;

#endif
