/*
 * The delivery line (pflogsumm, grok patterns and exporters key on it): the shape of Postfix 3.9,
 * delays in seconds with two significant digits. Every agent says what became of a recipient
 * through this one function.
 */
#include "service/delivery_log.h"

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

/* 0.05 -> "0.05", 1.234 -> "1.2", 123.4 -> "123", below a hundredth "0". */
static void
put_delay(struct str *out, uint64_t from, uint64_t to)
{
	uint64_t ms = to > from ? (to - from) / NS_PER_MS : 0;

	if (ms >= 10000)
		str_printf(out, "%llu", (unsigned long long)((ms + 500) / 1000));
	else if (ms >= 1000)
		str_printf(out, "%llu.%llu", (unsigned long long)(ms / 1000),
		    (unsigned long long)(ms % 1000 / 100));
	else if (ms >= 100)
		str_printf(out, "0.%llu", (unsigned long long)(ms / 10));
	else if (ms >= 10)
		str_printf(out, "0.0%llu", (unsigned long long)(ms / 10));
	else
		str_puts(out, ms >= 5 ? "0.01" : "0");
}

static const char *
status_word(enum delivery_status status)
{
	static const char *const words[] = { [DELIVERY_SENT] = "sent",
		[DELIVERY_DEFERRED] = "deferred",
		[DELIVERY_BOUNCED] = "bounced" };

	return words[status];
}

void
delivery_log(const struct delivery_line *l)
{
	uint64_t now = time_wall();
	struct str s = STR_INIT(LIMIT_LOG_LINE);

	str_printf(&s, "%s: to=<%s>", log_escape(l->queue_id), log_escape(l->recipient));
	if (l->original.n && !span_eq(l->original, l->recipient))
		str_printf(&s, ", orig_to=<%s>", log_escape(l->original));
	str_printf(&s, ", relay=%s", log_escape(l->relay));
	if (l->conn_use > 1)
		str_printf(&s, ", conn_use=%u", l->conn_use);
	str_puts(&s, ", delay=");
	put_delay(&s, l->arrived, now);
	str_puts(&s, ", delays=");
	put_delay(&s, l->arrived, l->active);
	str_putc(&s, '/');
	put_delay(&s, l->active, l->connecting);
	str_putc(&s, '/');
	put_delay(&s, l->connecting, l->sending);
	str_putc(&s, '/');
	put_delay(&s, l->sending, now);
	str_printf(&s, ", dsn=%s, status=%s (%s)", log_escape(l->dsn), status_word(l->status),
	    log_escape(l->text));
	log_event(LOG_LEVEL_INFO, "%s", str_cstr(&s));
	str_free(&s);
}
