/*
 * Charsets to UTF-8: names of the IANA registry and what mailers call them. Called for encoded
 * words (RFC 2047), parameters (RFC 2231) and text that is searched. Tables are in
 * charset_tables.c. Output is always valid UTF-8 without NULs.
 */
#include "config.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "message/charset.h"
#include "message/charset_tables.h"

#define REPLACEMENT 0xfffd

/* UTF-8, and what is a part of it. */
static const struct span utf8_names[] = { SPAN("utf-8"), SPAN("utf8"), SPAN("us-ascii"),
	SPAN("ascii"), SPAN("ansi_x3.4-1968"), SPAN("iso646-us"), SPAN("unicode-1-1-utf-8") };

/* Other names for a table's charset. ISO 8859-1 is read as Windows-1252: 80-9F are not meant as
 * controls (WHATWG too). */
static const struct {
	struct span alias, name;
} aliases[] = {
	{ SPAN("iso-8859-1"), SPAN("windows-1252") },
	{ SPAN("iso8859-1"), SPAN("windows-1252") },
	{ SPAN("iso_8859-1"), SPAN("windows-1252") },
	{ SPAN("latin1"), SPAN("windows-1252") },
	{ SPAN("latin-1"), SPAN("windows-1252") },
	{ SPAN("latin2"), SPAN("iso-8859-2") },
	{ SPAN("latin5"), SPAN("iso-8859-9") },
	{ SPAN("latin9"), SPAN("iso-8859-15") },
	{ SPAN("iso-8859-8-i"), SPAN("iso-8859-8") },
	{ SPAN("iso-8859-6-i"), SPAN("iso-8859-6") },
	{ SPAN("tis-620"), SPAN("iso-8859-11") },
	{ SPAN("windows-874"), SPAN("iso-8859-11") },
	{ SPAN("koi8"), SPAN("koi8-r") },
};

static bool
is_utf8(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(utf8_names); i++) {
		if (span_eq_nocase(name, utf8_names[i]))
			return true;
	}
	return false;
}

/* "cp1251", "x-cp1251", "iso8859-2": NAME with one prefix in place of another. */
static bool
prefixed_eq(struct span name, struct span prefix, struct span table, struct span table_prefix)
{
	return span_starts_nocase(name, prefix) && span_starts_nocase(table, table_prefix) &&
	       span_eq_nocase(span_from(name, prefix.n), span_from(table, table_prefix.n));
}

static const struct charset_table *
table_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (span_eq_nocase(name, aliases[i].alias))
			name = aliases[i].name;
	}
	for (size_t i = 0; i < charset_table_count; i++) {
		struct span table = charset_tables[i].name;

		if (span_eq_nocase(name, table) ||
		    prefixed_eq(name, span_lit("cp"), table, span_lit("windows-")) ||
		    prefixed_eq(name, span_lit("x-cp"), table, span_lit("windows-")) ||
		    prefixed_eq(name, span_lit("iso8859-"), table, span_lit("iso-8859-")) ||
		    prefixed_eq(name, span_lit("iso_8859-"), table, span_lit("iso-8859-")))
			return &charset_tables[i];
	}
	return NULL;
}

bool
charset_known(struct span name)
{
	return is_utf8(name) || table_find(name) != NULL;
}

static void
put_point(struct str *out, uint32_t point)
{
	bool control = point < 32 && point != '\t' && point != '\r' && point != '\n';

	utf8_put(out, control || point == 127 ? ' ' : point);
}

bool
charset_put_clean(struct str *out, struct span bytes)
{
	struct cursor c = cursor_of(bytes);

	while (!cursor_done(&c)) {
		int32_t point = utf8_next(&c);

		if (point < 0) {
			c.p++;
			point = REPLACEMENT;
		}
		put_point(out, (uint32_t)point);
	}
	return !out->full;
}

bool
charset_put_utf8(struct str *out, struct span name, struct span bytes)
{
	const struct charset_table *table;

	if (is_utf8(name))
		return charset_put_clean(out, bytes);
	table = table_find(name);
	if (!table)
		return false;
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char byte = (unsigned char)bytes.p[i];

		put_point(out, byte < 128 ? byte : table->high[byte - 128]);
	}
	return !out->full;
}
