/*
 * Logical lines of main.cf and master.cf: a line that begins with a blank continues the one before
 * it; empty lines and those whose first visible character is # count for nothing, even in between.
 * Called by the parsers of both files and by the editor behind postconf -e. Owns the joined text;
 * the file's size bounds it.
 */
#include "conf/lines.h"
#include "base/cclass.h"

bool
conf_line_take(struct span *rest, struct span *line_out, enum conf_line_kind *kind_out)
{
	const size_t end = span_find(*rest, '\n');
	struct span visible;

	if (rest->n == 0)
		return false;
	*line_out = span_head(*rest, end);
	*rest = span_from(*rest, end + 1);
	visible = span_trim(*line_out);
	if (visible.n == 0 || visible.p[0] == '#')
		*kind_out = CONF_LINE_COMMENT;
	else
		*kind_out =
		    cclass_is(line_out->p[0], CC_BLANK) ? CONF_LINE_CONTINUED : CONF_LINE_START;
	return true;
}

void
conf_lines_init(struct conf_lines *lines, struct span text)
{
	*lines =
	    (struct conf_lines){ .rest = text, .at = 1, .text = STR_INIT(LIMIT_CONF_FILE + 1) };
}

bool
conf_lines_next(struct conf_lines *lines)
{
	struct span rest = lines->rest, line;
	enum conf_line_kind kind;

	str_reset(&lines->text);
	lines->line = 0;
	for (; conf_line_take(&rest, &line, &kind); lines->at++, lines->rest = rest) {
		if (kind == CONF_LINE_COMMENT)
			continue;
		if (lines->line && kind == CONF_LINE_START)
			break;
		if (lines->line) {
			str_putc(&lines->text, ' ');
		} else {
			lines->line = lines->at;
			lines->orphan = kind == CONF_LINE_CONTINUED;
		}
		str_put(&lines->text, span_trim(line));
	}
	return lines->line != 0;
}

void
conf_lines_free(struct conf_lines *lines)
{
	str_free(&lines->text);
}

bool
conf_setting_parse(struct span text, struct conf_setting *out)
{
	if (!span_cut(text, '=', &out->name, &out->value))
		return false;
	out->name = span_trim(out->name);
	out->value = span_trim(out->value);
	for (size_t i = 0; i < out->name.n; i++)
		if (!cclass_is(out->name.p[i], CC_LDH) && out->name.p[i] != '_' &&
		    out->name.p[i] != '.')
			return false;
	return out->name.n > 0 && out->name.n <= LIMIT_CONF_NAME;
}
