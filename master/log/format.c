/*
 * From packets to lines: the classic syslog shape that pflogsumm, fail2ban and grok patterns read
 * (level words are part of the text). Senders escape what peers sent; this is the second wall,
 * against senders themselves: one record is one line, printable, of bounded length.
 */
#include "base/cclass.h"
#include "log/log.h"

static void
put_printable(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		str_putc(out, cclass_is(text.p[i], CC_CTL) && text.p[i] != '\t' ? '?' : text.p[i]);
}

size_t
logd_format(struct str *out, struct span packet, struct span stamp, struct span host,
    const char *name, uint32_t pid)
{
	struct span record;
	size_t lines = 0;

	while (span_find(packet, '\n') < packet.n) {
		span_cut(packet, '\n', &record, &packet);
		if (record.n < 2 || record.p[0] < '0' || record.p[0] > '4' ||
		    record.n > LIMIT_LOG_LINE + 1)
			continue;
		str_printf(out, "%.*s %.*s %s[%u]: ", SPAN_ARG(stamp), SPAN_ARG(host), name, pid);
		put_printable(out, span_from(record, 1));
		str_putc(out, '\n');
		lines++;
	}
	return lines;
}
