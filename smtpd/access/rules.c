/*
 * The table of restrictions (access(5), postconf(5) smtpd_recipient_restrictions): what each is
 * called, what follows its name, which function it is, what it is about. Read by compile.c. A new
 * restriction is a row here and a function in one of the chapters.
 */
#include "smtpd/access/check.h"

/* clang-format off: a table */
static const struct rule rules[] = {
	{ SPAN("permit"), ARG_NONE, rule_permit, ABOUT_LIST, RULE_PERMITS },
	{ SPAN("reject"), ARG_NONE, rule_reject, ABOUT_LIST, RULE_GUARDS },
	{ SPAN("defer"), ARG_NONE, rule_defer, ABOUT_LIST, RULE_GUARDS },
	{ SPAN("defer_if_permit"), ARG_NONE, rule_defer_if_permit, ABOUT_LIST, RULE_GUARDS },
	{ SPAN("defer_if_reject"), ARG_NONE, rule_defer_if_reject, ABOUT_LIST, 0 },
	{ SPAN("sleep"), ARG_SECONDS, rule_sleep, ABOUT_LIST, 0 },
	{ SPAN("reject_unauth_pipelining"), ARG_NONE, rule_pipelining, ABOUT_LIST, 0 },
	{ SPAN("reject_plaintext_session"), ARG_NONE, rule_plaintext, ABOUT_LIST, 0 },

	{ SPAN("permit_mynetworks"), ARG_NONE, rule_mynetworks, ABOUT_CLIENT, 0 },
	{ SPAN("permit_inet_interfaces"), ARG_NONE, rule_interfaces, ABOUT_CLIENT, 0 },
	{ SPAN("permit_sasl_authenticated"), ARG_NONE, rule_authenticated, ABOUT_CLIENT, 0 },
	{ SPAN("reject_unknown_client_hostname"), ARG_NONE, rule_unknown_client, ABOUT_CLIENT, 0 },
	{ SPAN("reject_unknown_client"), ARG_NONE, rule_unknown_client, ABOUT_CLIENT, 0 },
	{ SPAN("reject_unknown_reverse_client_hostname"), ARG_NONE, rule_unknown_reverse_client,
	    ABOUT_CLIENT, 0 },
	{ SPAN("reject_rbl_client"), ARG_DOMAIN, rule_rbl_client, ABOUT_CLIENT, 0 },
	{ SPAN("reject_rhsbl_client"), ARG_DOMAIN, rule_rhsbl, ABOUT_CLIENT, 0 },
	{ SPAN("check_client_access"), ARG_TABLE, rule_access, ABOUT_CLIENT, 0 },
	{ SPAN("check_reverse_client_hostname_access"), ARG_TABLE, rule_access_reverse_client,
	    ABOUT_CLIENT, 0 },

	{ SPAN("reject_invalid_helo_hostname"), ARG_NONE, rule_invalid_helo, ABOUT_HELO, 0 },
	{ SPAN("reject_invalid_hostname"), ARG_NONE, rule_invalid_helo, ABOUT_HELO, 0 },
	{ SPAN("reject_non_fqdn_helo_hostname"), ARG_NONE, rule_non_fqdn_helo, ABOUT_HELO, 0 },
	{ SPAN("reject_non_fqdn_hostname"), ARG_NONE, rule_non_fqdn_helo, ABOUT_HELO, 0 },
	{ SPAN("reject_unknown_helo_hostname"), ARG_NONE, rule_unknown_helo, ABOUT_HELO, 0 },
	{ SPAN("reject_unknown_hostname"), ARG_NONE, rule_unknown_helo, ABOUT_HELO, 0 },
	{ SPAN("reject_rhsbl_helo"), ARG_DOMAIN, rule_rhsbl, ABOUT_HELO, 0 },
	{ SPAN("check_helo_access"), ARG_TABLE, rule_access, ABOUT_HELO, 0 },

	{ SPAN("reject_non_fqdn_sender"), ARG_NONE, rule_non_fqdn_sender, ABOUT_SENDER, 0 },
	{ SPAN("reject_unknown_sender_domain"), ARG_NONE, rule_unknown_sender_domain, ABOUT_SENDER,
	    0 },
	{ SPAN("reject_unlisted_sender"), ARG_NONE, rule_unlisted_sender, ABOUT_SENDER, 0 },
	{ SPAN("reject_rhsbl_sender"), ARG_DOMAIN, rule_rhsbl, ABOUT_SENDER, 0 },
	{ SPAN("check_sender_access"), ARG_TABLE, rule_access, ABOUT_SENDER, 0 },
	{ SPAN("reject_sender_login_mismatch"), ARG_NONE, rule_login_mismatch, ABOUT_SENDER, 0 },
	{ SPAN("reject_known_sender_login_mismatch"), ARG_NONE, rule_login_mismatch_known,
	    ABOUT_SENDER, 0 },
	{ SPAN("reject_authenticated_sender_login_mismatch"), ARG_NONE,
	    rule_login_mismatch_authenticated, ABOUT_SENDER, 0 },
	{ SPAN("reject_unauthenticated_sender_login_mismatch"), ARG_NONE,
	    rule_login_mismatch_unauthenticated, ABOUT_SENDER, 0 },

	{ SPAN("permit_auth_destination"), ARG_NONE, rule_auth_destination, ABOUT_RECIPIENT, 0 },
	{ SPAN("reject_unauth_destination"), ARG_NONE, rule_unauth_destination, ABOUT_RECIPIENT,
	    RULE_GUARDS },
	{ SPAN("defer_unauth_destination"), ARG_NONE, rule_defer_unauth_destination,
	    ABOUT_RECIPIENT, RULE_GUARDS },
	{ SPAN("reject_non_fqdn_recipient"), ARG_NONE, rule_non_fqdn_recipient, ABOUT_RECIPIENT,
	    0 },
	{ SPAN("reject_unknown_recipient_domain"), ARG_NONE, rule_unknown_recipient_domain,
	    ABOUT_RECIPIENT, 0 },
	{ SPAN("reject_unlisted_recipient"), ARG_NONE, rule_unlisted_recipient, ABOUT_RECIPIENT,
	    0 },
	{ SPAN("check_recipient_maps"), ARG_NONE, rule_unlisted_recipient, ABOUT_RECIPIENT, 0 },
	{ SPAN("reject_rhsbl_recipient"), ARG_DOMAIN, rule_rhsbl, ABOUT_RECIPIENT, 0 },
	{ SPAN("check_recipient_access"), ARG_TABLE, rule_access, ABOUT_RECIPIENT, 0 },
};
/* clang-format on */

const struct rule rule_class = { SPAN("a restriction class"), ARG_NONE, rule_call, ABOUT_LIST,
	RULE_IS_CALL };

const struct rule *
rule_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (span_eq_nocase(rules[i].name, name))
			return &rules[i];
	return NULL;
}

const struct rule *
rule_of_table(enum access_list list)
{
	static const char *const names[LISTS] = {
		[LIST_CLIENT] = "check_client_access",
		[LIST_HELO] = "check_helo_access",
		[LIST_SENDER] = "check_sender_access",
		[LIST_RELAY] = "check_recipient_access",
		[LIST_RECIPIENT] = "check_recipient_access",
		[LIST_DATA] = "check_recipient_access",
		[LIST_END_OF_DATA] = "check_recipient_access",
	};

	return rule_find(span_str(names[list]));
}
