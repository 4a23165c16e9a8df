/*
 * Fault injection, which this program compiles in whatever the rest of the build does. Each case
 * runs in a child of its own, as the plan is read once per process: the child does a fixed row of
 * calls and tells by its exit status which of them failed. Run by make check.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/sys.h"
#include "base/sys_fault.h"
#include "base/sys_shared.h"
#include "tests/unit/unit.h"

enum { NONE = 0, KILLED = -1, ODD = 100 };

/* The number of the first call that failed with ERROR, from 1; ODD when one failed with another
 * error. */
static int
calls_make(int error)
{
	int fd = -1, failed = NONE;

	for (int step = 1; step <= 6 && failed == NONE; step++) {
		int r = 0;

		if (step == 1)
			r = fd = sys_open_tmpfile(AT_FDCWD, O_RDWR, 0600);
		else if (step == 2)
			r = sys_write_all(fd, "hello", 5);
		else if (step == 3)
			r = sys_fsync(fd);
		else if (step == 4)
			r = (int)sys_pread_all(fd, (char[8]){ 0 }, 8, 0);
		else if (step == 5)
			r = sys_ftruncate(fd, 1);
		else
			r = sys_close(fd);
		if (r < 0)
			failed = errno == error ? step : ODD;
	}
	return failed;
}

static int
child_run(const char *fault, int error, int record_fd)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char number[16];

		snprintf(number, sizeof(number), "%d", record_fd);
		setenv("POSTERN_FAULT", fault, 1);
		if (record_fd >= 0)
			setenv("POSTERN_FAULT_FD", number, 1);
		_exit(chdir("/tmp") == 0 ? calls_make(error) : ODD);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? KILLED : ODD;
	return WEXITSTATUS(status);
}

static void
test_faults(UNUSED void **state)
{
	static const struct {
		const char *plan;
		int error, failed;
	} rows[] = {
		{ "1:ENOSPC", ENOSPC, 1 },
		{ "2:ENOSPC", ENOSPC, 2 },
		{ "3:EIO", EIO, 3 },
		/* Reading changes nothing and is not counted unless it is named. */
		{ "4:EIO", EIO, 5 },
		{ "5:EIO", EIO, NONE },
		{ "1:EIO:fsync", EIO, 3 },
		{ "1:EIO:pread", EIO, 4 },
		{ "1:EIO:close", EIO, 6 },
		{ "2:EDQUOT:fsync,ftruncate", EDQUOT, 5 },
		{ "2:EDQUOT:fsync", EDQUOT, NONE },
		{ "0:EIO", EIO, NONE },
		{ "3:kill", 0, KILLED },
		{ "1:kill:rename", 0, NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_number(
		    rows[i].plan, child_run(rows[i].plan, rows[i].error, -1), rows[i].failed);
}

static void
test_record(UNUSED void **state)
{
	static const char *const starts[] = { "tmpfile ", "write 5 ", "fsync -EIO " };
	struct str text = STR_INIT(65536);
	struct span left, line;
	ssize_t n;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(child_run("1:EIO:fsync", EIO, fds[1]), 3);
	close(fds[1]);
	n = read(fds[0], str_reserve(&text, 65535), 65535);
	assert_true(n > 0);
	str_grew(&text, (size_t)n);
	left = str_span(&text);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		assert_true(span_token(&left, span_lit("\n"), &line));
		expect_text("start", span_head(line, strlen(starts[i])), starts[i]);
		if (i == 1)
			assert_true(span_ends(line, span_lit(" at=0 data=68656c6c6f")));
	}
	assert_false(span_token(&left, span_lit("\n"), &line));
	close(fds[0]);
	str_free(&text);
}

#define MAP_BYTES 65536

/* A plan in a file of its own; PATH_OUT has room for its name. */
static struct sys_shared *
map_make(char *path_out, size_t n)
{
	struct sys_shared *map;
	int fd;

	snprintf(path_out, n, "/tmp/postern-fault-XXXXXX");
	fd = mkstemp(path_out);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MAP_BYTES), 0);
	map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	memcpy(map->magic, SYS_SHARED_MAGIC, sizeof(map->magic));
	map->size = MAP_BYTES;
	map->log_at = map->log_end = 4096;
	return map;
}

static int
map_child(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("POSTERN_FAULT_MAP", path, 1);
		_exit(chdir("/tmp") == 0 ? calls_make(EDQUOT) : ODD);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? KILLED : ODD;
	return WEXITSTATUS(status);
}

/* Each row is another process under the same plan. */
static void
test_shared_plan(UNUSED void **state)
{
	static const struct {
		const char *program;
		int error;
		uint32_t kinds, many;
		uint64_t at;
		int failed;
		uint64_t count;
		uint32_t fired;
	} rows[] = {
		{ "test_sys_fault", EDQUOT, UINT32_MAX, 1, 3, 3, 3, 1 },
		/* The reading one is two: the second finds the end. */
		{ "test_sys_fault", EDQUOT, UINT32_MAX, 1, 0, NONE, 7, 0 },
		{ "test_sys_fault", 0, UINT32_MAX, 1, 2, KILLED, 2, 1 },
		{ "test_sys_fault", EDQUOT, 1 << SYS_FTRUNCATE, 1, 1, 5, 1, 1 },
		{ "qmgr", EDQUOT, UINT32_MAX, 1, 1, NONE, 0, 0 },
	};
	char path[64];
	struct sys_shared *map = map_make(path, sizeof(path));
	struct sys_order *o = &map->orders[2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		*o = (struct sys_order){ .kinds = rows[i].kinds,
			.error = rows[i].error,
			.many = rows[i].many,
			.at = rows[i].at };
		memcpy(o->program, rows[i].program, strlen(rows[i].program));
		atomic_store(&o->armed, 1);
		expect_number("failed", map_child(path), rows[i].failed);
		expect_number("count", (int64_t)o->count, (int64_t)rows[i].count);
		expect_number("fired", o->fired, rows[i].fired);
	}
	unlink(path);
	munmap(map, MAP_BYTES);
}

static void
test_shared_records(UNUSED void **state)
{
	static const char *const starts[] = { "tmpfile ", "write 5 ", "fsync 0 ", "pread 5 " };
	char path[64];
	struct sys_shared *map = map_make(path, sizeof(path));
	uint64_t at = map->log_at;

	expect_number("failed", map_child(path), NONE);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		const uint32_t *head = (const uint32_t *)(const void *)((const char *)map + at);
		struct span line = span_of(head + 2, head[0]);

		expect_number("whole", head[1], 1);
		expect_text("start", span_head(line, strlen(starts[i])), starts[i]);
		if (i == 2)
			assert_true(span_find_span(line, span_lit(" begun=")) < line.n);
		at += (8 + line.n + 7) & ~UINT64_C(7);
	}
	assert_true(map->log_end > at);
	unlink(path);
	munmap(map, MAP_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_plan),
		cmocka_unit_test(test_shared_records),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
