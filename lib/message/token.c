/*
 * Blanks, comments and quoted strings: RFC 5322 3.2. Called by the parsers of dates, address lists,
 * MIME fields and message-ids. Each call takes at least one byte and looks at none twice. Never
 * recurses, whatever nests, and always ends at the end of the field.
 */
#include "config.h"

#include "message/token.h"

static bool
is_gap(char c)
{
	return cclass_is(c, CC_SPACE) || c == '\0';
}

bool
token_skip_cfws(struct cursor *c)
{
	const char *from = c->p;

	while (!cursor_done(c)) {
		if (*c->p == '(')
			token_comment(c, NULL);
		else if (is_gap(*c->p))
			c->p++;
		else
			break;
	}
	return c->p != from;
}

static void
put_text(struct str *out, char byte)
{
	if (out && byte != '\r' && byte != '\n' && byte != '\0')
		str_putc(out, byte);
}

void
token_comment(struct cursor *c, struct str *out)
{
	size_t depth = 1;

	c->p++;
	while (!cursor_done(c)) {
		char byte = *c->p++;

		if (byte == '\\' && !cursor_done(c))
			byte = *c->p++;
		else if (byte == '(')
			depth++;
		else if (byte == ')' && --depth == 0)
			return;
		put_text(out, byte);
	}
}

void
token_quoted(struct cursor *c, struct str *out)
{
	c->p++;
	while (!cursor_done(c)) {
		char byte = *c->p++;

		if (byte == '"')
			return;
		if (byte == '\\' && !cursor_done(c))
			byte = *c->p++;
		put_text(out, byte);
	}
}
