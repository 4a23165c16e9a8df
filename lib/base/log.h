/*
 * Log lines. Each kind of event has one function, in the module that sees it, which calls
 * log_event; everything a peer sent goes in through log_escape. Lines are gathered and leave at the
 * end of a loop turn, when log_flush is called. What cannot be written (the log daemon is behind)
 * is counted and said later: logging never blocks a process. This and the frozen configuration are
 * the only globals of a process; only its main thread may call what is here. Before log_open, lines
 * go to stderr.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/span.h"
#include "base/str.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_FATAL
};

/*
 * Where lines go: FD is a SOCK_SEQPACKET socket to the log daemon (each packet holds one or more
 * records), or a file descriptor such as stderr when PLAIN, which then gets "ident[pid]: text"
 * lines. The descriptor stays the caller's. A record on the socket is: one byte level ('0' + enum),
 * the wall clock's nanoseconds in LOG_TIME_DIGITS hexadecimal digits, the text, '\n'.
 */
#define LOG_TIME_DIGITS 16
void log_open(const char *ident, int fd, bool plain);
/* Lines below LEVEL are dropped. */
void log_set_level(enum log_level level);

/*
 * "warning: ", "error: " or "fatal: " is put before the text by level. Cut at LIMIT_LOG_LINE; never
 * fails, and leaves errno as it was.
 */
void log_event(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

/* Sends what was gathered. Called by the event loop each turn, and before exit. */
void log_flush(void);

/*
 * Peer bytes made printable: control characters, DEL and what is not UTF-8 become \ooo, backslash
 * becomes \\; cut at MAX bytes with "..." at the end. Returns text in a small ring of buffers,
 * valid for the next 7 calls.
 */
const char *log_escape(struct span bytes);

#endif
