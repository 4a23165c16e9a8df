/*
 * The table of profiles: every process has a row, and no row contradicts itself or the law that
 * whoever faces the network owns nothing. Master has none: it is root.
 */
#include "config.h"

#include "sandbox/profile.h"
#include "tests/unit/unit.h"

static const char *const names[] = { "log", "dns", "smtpd", "qmgr", "smtp", "local_router",
	"deliverer", "imapd_login", "imapd_user", "pop3d_login", "pop3d_user", "authd", "rewrite",
	"bounce", "pickup", "anvil" };

static void
test_find(void **state UNUSED)
{
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		const struct sandbox_profile *p = sandbox_profile_find(names[i]);

		if (!p)
			fail_msg("no profile %s", names[i]);
		expect_text(names[i], span_str(p->name), names[i]);
		assert_ptr_equal(sandbox_profile_at(sandbox_profile_index(p)), p);
	}
	assert_null(sandbox_profile_find("master"));
	assert_null(sandbox_profile_find(""));
	assert_null(sandbox_profile_at(ARRAY_LEN(names)));
}

static void
expect_row(const struct sandbox_profile *p)
{
	unsigned files = SANDBOX_FILE_READ | SANDBOX_FILE_WRITE | SANDBOX_FILE_REMOVE;

	if (p->root == SANDBOX_ROOT_EMPTY && (p->slots[0].name || (p->groups & files)))
		fail_msg("%s: files in an empty root", p->name);
	if (p->root != SANDBOX_ROOT_EMPTY && !p->slots[0].name)
		fail_msg("%s: a root without a slot", p->name);
	if ((p->groups & SANDBOX_THREADS) && p->limits.nproc == 0)
		fail_msg("%s: threads that cannot start", p->name);
	if (p->limits.nofile == 0 || p->limits.data == 0)
		fail_msg("%s: limits", p->name);
	if ((p->groups & SANDBOX_ACCEPT) && (p->groups & (files | SANDBOX_INET | SANDBOX_SETFL)))
		fail_msg("%s: faces the network and owns something", p->name);
}

static void
test_rows(void **state UNUSED)
{
	const struct sandbox_profile *p;

	for (unsigned i = 0; (p = sandbox_profile_at(i)) != NULL; i++)
		expect_row(p);
}

static void
test_slots(void **state UNUSED)
{
	const struct sandbox_profile *qmgr = sandbox_profile_find("qmgr");

	assert_int_equal(sandbox_slot_find(qmgr, "procfd")->rights, 0);
	assert_true(sandbox_slot_find(qmgr, "queue")->rights & SANDBOX_RIGHT_REFER);
	assert_null(sandbox_slot_find(qmgr, "home"));
	assert_null(sandbox_slot_find(sandbox_profile_find("smtpd"), "queue"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
