/*
 * Interned texts: when a large site is down, ten thousand recipients are deferred for one reason.
 * Called by message.c, which counts the users; the table is the queue manager's. A text goes with
 * its last user. Must never be used for text that identifies a recipient: there are as many as
 * recipients.
 */
#include "config.h"

#include "base/mem.h"
#include "qmgr/intern.h"

struct intern {
	uint32_t users;
	uint32_t n;
	char text[];
};

struct intern *
intern_get(struct map *table, struct span text)
{
	struct intern *in;

	if (text.n == 0)
		return NULL;
	in = map_get(table, text);
	if (!in) {
		in = mem_alloc(sizeof(*in) + text.n);
		in->n = (uint32_t)text.n;
		memcpy(in->text, text.p, text.n);
		map_put(table, intern_text(in), in);
	}
	in->users++;
	return in;
}

void
intern_put(struct map *table, struct intern *in)
{
	if (!in || --in->users > 0)
		return;
	map_remove(table, intern_text(in));
	mem_free(in);
}

struct span
intern_text(const struct intern *in)
{
	return in ? span_of(in->text, in->n) : span_lit("");
}
