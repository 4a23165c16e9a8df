/*
 * File calls in a directory of their own under /tmp (or TMPDIR): results and errno, opening beneath
 * a directory that somebody else fills, and unnamed files. Run by make check.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "base/sys.h"
#include "tests/unit/unit.h"

struct place {
	struct str path;
	int dir;
};

static int
place_make(void **state)
{
	struct place *place = test_calloc(1, sizeof(*place));
	const char *tmp = getenv("TMPDIR");

	str_init(&place->path, 4096);
	str_printf(&place->path, "%s/postern-sys-XXXXXX", tmp ? tmp : "/tmp");
	str_cstr(&place->path);
	if (!mkdtemp(place->path.p))
		return -1;
	place->dir = sys_openat(AT_FDCWD, str_cstr(&place->path), O_RDONLY | O_DIRECTORY, 0);
	*state = place;
	return place->dir < 0 ? -1 : 0;
}

static int
place_remove(void **state)
{
	static const char *const names[] = { "sub/file", "sub/link", "away", "inside", "data", "a",
		"b", "c", "d", "named" };
	struct place *place = *state;

	/* A test that failed has left some of these. */
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(place->dir, names[i], 0);
	unlinkat(place->dir, "sub", AT_REMOVEDIR);
	close(place->dir);
	rmdir(str_cstr(&place->path));
	str_free(&place->path);
	test_free(place);
	return 0;
}

static int
place_dir(void **state)
{
	return ((struct place *)*state)->dir;
}

static void
file_make(int dir, const char *name, const char *text)
{
	int fd = sys_openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(sys_close(fd), 0);
}

static void
test_data(void **state)
{
	int dir = place_dir(state);
	int fd = sys_openat(dir, "data", O_RDWR | O_CREAT | O_EXCL, 0600);
	const struct iovec v[] = { { (char[]){ 'c' }, 1 }, { (char[]){ 'd', 'e' }, 2 } };
	const struct timespec times[2] = { { 1000, 0 }, { 2000, 5 } };
	struct stat st;
	char got[16];

	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(sys_write(fd, "ab", 2), 2);
	assert_int_equal(sys_writev(fd, v, 2), 3);
	assert_int_equal(sys_pwrite_all(fd, "XY", 2, 1), 0);
	assert_int_equal(sys_pread_all(fd, got, 16, 0), 5);
	expect_span("data", span_of(got, 5), span_lit("aXYde"));
	assert_int_equal(sys_pread(fd, got, 16, 5), 0);
	assert_int_equal(sys_read(fd, got, 16), 0);
	assert_int_equal(sys_ftruncate(fd, 2), 0);
	assert_int_equal(sys_fchmod(fd, 0640), 0);
	assert_int_equal(sys_futimens(fd, times), 0);
	assert_int_equal(sys_fsync(fd), 0);
	assert_int_equal(sys_fdatasync(fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 2);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	assert_int_equal(sys_close(fd), 0);
	assert_int_equal(sys_write(-1, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(sys_unlinkat(dir, "data", 0), 0);
}

static void
test_names(void **state)
{
	int dir = place_dir(state);

	file_make(dir, "a", "1");
	file_make(dir, "b", "2");
	assert_int_equal(sys_renameat_new(dir, "a", dir, "b"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(sys_renameat_new(dir, "a", dir, "c"), 0);
	assert_int_equal(sys_linkat(dir, "c", dir, "b"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(sys_linkat(dir, "c", dir, "d"), 0);
	assert_int_equal(sys_renameat(dir, "b", dir, "c"), 0);
	assert_int_equal(sys_unlinkat(dir, "b", 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(sys_mkdirat(dir, "sub", 0700), 0);
	assert_int_equal(sys_unlinkat(dir, "sub", AT_REMOVEDIR), 0);
	assert_int_equal(sys_unlinkat(dir, "c", 0), 0);
	assert_int_equal(sys_unlinkat(dir, "d", 0), 0);
}

struct beneath {
	const char *path;
	int error;	    /* 0: it opens */
	int error_by_steps; /* where the kernel has no openat2 */
};

static const struct beneath beneath_rows[] = {
	{ "sub/file", 0, 0 },
	{ "sub//file", 0, 0 },
	{ "sub/./file", 0, 0 },
	{ "sub", 0, 0 },
	{ "sub/", 0, 0 },
	{ ".", 0, 0 },
	{ "", ENOENT, ENOENT },
	{ "sub/../sub/file", 0, EXDEV },
	{ "sub/link", ELOOP, ELOOP },
	{ "away/passwd", ELOOP, ENOTDIR },
	{ "inside/file", ELOOP, ENOTDIR },
	{ "../../etc/passwd", EXDEV, EXDEV },
	{ "..", EXDEV, EXDEV },
	{ "sub/../../x", EXDEV, EXDEV },
	{ "/etc/passwd", EXDEV, EXDEV },
	{ "sub/none", ENOENT, ENOENT },
	{ "none/file", ENOENT, ENOENT },
	{ "sub/file/x", ENOTDIR, ENOTDIR },
};

static void
beneath_check(int dir, bool by_steps)
{
	int sub;

	assert_int_equal(sys_mkdirat(dir, "sub", 0700), 0);
	sub = sys_open_beneath(dir, "sub", O_RDONLY | O_DIRECTORY, 0);
	file_make(sub, "file", "x");
	assert_int_equal(symlinkat("file", sub, "link"), 0);
	assert_int_equal(symlinkat("/etc", dir, "away"), 0);
	assert_int_equal(symlinkat("sub", dir, "inside"), 0);
	for (size_t i = 0; i < ARRAY_LEN(beneath_rows); i++) {
		const struct beneath *row = &beneath_rows[i];
		int fd = sys_open_beneath(dir, row->path, O_RDONLY, 0);

		expect_number(
		    row->path, fd < 0 ? errno : 0, by_steps ? row->error_by_steps : row->error);
		if (fd >= 0)
			close(fd);
	}
	close(sub);
}

static void
test_beneath(void **state)
{
	beneath_check(place_dir(state), false);
}

/* From here on openat2 is not there for this process, so this test comes last. */
static void
test_beneath_by_steps(void **state)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_LEN(code), code };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		skip();
	beneath_check(place_dir(state), true);
}

static void
test_tmpfile(void **state)
{
	int dir = place_dir(state);
	int proc = sys_openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
	int fd = sys_open_tmpfile(dir, O_WRONLY, 0600);

	if (fd < 0 && errno == EOPNOTSUPP)
		skip();
	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, "x", 1), 0);
	assert_int_equal(sys_link_tmpfile(proc, fd, dir, "named"), 0);
	assert_int_equal(sys_link_tmpfile(proc, fd, dir, "named"), -1);
	assert_int_equal(errno, EEXIST);
	close(fd);
	close(proc);
	assert_int_equal(sys_unlinkat(dir, "named", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_data, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_names, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_beneath, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_tmpfile, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_beneath_by_steps, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
