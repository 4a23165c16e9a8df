/*
 * The list of protocols as Postfix writes it (postconf(5), smtpd_tls_protocols): ">=TLSv1.2",
 * "<=TLSv1.2", names to take and "!names" to leave out, separated by commas, blanks or colons. A
 * bound may be a protocol number, "0303". Once a name is taken, names not taken are left out.
 * Called by tls_context.c; owns nothing. SSLv2 and SSLv3 are known as words but never spoken (RFC
 * 6176, RFC 7568).
 */
#include "config.h"

#include <openssl/ssl.h>

#include "base/num.h"
#include "event/tls_private.h"

#define PROTOCOL_MAX_NUMBER 0xffff

static const struct protocol {
	struct span name;
	int version;
	bool spoken;
	uint64_t off;
} protocols[] = {
	{ SPAN("SSLv2"), 0x0002, false, 0 },
	{ SPAN("SSLv3"), SSL3_VERSION, false, 0 },
	{ SPAN("TLSv1"), TLS1_VERSION, true, SSL_OP_NO_TLSv1 },
	{ SPAN("TLSv1.1"), TLS1_1_VERSION, true, SSL_OP_NO_TLSv1_1 },
	{ SPAN("TLSv1.2"), TLS1_2_VERSION, true, SSL_OP_NO_TLSv1_2 },
	{ SPAN("TLSv1.3"), TLS1_3_VERSION, true, SSL_OP_NO_TLSv1_3 },
};

struct choice {
	int floor;
	int ceiling;
	bool any_taken;
	bool taken[ARRAY_LEN(protocols)];
	bool left_out[ARRAY_LEN(protocols)];
};

static bool
protocol_find(struct span name, size_t *index_out)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (span_eq_nocase(name, protocols[i].name)) {
			*index_out = i;
			return true;
		}
	return false;
}

/* A bound: a name, or four hexadecimal digits with or without "0x". */
static bool
bound_parse(struct span word, int *version_out)
{
	size_t index;
	uint64_t number;

	if (protocol_find(word, &index)) {
		*version_out = protocols[index].version;
		return true;
	}
	if (span_starts_nocase(word, span_lit("0x")))
		word = span_from(word, 2);
	if (word.n != 4 || !num_parse_hex(word, &number) || number > PROTOCOL_MAX_NUMBER)
		return false;
	*version_out = (int)number;
	return true;
}

static bool
choice_add(struct choice *choice, struct span word)
{
	size_t index;

	if (span_starts(word, span_lit(">=")))
		return bound_parse(span_from(word, 2), &choice->floor);
	if (span_starts(word, span_lit("<=")))
		return bound_parse(span_from(word, 2), &choice->ceiling);
	if (span_starts(word, span_lit("!"))) {
		if (!protocol_find(span_from(word, 1), &index))
			return false;
		choice->left_out[index] = true;
		return true;
	}
	if (!protocol_find(word, &index))
		return false;
	choice->any_taken = choice->taken[index] = true;
	return true;
}

static bool
choice_allows(const struct choice *choice, size_t index)
{
	const struct protocol *p = &protocols[index];

	return p->spoken && p->version >= choice->floor && p->version <= choice->ceiling &&
	       !choice->left_out[index] && (!choice->any_taken || choice->taken[index]);
}

enum verdict
tls_protocols_parse(struct span text, struct tls_protocols *out, struct err *err)
{
	struct choice choice = { .floor = 0, .ceiling = PROTOCOL_MAX_NUMBER };
	struct span rest = text;
	struct span word;

	*out = (struct tls_protocols){ 0 };
	while (span_token(&rest, span_lit(", \t\r\n:"), &word))
		if (!choice_add(&choice, word))
			return err_set(err, VERDICT_PERM,
			    "TLS protocols \"%.*s\": unknown \"%.*s\"", SPAN_ARG(text),
			    SPAN_ARG(word));
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (!choice_allows(&choice, i)) {
			out->options |= protocols[i].off;
			continue;
		}
		if (!out->min)
			out->min = protocols[i].version;
		out->max = protocols[i].version;
	}
	if (!out->min)
		return err_set(
		    err, VERDICT_PERM, "TLS protocols \"%.*s\": none is left", SPAN_ARG(text));
	if (out->max == TLS1_3_VERSION && choice.ceiling == PROTOCOL_MAX_NUMBER)
		out->max = 0;
	return VERDICT_OK;
}
