/*
 * Fuzz target for whole sessions of smtpd: the first byte says which service it is (SMTP,
 * submission with AUTH, LMTP, SMTP with lenient line ends), the rest is what the client sends, a
 * byte 255 between what it sends at once. What it is told and what is logged has the right shape,
 * messages are queued only when they were ended, and each that was queued was told so.
 */
#include "config.h"

#include "tests/fuzz/dialogue.h"
#include "tests/fuzz/fuzz.h"

#define PATIENT                             \
	"smtpd_hard_error_limit = 1000\n"   \
	"smtpd_soft_error_limit = 1000\n"   \
	"smtpd_junk_command_limit = 1000\n" \
	"message_size_limit = 3000\n"

static const struct world_record records[] = {
	{ "b.test", DNS_A, "192.0.2.1" },
	{ "c.test", DNS_MX, "mx.b.test" },
	{ "servfail.test", DNS_MX, "!" },
};

#define RECORDS .records = records, .records_n = ARRAY_LEN(records)

static const struct world_plan plans[] = {
	{ .main_cf = PATIENT "smtpd_sender_restrictions = reject_non_fqdn_sender, "
			     "reject_unknown_sender_domain\n"
			     "smtpd_helo_restrictions = reject_invalid_helo_hostname\n"
			     "smtpd_data_restrictions = reject_unauth_pipelining\n",
	    RECORDS },
	{ .main_cf = PATIENT "smtpd_sasl_auth_enable = yes\n"
			     "smtpd_tls_auth_only = no\n"
			     "smtpd_sasl_authenticated_header = yes\n"
			     "smtpd_relay_restrictions = permit_sasl_authenticated, reject\n",
	    .service = "submission",
	    RECORDS },
	{ .main_cf = PATIENT "smtpd_lmtp = yes\n", .service = "lmtp", RECORDS },
	{ .main_cf = PATIENT "smtpd_forbid_bare_newline = no\n"
			     "smtpd_forbid_unauth_pipelining = no\n",
	    RECORDS },
};

enum { STRICT_PLANS = 3, LMTP_PLAN = 2 };

FUZZ(data)
{
	static struct dialogue d;
	size_t which;
	unsigned queued;

	if (data.n == 0)
		return;
	which = (unsigned char)data.p[0] % ARRAY_LEN(plans);
	dialogue_run(&d, &plans[which], span_from(data, 1));
	queued = dialogue_count(str_span(&d.got), span_lit("Ok: queued as "));
	assert(which == LMTP_PLAN ? queued >= d.world.commits : queued == d.world.commits);
	if (which < STRICT_PLANS)
		dialogue_check_commits(&d);
}
