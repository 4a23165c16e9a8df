/*
 * Fuzz target for imapd's dialogue before the login: the first byte says whether passwords may be
 * sent and TLS begun, the rest is what the client sends. It is answered in whole lines that begin
 * as a server's do (RFC 9051 7), and no password is looked at before it may be sent.
 */
#include "config.h"

#include "imapd/front.h"
#include "tests/fuzz/doors.h"
#include "tests/fuzz/fuzz.h"

static void
check_output(struct span got)
{
	struct span line;

	assert(span_find(got, '\0') == got.n);
	while (span_cut(got, '\n', &line, &got)) {
		assert(span_ends(line, span_lit("\r")) && line.n > 2);
		assert(line.p[0] != ' ');
	}
	assert(line.n == 0);
}

FUZZ(data)
{
	struct door d = { .dialogue = front_dialogue };

	if (data.n == 0)
		return;
	d.can_verify = data.p[0] & 1;
	d.can_start_tls = data.p[0] & 2;
	d.conf.imapd_banner = span_lit("ready");
	d.conf.auth_mechanisms = span_lit("PLAIN LOGIN");
	d.conf.imapd_line_limit = 8192;
	door_run(&d, span_from(data, 1));
	check_output(str_span(&d.got));
	door_free(&d);
}
