/*
 * Installs the seccomp filter of a profile; the filters themselves were made at build by genfilter.
 * Called by sandbox_enter as the last wall, and by sandbox_prove to ask which filter answers. Owns
 * nothing. Must never be called in a process with threads: they would stay outside.
 */
#include "config.h"

#include "sandbox/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

struct filter_program {
	const struct sock_filter *code;
	unsigned short n;
};

#include "sandbox/filters.gen.h"

enum verdict
filter_install(const struct sandbox_profile *profile, struct err *err)
{
	const struct filter_program *made = &filter_programs[sandbox_profile_index(profile)];
	struct sock_filter *code = mem_alloc_array(made->n, sizeof(*code));
	struct sock_fprog program = { .len = made->n, .filter = code };
	uint32_t pid = (uint32_t)getpid();
	int sys = 0;

	for (unsigned i = 0; i < made->n; i++) {
		code[i] = made->code[i];
		if (code[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && code[i].k == FILTER_PID_MARK)
			code[i].k = pid;
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		sys = errno;
	mem_free(code);
	return sys == 0 ? VERDICT_OK : err_sys(err, sys, "seccomp filter %s", profile->name);
}

int
filter_current(void)
{
	if (prctl(FILTER_ASK, 0, 0, 0, 0) == -1 && errno >= FILTER_ANSWER)
		return errno - FILTER_ANSWER;
	return -1;
}

#ifdef POSTERN_SANITIZED
int __lsan_is_turned_off(void);

/* The leak check at exit traces its own process, which the filter forbids. */
int
__lsan_is_turned_off(void)
{
	return filter_current() >= 0;
}
#endif
