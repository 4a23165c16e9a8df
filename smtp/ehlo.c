/*
 * The reply to EHLO and LHLO: RFC 5321 4.1.1.1, with SIZE (RFC 1870), PIPELINING (RFC 2920),
 * 8BITMIME (RFC 6152), DSN (RFC 3461), STARTTLS (RFC 3207), AUTH (RFC 4954), SMTPUTF8 (RFC 6531).
 * Called by session.c after each EHLO, with nothing kept from the one before: what was said before
 * STARTTLS does not count. The reply's own bounds bound this.
 */
#include "smtp/ehlo.h"

#include "base/num.h"

static void
take_size(struct span args, struct ehlo *out)
{
	struct span word;

	if (span_token(&args, span_lit(" \t"), &word) &&
	    !num_parse_u64(word, UINT64_MAX, &out->size))
		out->size = 0;
}

static void
take_mechanisms(struct span args, struct ehlo *out)
{
	static const struct {
		const char *name;
		enum ehlo_mechanism mechanism;
	} rows[] = { { "PLAIN", EHLO_AUTH_PLAIN }, { "LOGIN", EHLO_AUTH_LOGIN } };
	struct span word;

	while (span_token(&args, span_lit(" \t="), &word))
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (span_eq_nocase(word, span_str(rows[i].name)))
				out->mechanisms |= rows[i].mechanism;
}

static const struct {
	const char *keyword;
	enum ehlo_feature feature;
	void (*take)(struct span args, struct ehlo *out);
} keywords[] = {
	{ "8BITMIME", EHLO_8BITMIME, NULL },
	{ "AUTH", EHLO_AUTH, take_mechanisms },
	{ "DSN", EHLO_DSN, NULL },
	{ "PIPELINING", EHLO_PIPELINING, NULL },
	{ "SIZE", EHLO_SIZE, take_size },
	{ "SMTPUTF8", EHLO_SMTPUTF8, NULL },
	{ "STARTTLS", EHLO_STARTTLS, NULL },
};

static void
take_line(struct span line, struct ehlo *out)
{
	struct span args = span_from(line, 4), word;

	/* "AUTH=LOGIN" is how it was written before RFC 2554. */
	if (!span_token(&args, span_lit(" \t="), &word))
		return;
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (!span_eq_nocase(word, span_str(keywords[i].keyword)))
			continue;
		out->features |= keywords[i].feature;
		if (keywords[i].take)
			keywords[i].take(args, out);
	}
}

void
ehlo_parse(struct span text, struct ehlo *out)
{
	struct span line;
	bool more;

	*out = (struct ehlo){ 0 };
	/* The first line is the server's name. */
	more = span_cut(text, '\n', &line, &text);
	while (more) {
		more = span_cut(text, '\n', &line, &text);
		take_line(line, out);
	}
}
