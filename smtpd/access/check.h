/*
 * Inside smtpd/access: one evaluation of restrictions. run.c runs programs, stages.c says when; the
 * others are the rules' chapters.
 */
#ifndef SMTPD_ACCESS_CHECK_H
#define SMTPD_ACCESS_CHECK_H

#include "smtpd/access/program.h"
#include "smtpd/ask.h"

#define ACCESS_DEPTH 10 /* classes within classes, and what tables say, within each other */

struct frame {
	const struct program *program;
	size_t at;
	enum subject about;
	bool warn;
};

/* An answer of rewrite's, kept for this command. */
struct table_answer {
	struct table_answer *next;
	struct span table;
	struct span key;
	enum lookup_kind how;
	uint8_t status; /* enum lookup_status */
	struct span value;
};

/* A question to a block list. */
struct rbl_ask {
	struct rbl_ask *next;
	struct span name; /* what is asked for */
	struct ask_dns ask;
	struct msg_dns_answer answer;
	enum verdict verdict;
	bool done;
};

/* One evaluation: all lists of one command. */
struct check {
	struct session *s;
	const struct conf *conf;
	struct access_rules *rules;
	struct arena arena;	      /* as long as the evaluation */
	enum access_list first, last; /* the lists of this stage */
	struct span rcpt;	      /* canonical; empty: none is at hand */
	struct err *err;

	struct frame frames[ACCESS_DEPTH];
	unsigned depth;
	bool warn;
	enum subject about;
	const struct program *call;
	enum subject call_about;

	const struct err *if_permit; /* the first restriction that could not decide */
	const struct err *if_reject;

	struct ipc_channel *rewrite;
	struct ipc_pending resolve; /* rewrite's word on the recipient */
	bool resolve_sent;
	bool resolve_done;
	struct msg_resolved *found;
	enum verdict found_verdict;
	struct err *found_err;

	struct table_answer *answers;
	struct rbl_ask *rbls;
};

/* run.c */
/* Runs one list. ACCESS_DUNNO, _OK, or _REJECT with check->err filled and logged. */
SUSPENDS enum access check_run(struct check *c, enum access_list list);
struct span subject_name(const struct check *c, enum subject about);
const char *subject_class(enum subject about);
/* The word in logs for where we are: "RCPT". */
const char *check_stage(const struct check *c);
/* "<name>: Class rejected: WHY", unless warn_if_reject stands before it. */
enum access check_reject(struct check *c, enum subject about, unsigned code, const char *dsn,
    const char *fmt, ...) PRINTF(5, 6);
/* The same with TEXT as a whole. */
enum access check_reject_text(struct check *c, unsigned code, const char *dsn, const char *fmt, ...)
    PRINTF(4, 5);
/* The same with a verdict as somebody else has made it. */
enum access check_reject_err(struct check *c, const struct err *why);
/* Refused at the end, unless something else does before. */
enum access check_defer_if_permit(struct check *c, enum subject about, unsigned code,
    const char *dsn, const char *fmt, ...) PRINTF(5, 6);
/* The same for lookups that failed; reject_tempfail_action says what it comes to. */
enum access check_lookup_failed(struct check *c, enum subject about, unsigned code, const char *dsn,
    const char *fmt, ...) PRINTF(5, 6);
enum access check_defer_if_reject(struct check *c, enum subject about, unsigned code,
    const char *dsn, const char *fmt, ...) PRINTF(5, 6);
/* A table says what it must not: 451 4.3.5, and WHY in the log. */
enum access check_misconfigured(struct check *c, const char *fmt, ...) PRINTF(2, 3);

/* destination.c */
/* What is kept of rewrite's word, and found again. */
struct resolved_about resolve_about(const struct check *c);
/* Waits for rewrite's word on the recipient: c->found or c->found_err. */
SUSPENDS enum verdict check_resolve(struct check *c);
/* The end of RCPT: a recipient that is nobody is refused whatever lists say. */
SUSPENDS enum access check_unlisted_recipient(struct check *c);
SUSPENDS enum access check_unlisted_sender(struct check *c);

/* tables.c */
/* VERDICT_OK, VERDICT_ABSENT, VERDICT_TEMP. One question for all tables of this command. */
SUSPENDS enum verdict table_ask(struct check *c, struct span table, enum lookup_kind how,
    struct span key, struct span *value_out);

/* rbl.c */
/* Is ADDRESS (4 bytes) an answer that lists, of those that PATTERN means? */
bool rbl_matches(struct span pattern, struct span address);

/* actions.c */
/* What VALUE, found in TABLE for what ABOUT is, says. */
enum access action_run(struct check *c, struct span table, enum subject about, struct span value);

#endif
