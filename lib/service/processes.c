/*
 * The table of processes and the edges between them, made from processes.def. Read by master
 * (births and channels) and the tests of the walls; nobody else decides who may
 * talk to whom.
 */
#include "service/processes.h"

static const struct process_kind kinds[] = {
#define EDGE(client, server)
#define PROCESS(kind, program, profile, user, count, stop, needs) \
	{ #kind, program, profile, user, PROCESS_##count, stop, needs },
#include "service/processes.def"
#undef PROCESS
#undef EDGE
};

static const struct {
	struct span client, server;
} edges[] = {
#define PROCESS(kind, program, profile, user, count, stop, needs)
#define EDGE(client, server) { SPAN(#client), SPAN(#server) },
#include "service/processes.def"
#undef PROCESS
#undef EDGE
};

const struct process_kind *
process_kind_at(size_t i)
{
	return i < ARRAY_LEN(kinds) ? &kinds[i] : NULL;
}

const struct process_kind *
process_kind_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (span_eq(name, span_str(kinds[i].name)))
			return &kinds[i];
	return NULL;
}

bool
process_may_connect(const struct process_kind *client, const struct process_kind *server)
{
	struct span c = span_str(client->name), s = span_str(server->name);

	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		if (span_eq(edges[i].client, c) && span_eq(edges[i].server, s))
			return true;
	return false;
}
