/*
 * The lexical pieces that structured header fields share (RFC 5322 3.2): blanks and folds,
 * comments, quoted strings. Comments nest by count, not by recursion; what has no end ends with the
 * field. For the parsers of this folder.
 */
#ifndef MESSAGE_TOKEN_H
#define MESSAGE_TOKEN_H

#include "base/cursor.h"
#include "base/str.h"

/* Past blanks, line ends, NULs and comments. True: there was something. */
bool token_skip_cfws(struct cursor *c);
/* At "(": past the comment; its text, unescaped, without the outer parentheses, goes to OUT unless
 * that is NULL. */
void token_comment(struct cursor *c, struct str *out);
/* At a quote: past the quoted string; its text, unescaped and without line ends and NULs, goes to
 * OUT unless that is NULL. */
void token_quoted(struct cursor *c, struct str *out);

#endif
