/*
 * IMAP strings: RFC 9051 4.3. Called by the builders of ENVELOPE and BODYSTRUCTURE and by imapd for
 * all other text it sends. A string that could end a quoted string or a line goes as a literal,
 * whose length says where it ends. Never lets a NUL out.
 */
#include "config.h"

#include "base/cclass.h"
#include "message/envelope.h"

#define QUOTED_MAX 1000 /* bytes: longer ones go as literals, for clients with line buffers */

static bool
is_quotable(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (cclass_is(s.p[i], CC_8BIT) || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	}
	return s.n <= QUOTED_MAX;
}

static size_t
count_nuls(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\0';
	return n;
}

static void
put_literal(struct str *out, struct span s)
{
	str_printf(out, "{%zu}\r\n", s.n - count_nuls(s));
	while (s.n > 0) {
		size_t nul = span_find(s, '\0');

		str_put(out, span_head(s, nul));
		s = span_from(s, nul + 1);
	}
}

/* How much of S stands for itself between quotes. */
static size_t
plain_run(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '"' && s.p[n] != '\\' && s.p[n] != '\0')
		n++;
	return n;
}

bool
imap_put_string(struct str *out, struct span s)
{
	if (!is_quotable(s)) {
		put_literal(out, s);
		return !out->full;
	}
	str_putc(out, '"');
	while (s.n > 0) {
		size_t n = plain_run(s);

		str_put(out, span_head(s, n));
		if (n < s.n && s.p[n] != '\0') {
			str_putc(out, '\\');
			str_putc(out, s.p[n]);
		}
		s = span_from(s, n + 1);
	}
	return str_putc(out, '"');
}

bool
imap_put_nstring(struct str *out, struct span s)
{
	return s.p ? imap_put_string(out, s) : str_puts(out, "NIL");
}
