/*
 * Fuzz target for pop3d's dialogue before the login: the first byte says whether passwords may be
 * sent and TLS begun, the rest is what the client sends. Its answers are lines of a size (RFC 2449
 * 4) that show nothing unprintable, and no password is looked at before it may be sent.
 */
#include "config.h"

#include "base/cclass.h"
#include "pop3d/login/pop3d.h"
#include "tests/fuzz/doors.h"
#include "tests/fuzz/fuzz.h"

static void
check_output(struct span got)
{
	struct span line;

	while (span_cut(got, '\n', &line, &got)) {
		assert(span_ends(line, span_lit("\r")) && line.n <= 511);
		line = span_head(line, line.n - 1);
		for (size_t i = 0; i < line.n; i++)
			assert(!cclass_is(line.p[i], CC_CTL));
	}
	assert(line.n == 0);
}

FUZZ(data)
{
	struct door d = { .dialogue = pop3d_dialogue };

	if (data.n == 0)
		return;
	d.can_verify = data.p[0] & 1;
	d.can_start_tls = data.p[0] & 2;
	d.conf.pop3d_banner = span_lit("ready");
	d.conf.auth_mechanisms = span_lit("PLAIN LOGIN");
	door_run(&d, span_from(data, 1));
	check_output(str_span(&d.got));
	door_free(&d);
}
