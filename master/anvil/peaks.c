/*
 * The highest counts since the last report, in Postfix's words ("statistics: max connection rate
 * ..."), for postmasters who look for a limit to set. Called by table.c with each count, and by
 * door.c when a report is due. Owns the names it keeps.
 */
#include "anvil/anvil.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

static const struct {
	enum anvil_kind kind;
	const char *words;
} rates[] = {
	{ ANVIL_CONNECT, "connection" },
	{ ANVIL_MESSAGE, "message" },
	{ ANVIL_RECIPIENT, "recipient" },
	{ ANVIL_TLS, "newtls" },
	{ ANVIL_AUTH, "auth" },
	{ ANVIL_AUTH_FAILURE, "auth failure" },
};

void
peak_note(struct peak *p, uint64_t n, const char *name)
{
	if (n <= p->n)
		return;
	if (!p->name || strcmp(p->name, name) != 0) {
		mem_free(p->name);
		p->name = mem_strdup(span_str(name));
	}
	p->n = n;
	p->at = time_wall();
}

static void
peak_clear(struct peak *p)
{
	mem_free(p->name);
	*p = (struct peak){ 0 };
}

static void
peak_log(struct peak *p, const char *words, uint64_t unit)
{
	struct str at = STR_INIT(32), per = STR_INIT(32);

	if (p->name) {
		time_put_log(&at, p->at);
		if (unit > 0)
			str_printf(&per, "/%llus", (unsigned long long)(unit / NS_PER_S));
		log_event(LOG_LEVEL_INFO, "statistics: max %s %llu%s for (%s) at %s", words,
		    (unsigned long long)p->n, str_cstr(&per), log_escape(span_str(p->name)),
		    str_cstr(&at));
	}
	peak_clear(p);
	str_free(&at);
	str_free(&per);
}

void
peaks_log(struct peaks *p, uint64_t unit)
{
	struct str words = STR_INIT(64);
	struct str at = STR_INIT(32);

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		str_reset(&words);
		str_printf(&words, "%s rate", rates[i].words);
		peak_log(&p->rate[rates[i].kind], str_cstr(&words), unit);
	}
	peak_log(&p->open, "connection count", 0);
	if (p->size > 0) {
		time_put_log(&at, p->size_at);
		log_event(LOG_LEVEL_INFO, "statistics: max cache size %llu at %s",
		    (unsigned long long)p->size, str_cstr(&at));
	}
	p->size = 0;
	str_free(&words);
	str_free(&at);
}

void
peaks_free(struct peaks *p)
{
	for (size_t i = 0; i < ANVIL_KINDS; i++)
		peak_clear(&p->rate[i]);
	peak_clear(&p->open);
}
