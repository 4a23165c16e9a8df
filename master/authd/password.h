/* Passwords against what the passwd file holds: "{SCHEME}hash", or crypt(3)'s form alone. */
#ifndef AUTHD_PASSWORD_H
#define AUTHD_PASSWORD_H

#include "base/err.h"

/*
 * For a thread: touches its arguments alone. VERDICT_OK: it is that; VERDICT_ABSENT: it is not;
 * VERDICT_PERM: no scheme of ours, or no hash of that scheme, ERR says which. Takes as long for a
 * wrong password as for the right one.
 */
enum verdict password_check(struct span stored, struct span password, struct err *err);
/* Can password_check work with it? Cheap. VERDICT_PERM as there. */
enum verdict password_known(struct span stored, struct err *err);
/*
 * Something to compute for who has no hash: of the kind that postuser makes. Needs
 * randomness; ends in NUL. 192 bytes are enough.
 */
bool password_dummy(char *out, size_t size);

#endif
