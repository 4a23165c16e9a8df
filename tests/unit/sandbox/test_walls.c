/*
 * Behind the walls: what must fail fails, what a daemon lives by works, in both modes and at
 * Landlock ABI 0, 2 and the newest there is. Death by the filter is told from an error.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/sandbox/acts.h"
#include "tests/unit/unit.h"

struct walls_case {
	const char *profile;
	const char *acts; /* names, by blanks */
	int want;	  /* of each */
};

static const struct walls_case forbidden[] = {
	{ "smtpd", "exec fork vfork thread ptrace signal_parent signal_self setuid setgid",
	    WALLED_KILLED },
	{ "smtpd", "setgroups chroot capset dumpable raise_limit openat2 chmod fchmod",
	    WALLED_KILLED },
	{ "smtpd", "mkdir unlink clear_append truncate pwrite pwritev2 fallocate map_code",
	    WALLED_KILLED },
	{ "smtpd", "make_code map_shared memfd tcp_socket udp_socket unix_socket", WALLED_KILLED },
	{ "smtpd", "raw_socket connect bind listen attach_filter mount unshare setns bpf",
	    WALLED_KILLED },
	{ "smtpd", "io_uring userfaultfd keyctl read_parent pidfd perf", WALLED_KILLED },
	{ "qmgr", "exec fork vfork tcp_socket unix_socket chmod map_code signal_parent",
	    WALLED_KILLED },
	{ "qmgr", "clear_append", WALLED_KILLED },
	{ "smtp", "udp_socket unix_socket listen exec attach_filter thread", WALLED_KILLED },
	{ "dns", "unix_socket raw_socket attach_filter", WALLED_KILLED },
	{ "anvil", "accept tcp_socket", WALLED_KILLED },
	{ "bounce", "tcp_socket pwrite", WALLED_KILLED },
	{ "local_router", "accept", WALLED_KILLED },
	{ "imapd_user", "accept", WALLED_KILLED },
	{ "deliverer", "exec fork signal_parent", WALLED_KILLED },
	{ "imapd_login", "clear_append", WALLED_KILLED },
	{ "pop3d_login", "exec", WALLED_KILLED },
	{ "authd", "exec fork map_code", WALLED_KILLED },
	{ "rewrite", "tcp_socket map_code", WALLED_KILLED },
	{ "pickup", "mkdir chmod", WALLED_KILLED },
	{ "log", "exec", WALLED_KILLED },
	{ "pop3d_user", "unix_socket", WALLED_KILLED },
	{ "smtpd", "open_passwd stat_passwd", EACCES },
	{ "smtpd", "abort", WALLED_ABORTED },
};

static const struct walls_case allowed[] = {
	{ "smtpd", "epoll accept memory clocks libc fstat append read_lent pass_descriptor", 0 },
	{ "smtpd", "flags nonblock socket_options", 0 },
	{ "imapd_login", "accept", 0 },
	{ "pop3d_login", "accept", 0 },
	{ "qmgr", "threads memory epoll", 0 },
	{ "deliverer", "threads", 0 },
	{ "imapd_user", "threads sendfile", 0 },
	{ "pop3d_user", "sendfile", 0 },
	{ "smtp", "tcp_connect bind_source socket_options sendfile", 0 },
	{ "dns", "udp tcp_connect setfl", 0 },
	{ "anvil", "epoll", 0 },
	{ "bounce", "append", 0 },
	{ "local_router", "epoll", 0 },
	{ "authd", "unix_socket threads", 0 },
	{ "rewrite", "map_shared", 0 },
	{ "pickup", "read_lent", 0 },
	{ "log", "epoll", 0 },
};

static const struct {
	const char *name;
	const char *abi;
} abis[] = { { "ABI 0", "0" }, { "ABI 2", "2" }, { "newest ABI", NULL } };

static void
expect_end(const char *profile, struct span act, unsigned abi, bool rootless, int want)
{
	struct walled how = { profile, abis[abi].abi, rootless, act };
	int got;

	if (!rootless && !walled_is_root())
		return;
	got = walled_run(&how, act_run);
	if (got != want)
		fail_msg("%s %.*s, %s, %s: got %d, want %d", profile, SPAN_ARG(act), abis[abi].name,
		    rootless ? "rootless" : "root", got, want);
}

/* A filter does not change with the ABI, so that the acts of a table take the ABIs in turn. */
static void
run_table(const struct walls_case *cases, size_t n)
{
	unsigned turn = 0;

	if (!walled_is_root())
		print_message("# skipped - real walls: not root\n");
	for (size_t i = 0; i < n; i++) {
		struct span rest = span_str(cases[i].acts);
		struct span act;

		for (; span_token(&rest, span_lit(" "), &act); turn++) {
			expect_end(cases[i].profile, act, turn % 3, true, cases[i].want);
			expect_end(cases[i].profile, act, turn % 3, false, cases[i].want);
		}
	}
}

static void
test_forbidden(void **state UNUSED)
{
	run_table(forbidden, ARRAY_LEN(forbidden));
}

static void
test_allowed(void **state UNUSED)
{
	run_table(allowed, ARRAY_LEN(allowed));
}

/* Every profile, in both modes, at every ABI: the walls stand by their own account. */
static void
test_prove(void **state UNUSED)
{
	const struct sandbox_profile *p;

	for (unsigned i = 0; (p = sandbox_profile_at(i)) != NULL; i++) {
		for (unsigned abi = 0; abi < ARRAY_LEN(abis); abi++) {
			expect_end(p->name, span_lit("prove"), abi, true, 0);
			expect_end(p->name, span_lit("prove"), abi, false, 0);
		}
	}
}

/* A service's port is Landlock's to guard: without it the kernel gets to say that it is taken. */
static void
test_bind_service(void **state UNUSED)
{
	for (unsigned abi = 0; abi < ARRAY_LEN(abis); abi++)
		expect_end("smtp", span_lit("bind_service"), abi, true,
		    walled_abi(abis[abi].abi) >= 4 ? EACCES : EADDRINUSE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_prove),
		cmocka_unit_test(test_bind_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
