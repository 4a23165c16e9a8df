/*
 * Fuzz target for DNS answers: two bytes of type, then the packet. Whatever comes out keeps the
 * bounds of messages.def, so that it can be sent on.
 */
#include "config.h"

#include "dns/packet.h"
#include "ipc/codec.h"
#include "tests/fuzz/fuzz.h"

FUZZ(data)
{
	struct msg_dns_answer answer;
	struct err err = ERR_NONE;
	struct arena arena;
	enum verdict v;
	size_t size;

	if (data.n < 2)
		return;
	arena_init(&arena, LIMIT_DNS_ANSWER);
	packet_read(span_from(data, 2),
	    (uint16_t)((unsigned char)data.p[0] << 8 | (unsigned char)data.p[1]), &arena, &answer);
	assert(answer.status == DNS_FOUND ? answer.records.n > 0 : answer.records.n == 0);
	v = ipc_measure(&ipc_dns_answer, &answer, &size, &err);
	assert(v == VERDICT_OK);
	arena_free(&arena);
}
