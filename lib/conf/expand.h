/*
 * $name and its kin in text: main.cf values, and what is expanded when mail comes by (forward_path,
 * default_rbl_reply).
 *
 *   $name ${name} $(name)        the value
 *   ${name?text} ${name?{text}}  text when the value is not empty
 *   ${name:text} ${name:{text}}  text when it is empty or not defined
 *   ${name?{a}:{b}}              a or b
 *   ${{x} == {y} ? {a}:{b}}      == != < <= >= >: as numbers when both are, else as bytes; <level
 * and kin as versions
 *   $$                           a dollar sign
 */
#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H

#include "base/err.h"
#include "base/str.h"

/*
 * The value of NAME, which must stay valid until the expansion ends; false when it is not defined.
 * TEST: it is asked for by ${name?...} or ${name:...} only, where undefined is as good as empty.
 */
typedef bool conf_lookup_fn(struct span name, bool test, struct span *value_out, void *arg);

struct conf_expand {
	conf_lookup_fn *lookup;
	void *arg;
	bool nested; /* values are expanded in their turn; never for values that a peer or a user
			had a hand in */
};

/*
 * Appends TEXT, expanded, to *OUT. VERDICT_PERM and *ERR: bad syntax, a loop (which is named), more
 * than LIMIT_CONF_DEPTH levels, LIMIT_CONF_STEPS steps or OUT's cap.
 */
enum verdict conf_expand(
    const struct conf_expand *how, struct span text, struct str *out, struct err *err);

/* The next name that TEXT refers to, taken off its front; false when there is no more. */
bool conf_reference_next(struct span *text, struct span *name_out);

#endif
