/*
 * Values of MIME's own fields: "type/subtype; name=value; ..." (RFC 2045 5, RFC 2183) with the
 * continuations and charsets of RFC 2231. Bounded by LIMIT_MIME_PARAMS; what is more is left out.
 * Results lie in the caller's arena or point into the value.
 */
#ifndef MESSAGE_MIME_FIELD_H
#define MESSAGE_MIME_FIELD_H

#include "base/arena.h"
#include "base/str.h"

struct mime_param {
	struct span name;  /* as written, without RFC 2231's "*0" and "*" */
	struct span value; /* unquoted, pieces joined; for extended ones "charset'language'text",
			      percent encoded */
	bool extended;	   /* the name had a "*" at its end */
};

struct mime_value {
	struct span type;    /* of Content-Type: the type; of Content-Disposition: all of it */
	struct span subtype; /* of Content-Type alone */
	struct mime_param *param;
	size_t param_count;
	bool limited; /* something was left out: too many parameters, or ARENA is full */
};

/* VALUE as it stands in the message, folds and all. False when there is no "type/subtype" in front:
 * RFC 2045 5.2 holds. */
bool mime_type_parse(struct span value, struct arena *arena, struct mime_value *out);
/* False when there is no token in front. */
bool mime_disposition_parse(struct span value, struct arena *arena, struct mime_value *out);

/* The extended one of two with the same name; NULL when there is none. */
const struct mime_param *mime_param_find(const struct mime_value *value, struct span name);
/* As UTF-8 on one line, percent escapes or encoded words (which some mailers put there) decoded. */
bool mime_param_put_text(struct str *out, const struct mime_param *param);

#endif
