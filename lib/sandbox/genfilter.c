/*
 * genfilter OUTPUT [ARCHITECTURE]: writes the seccomp filters of all profiles as C arrays. Run at
 * build, so that no daemon links libseccomp. Reads profiles.c and rules.c; the library compiles
 * what it writes into filter.c. The architecture is the builder's own unless one that libseccomp
 * knows is named. Limits: a filter has at most 4096 instructions (the kernel's own bound), asserted
 * here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "base/sys.h"
#include "sandbox/filter.h"
#include "sandbox/rules.h"

#define CALL_NAME_MAX 64 /* bytes of a system call's name */
#define OUTPUT_MAX    (4u << 20)

static void
gen_fail(const char *what, const char *detail, int error)
{
	fprintf(
	    stderr, "genfilter: %s %s: %s\n", what, detail, strerror(error < 0 ? -error : error));
	exit(1);
}

static int
gen_resolve(const char *call)
{
	int number = seccomp_syscall_resolve_name(call);

	if (number == __NR_SCMP_ERROR)
		gen_fail("unknown call", call, EINVAL);
	return number;
}

static bool
gen_has_word(const char *words, const char *word)
{
	struct span rest = span_str(words);
	struct span token;

	while (span_token(&rest, span_lit(" "), &token)) {
		if (span_eq(token, span_str(word)))
			return true;
	}
	return false;
}

static bool
gen_allowed_always(const struct sandbox_profile *profile, const char *call)
{
	const struct rule_calls *c;

	for (unsigned i = 0; (c = rule_calls_at(i)) != NULL; i++) {
		if (rule_applies(c->groups, profile) && gen_has_word(c->calls, call))
			return true;
	}
	return false;
}

/* An answer whatever the arguments gives way to a rule about some of them. */
static bool
gen_has_condition(const struct sandbox_profile *profile, const char *call)
{
	const struct rule_condition *c;

	for (unsigned i = 0; (c = rule_condition_at(i)) != NULL; i++) {
		if (c->args[0].mask != 0 && rule_applies(c->groups, profile) &&
		    strcmp(c->call, call) == 0)
			return true;
	}
	return false;
}

static void
gen_add_calls(scmp_filter_ctx ctx, const struct rule_calls *c)
{
	struct str name = STR_INIT(CALL_NAME_MAX);
	struct span rest = span_str(c->calls);
	struct span token;
	int rc;

	while (span_token(&rest, span_lit(" "), &token)) {
		str_reset(&name);
		str_put(&name, token);
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, gen_resolve(str_cstr(&name)), 0);
		if (rc != 0)
			gen_fail("call", str_cstr(&name), rc);
	}
	str_free(&name);
}

static void
gen_add_condition(scmp_filter_ctx ctx, const struct rule_condition *c)
{
	struct scmp_arg_cmp args[RULE_ARGS];
	uint32_t action = c->error ? SCMP_ACT_ERRNO((unsigned)c->error) : SCMP_ACT_ALLOW;
	unsigned n = 0;
	int rc;

	for (; n < RULE_ARGS && c->args[n].mask != 0; n++)
		args[n] = SCMP_CMP64(
		    c->args[n].index, SCMP_CMP_MASKED_EQ, c->args[n].mask, c->args[n].value);
	rc = seccomp_rule_add_array(ctx, action, gen_resolve(c->call), n, args);
	if (rc != 0)
		gen_fail("condition on", c->call, rc);
}

static void
gen_add_rules(scmp_filter_ctx ctx, const struct sandbox_profile *profile)
{
	struct rule_condition ask = { RULE_BASE, "prctl",
		FILTER_ANSWER + (int)sandbox_profile_index(profile),
		{ { 0, UINT32_MAX, FILTER_ASK } } };
	const struct rule_calls *calls;
	const struct rule_condition *c;

	for (unsigned i = 0; (calls = rule_calls_at(i)) != NULL; i++) {
		if (rule_applies(calls->groups, profile))
			gen_add_calls(ctx, calls);
	}
	for (unsigned i = 0; (c = rule_condition_at(i)) != NULL; i++) {
		if (!rule_applies(c->groups, profile) || gen_allowed_always(profile, c->call))
			continue;
		if (c->args[0].mask == 0 && gen_has_condition(profile, c->call))
			continue;
		gen_add_condition(ctx, c);
	}
	gen_add_condition(ctx, &ask);
}

static scmp_filter_ctx
gen_start(const char *arch)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	uint32_t token = arch ? seccomp_arch_resolve_name(arch) : seccomp_arch_native();
	int rc;

	if (!ctx || token == 0)
		gen_fail("architecture", arch ? arch : "native", EINVAL);
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0 && token != seccomp_arch_native()) {
		rc = seccomp_arch_add(ctx, token);
		if (rc == 0)
			rc = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	}
	if (rc != 0)
		gen_fail("filter", "", rc);
	return ctx;
}

/* One "{ code, jt, jf, k }," per instruction; the pid's place must be there exactly once. */
static void
gen_write_code(struct str *out, int fd, const char *name)
{
	struct sock_filter op;
	unsigned marks = 0;
	unsigned n = 0;

	str_printf(out, "static const struct sock_filter filter_%s[] = {\n", name);
	for (; sys_pread_all(fd, &op, sizeof(op), (off_t)(n * sizeof(op))) == sizeof(op); n++) {
		marks += op.code == (BPF_JMP | BPF_JEQ | BPF_K) && op.k == FILTER_PID_MARK;
		str_printf(out, "\t{ 0x%02x, %u, %u, 0x%08x },\n", op.code, op.jt, op.jf, op.k);
	}
	str_puts(out, "};\n");
	assert(n > 0 && n <= BPF_MAXINSNS && marks == 1);
}

static void
gen_write_profile(struct str *out, const struct sandbox_profile *profile, const char *arch)
{
	scmp_filter_ctx ctx = gen_start(arch);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	int rc;

	if (fd < 0)
		gen_fail("memfd", profile->name, errno);
	gen_add_rules(ctx, profile);
	rc = seccomp_export_bpf(ctx, fd);
	if (rc != 0)
		gen_fail("export", profile->name, rc);
	gen_write_code(out, fd, profile->name);
	sys_close(fd);
	seccomp_release(ctx);
}

static void
gen_write_all(struct str *out, const char *arch)
{
	const struct sandbox_profile *p;

	str_puts(out, "/* Made by genfilter from profiles.c and rules.c. */\n");
	for (unsigned i = 0; (p = sandbox_profile_at(i)) != NULL; i++)
		gen_write_profile(out, p, arch);
	str_puts(out, "static const struct filter_program filter_programs[] = {\n");
	for (unsigned i = 0; (p = sandbox_profile_at(i)) != NULL; i++)
		str_printf(out, "\t{ filter_%s, ARRAY_LEN(filter_%s) },\n", p->name, p->name);
	str_puts(out, "};\n");
	assert(!out->full);
}

int
main(int argc, char **argv)
{
	struct str out = STR_INIT(OUTPUT_MAX);
	int fd = -1;

	if (argc > 1)
		fd = sys_openat(AT_FDCWD, argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		gen_fail("output", argc > 1 ? argv[1] : "(none named)", errno);
	gen_write_all(&out, argc > 2 ? argv[2] : NULL);
	if (sys_write_all(fd, out.p, out.n) != 0 || sys_close(fd) != 0)
		gen_fail("output", argv[1], errno);
	str_free(&out);
	return 0;
}
