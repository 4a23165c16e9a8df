/*
 * Replies: the one place where status lines of POP3 are written (RFC 1939 3, RFC 2449 3 and 8), and
 * the table of capabilities. Called by both halves. A line is at most 512 bytes and holds nothing
 * that ends it early, whatever text went into it: control characters become blanks.
 */
#include <stdarg.h>

#include "base/cclass.h"
#include "base/utf8.h"
#include "pop3d/pop3.h"

#define REPLY_LINE 510 /* bytes before CR LF: RFC 1939 3 */
#define REPLY_TEXT 2048

SUSPENDS static void
reply_put(struct stream *io, struct str *line)
{
	str_cut(line, utf8_cut(str_span(line), REPLY_LINE));
	for (size_t i = 0; i < line->n; i++) {
		if (cclass_is(line->p[i], CC_CTL))
			line->p[i] = ' ';
	}
	str_puts(line, "\r\n");
	/* A client that is gone is noticed by the next read. */
	(void)stream_write(io, str_span(line));
	str_free(line);
}

SUSPENDS void
pop3_ok(struct stream *io, const char *fmt, ...)
{
	struct str line = STR_INIT(REPLY_TEXT);
	va_list ap;

	str_puts(&line, "+OK ");
	va_start(ap, fmt);
	str_vprintf(&line, fmt, ap);
	va_end(ap);
	reply_put(io, &line);
}

SUSPENDS void
pop3_err(struct stream *io, const char *code, const char *fmt, ...)
{
	struct str line = STR_INIT(REPLY_TEXT);
	va_list ap;

	str_puts(&line, "-ERR ");
	if (*code)
		str_printf(&line, "[%s] ", code);
	va_start(ap, fmt);
	str_vprintf(&line, fmt, ap);
	va_end(ap);
	reply_put(io, &line);
}

static const struct span mechanisms[] = { SPAN("PLAIN"), SPAN("LOGIN") };

bool
pop3_mechanism_offered(const struct conf *conf, struct span mechanism)
{
	struct span rest = conf->auth_mechanisms, word;
	bool listed = false, known = false;

	while (conf_list_next(&rest, &word))
		listed = listed || span_eq_nocase(word, mechanism);
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		known = known || span_eq_nocase(mechanisms[i], mechanism);
	return listed && known;
}

void
pop3_mechanisms_put(const struct conf *conf, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (pop3_mechanism_offered(conf, mechanisms[i]))
			str_printf(out, " %.*s", SPAN_ARG(mechanisms[i]));
}

/*
 * What is told in either state (RFC 2449 5 demands it of what is good before the login), and when.
 * EXPIRE NEVER: we remove nothing by ourselves. UTF8 comes without USER: names and passwords are
 * taken as they are, which RFC 6856 2.2 would have prepared.
 */
enum capability_needs { ALWAYS, NEEDS_PASSWORDS, NEEDS_STLS };

static const struct capability {
	const char *line;
	enum capability_needs needs;
} capabilities[] = {
	{ "TOP", ALWAYS },
	{ "UIDL", ALWAYS },
	{ "RESP-CODES", ALWAYS },
	{ "AUTH-RESP-CODE", ALWAYS },
	{ "PIPELINING", ALWAYS },
	{ "EXPIRE NEVER", ALWAYS },
	{ "UTF8", ALWAYS },
	{ "STLS", NEEDS_STLS },
	{ "USER", NEEDS_PASSWORDS },
};

static bool
capability_holds(const struct capability *c, const struct pop3_offer *offer)
{
	return c->needs == ALWAYS || (c->needs == NEEDS_STLS && offer->stls) ||
	       (c->needs == NEEDS_PASSWORDS && offer->passwords);
}

SUSPENDS void
pop3_capa(struct stream *io, const struct conf *conf, const struct pop3_offer *offer)
{
	struct str text = STR_INIT(REPLY_TEXT), sasl = STR_INIT(REPLY_LINE);

	str_puts(&text, "+OK capabilities follow\r\n");
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		if (capability_holds(&capabilities[i], offer))
			str_printf(&text, "%s\r\n", capabilities[i].line);
	pop3_mechanisms_put(conf, &sasl);
	if (offer->passwords && sasl.n > 0)
		str_printf(&text, "SASL%.*s\r\n", SPAN_ARG(str_span(&sasl)));
	str_puts(&text, "IMPLEMENTATION Postern\r\n.\r\n");
	(void)stream_write(io, str_span(&text));
	str_free(&sasl);
	str_free(&text);
}
