/*
 * From packets to lines: the classic syslog shape that pflogsumm, fail2ban and grok patterns read
 * (level words are part of the text). Senders escape what peers sent; this is the second wall,
 * against senders themselves: one record is one line, printable, of bounded length.
 */
#include "base/cclass.h"
#include "base/log.h"
#include "base/num.h"
#include "log/log.h"

#define RECORD_HEAD ((size_t)1 + LOG_TIME_DIGITS)

static bool
record_parse(struct span record, struct record *out)
{
	if (record.n <= RECORD_HEAD || record.n > LIMIT_LOG_LINE || record.p[0] < '0' ||
	    record.p[0] > '4')
		return false;
	out->text = span_from(record, RECORD_HEAD);
	return num_parse_hex(span_head(span_from(record, 1), LOG_TIME_DIGITS), &out->time);
}

bool
record_next(struct span *packet, struct record *out)
{
	struct span record;

	while (span_find(*packet, '\n') < packet->n) {
		span_cut(*packet, '\n', &record, packet);
		if (record_parse(record, out))
			return true;
	}
	return false;
}

void
record_put(struct str *out, struct span text, struct span stamp, struct span host, const char *name,
    uint32_t pid)
{
	size_t from;

	str_printf(out, "%.*s %.*s %s[%u]: ", SPAN_ARG(stamp), SPAN_ARG(host), name, pid);
	from = out->n;
	str_put(out, text);
	for (size_t i = from; i < out->n; i++)
		if (cclass_is(out->p[i], CC_CTL) && out->p[i] != '\t')
			out->p[i] = '?';
	str_putc(out, '\n');
}
