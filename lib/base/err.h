/*
 * What became of a call. Everything that can fail outside of bugs returns a verdict and, when it is
 * not VERDICT_OK, has filled a struct err. The same value that the deepest lookup filled becomes
 * the SMTP reply, the line in the delivery report and the log line: nobody translates it on the
 * way.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/limits.h"
#include "base/span.h"

enum verdict {
	VERDICT_OK = 0,
	VERDICT_ABSENT,	   /* it was looked for and is not there: an answer, not a failure */
	VERDICT_TEMP,	   /* failed now, may work later: 4xx, deferred, try-later */
	VERDICT_PERM,	   /* failed for good: 5xx, bounced, malformed */
	VERDICT_EOF,	   /* the peer closed its end, at a place where that is allowed or not */
	VERDICT_TIMEOUT,   /* the deadline passed */
	VERDICT_CANCELLED, /* somebody cancelled this fiber: undo and return at once */
	VERDICT_LIMIT,	   /* a limit of limits.h or of the caller was reached */
};

/* RFC 3463: class.subject.detail; class 0 means none was given. */
struct dsn_code {
	uint8_t class;
	uint16_t subject;
	uint16_t detail;
};

struct err {
	enum verdict verdict;
	uint16_t reply;	     /* SMTP reply code (RFC 5321 4.2), 0: none was given */
	struct dsn_code dsn; /* enhanced status code */
	int sys;	     /* errno, or 0 */
	char text[LIMIT_ERR_TEXT];
};

#define ERR_NONE                      \
	{                             \
		.verdict = VERDICT_OK \
	}

/*
 * Fill *ERR and return V, so that a failing line reads `return err_set(err, VERDICT_PERM, "...")`.
 * Text that does not fit is cut; bytes that are not printable ASCII or UTF-8 are escaped. ERR may
 * be NULL.
 */
enum verdict err_set(struct err *err, enum verdict v, const char *fmt, ...) PRINTF(3, 4);
/* With errno SYS, whose text is added: "open /x: Permission denied". The verdict is always TEMP. */
enum verdict err_sys(struct err *err, int sys, const char *fmt, ...) PRINTF(3, 4);
/*
 * A verdict on mail: REPLY (2xx: OK, 5xx: PERM, all else: TEMP, as a peer may say anything) and
 * DSN, as "5.1.1"; NULL or malformed: none. The reply is told even when ERR is NULL, by the
 * verdict.
 */
enum verdict err_mail(struct err *err, unsigned reply, const char *dsn, const char *fmt, ...)
    PRINTF(4, 5);
/* Puts "what: " before the text and returns the verdict that is there. ERR is not NULL. */
enum verdict err_wrap(struct err *err, const char *fmt, ...) PRINTF(2, 3);
void err_clear(struct err *err);

static inline struct span
err_text(const struct err *err)
{
	return span_str(err->text);
}

/* "5.1.1" -> the three numbers; false when it is not one. */
bool dsn_code_parse(struct span s, struct dsn_code *out);
/* Fits in 12 bytes with its NUL. */
const char *dsn_code_text(struct dsn_code code, char text_out[12]);

#endif
