/*
 * Command lines (RFC 1939 3, RFC 2449 3): a keyword, a blank, parameters. Called by both halves for
 * each line of a client, who may be anybody. Pure functions over the line's bytes: what they give
 * points into it. Numbers are digits and nothing else, and never wrap around.
 */
#include "base/cclass.h"
#include "base/num.h"
#include "pop3d/pop3.h"

bool
pop3_line_split(struct span line, struct pop3_line *out)
{
	*out = (struct pop3_line){ .message = 0 };
	for (size_t i = 0; i < line.n; i++) {
		if (cclass_is(line.p[i], CC_CTL) && line.p[i] != '\t')
			return false;
	}
	span_cut(line, ' ', &out->verb, &out->text);
	return out->verb.n > 0;
}

/* One number of a message, from 1. */
static bool
message_parse(struct span text, uint64_t *out)
{
	return num_parse_u64(text, UINT32_MAX, out) && *out > 0;
}

bool
pop3_args_none(struct pop3_line *line)
{
	return span_trim(line->text).n == 0;
}

bool
pop3_args_text(struct pop3_line *line)
{
	return span_trim(line->text).n > 0;
}

bool
pop3_args_any(struct pop3_line *line)
{
	(void)line;
	return true;
}

bool
pop3_args_message(struct pop3_line *line)
{
	return message_parse(span_trim(line->text), &line->message);
}

bool
pop3_args_message_or_none(struct pop3_line *line)
{
	return pop3_args_none(line) || pop3_args_message(line);
}

bool
pop3_args_message_lines(struct pop3_line *line)
{
	struct span message, lines;

	span_cut(span_trim(line->text), ' ', &message, &lines);
	return message_parse(message, &line->message) &&
	       num_parse_u64(span_trim(lines), UINT64_MAX, &line->lines);
}
