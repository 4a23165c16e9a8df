/*
 * BODY's sections (RFC 9051 6.4.5.1): which bytes of a message "[1.2.HEADER.FIELDS (From)]<0.512>"
 * names.
 */
#ifndef IMAPD_SECTION_H
#define IMAPD_SECTION_H

#include "imapd/args.h"
#include "imapd/letter.h"

enum section_what {
	SECTION_ALL,
	SECTION_HEADER,
	SECTION_FIELDS,	    /* HEADER.FIELDS */
	SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT */
	SECTION_TEXT,
	SECTION_MIME,
};

struct section {
	enum section_what what;
	const uint32_t *part; /* numbers */
	size_t depth;
	const struct span *field; /* names */
	size_t fields;
	bool cached; /* CACHE_HEADERS has all that is asked for */
	bool partial;
	uint64_t from; /* bytes, CRLF line ends */
	uint64_t count;
};

/* "[...]" and what may follow it; TELLS: BODY's, whose sections may name headers (BINARY's may
 * not). */
bool section_parse(struct args *a, bool tells, struct section *out);
/* As FETCH shows it: "[1.HEADER.FIELDS (From)]<0>"; names of fields as they were asked for. */
bool section_put(struct str *out, const struct section *s);
/* Is it the message, as it is stored? */
static inline bool
section_is_whole(const struct section *s)
{
	return s->what == SECTION_ALL && s->depth == 0;
}
/* Which part's bytes they are, NULL: there is no such part. */
const struct mime_part *section_part(const struct section *s, const struct mime_part *root);
/*
 * Where in the file they are; NULL when there is no such part. Not for the whole message, which no
 * extent tells. FIELDS: the header that they are to be taken from.
 */
const struct mime_extent *section_find(const struct section *s, const struct mime_part *root);
/* Is the field one of those that the section wants? */
bool section_wants(const struct section *s, struct span name);

#endif
