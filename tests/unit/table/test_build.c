/*
 * Building hash and btree tables, by the library and by postmap and postalias as a postmaster runs
 * them: what readers see at each moment, what is left after a failure, and what is planted in the
 * way.
 */
#include "config.h"

#include <spawn.h>
#include <sys/wait.h>

#include "table/build.h"
#include "tests/unit/table/table_unit.h"

static const char *const left[] = { "t", "t.db", "t.db.new", "u", "u.db", "u.db.new", "out", "in",
	"main.cf", "master.cf" };

static const char *const types[] = { "hash:", "btree:" };

static struct table_build *
begin(struct place *p, const char *type, unsigned flags)
{
	struct table_build *b;
	struct err err = ERR_NONE;
	struct span t = span_head(span_str(type), strlen(type) - 1);

	if (table_build_begin(t, place_spec(p, "", "t").p, flags, 0640, &b, &err) != VERDICT_OK)
		fail_msg("%s", err.text);
	return b;
}

static void
put(struct table_build *b, const char *key, const char *value, bool replace, bool added)
{
	bool got;
	struct err err = ERR_NONE;

	assert_int_equal(
	    table_build_put(b, span_str(key), span_str(value), replace, &got, &err), VERDICT_OK);
	expect_number(key, got, added);
}

static void
test_build(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(types) * 2; i++) {
		unsigned flags = i % 2 ? TABLE_BUILD_NO_NUL : 0;
		const char *type = types[i / 2];
		struct table_build *b;
		struct table *t, *old;
		struct err err = ERR_NONE;
		struct stat st;
		struct place p;

		place_make(&p);
		b = begin(&p, type, flags);
		put(b, "Key", "value", false, true);
		put(b, "key", "other", false, false);
		put(b, "two", "2", false, true);
		put(b, "two", "22", true, true);
		put(b, "*", "'\\%$1", false, true);
		assert_int_equal(table_build_commit(b, &err), VERDICT_OK);
		assert_int_equal(fstatat(p.fd, "t.db", &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_not_equal(faccessat(p.fd, "t.db.new", F_OK, 0), 0);
		old = table_of(place_spec(&p, type, "t").p);
		expect_lookup(old, span_lit("KEY"), "value");
		expect_lookup(old, span_lit("two"), "22");
		expect_lookup(old, span_lit("*"), "'\\%$1");
		expect_lookup(old, span_lit("key\0"), NULL);
		expect_lookup(old, span_lit("ke"), NULL);
		expect_lookup(old, span_lit("key2"), NULL);

		b = begin(&p, type, flags);
		assert_int_equal(table_build_copy(b, &err), VERDICT_OK);
		assert_int_equal(table_build_delete(b, span_lit("TWO"), &err), VERDICT_OK);
		assert_int_equal(table_build_delete(b, span_lit("two"), &err), VERDICT_ABSENT);
		put(b, "new", "n", false, true);
		/* Until it is committed nothing has changed. */
		assert_false(table_changed(old));
		expect_lookup(old, span_lit("two"), "22");
		assert_int_equal(table_build_commit(b, &err), VERDICT_OK);
		assert_false(table_changed(old));
		assert_true(table_changed(old));
		/* Who has the old one open goes on reading it. */
		expect_lookup(old, span_lit("two"), "22");
		t = table_of(place_spec(&p, type, "t").p);
		expect_lookup(t, span_lit("key"), "value");
		expect_lookup(t, span_lit("two"), NULL);
		expect_lookup(t, span_lit("new"), "n");
		table_close(old);
		table_close(t);
		place_drop(&p, left, ARRAY_LEN(left));
	}
}

static void
test_many(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct place p;
		struct table_build *b;
		struct str text = STR_INIT(128);
		struct table *t;
		struct err err = ERR_NONE;

		place_make(&p);
		b = begin(&p, types[i], 0);
		for (unsigned k = 0; k < 5000; k++) {
			str_reset(&text);
			str_printf(&text, "user%u@example.com", k);
			put(b, str_cstr(&text), str_cstr(&text), false, true);
		}
		assert_int_equal(table_build_commit(b, &err), VERDICT_OK);
		t = table_of(place_spec(&p, types[i], "t").p);
		for (unsigned k = 0; k < 5000; k += 7) {
			str_reset(&text);
			str_printf(&text, "user%u@example.com", k);
			expect_lookup(t, str_span(&text), str_cstr(&text));
		}
		expect_lookup(t, span_lit("user5000@example.com"), NULL);
		table_close(t);
		str_free(&text);
		place_drop(&p, left, ARRAY_LEN(left));
	}
}

static void
test_abort(UNUSED void **state)
{
	struct place p;
	struct table_build *b;
	struct err err = ERR_NONE;

	place_make(&p);
	b = begin(&p, "hash:", 0);
	assert_int_equal(table_build_copy(b, &err), VERDICT_ABSENT);
	put(b, "a", "b", false, true);
	table_build_abort(b);
	assert_int_not_equal(faccessat(p.fd, "t.db", F_OK, 0), 0);
	assert_int_not_equal(faccessat(p.fd, "t.db.new", F_OK, 0), 0);
	/* What a crash left is used again. */
	place_put(&p, "t.db.new", span_lit("half a table"));
	b = begin(&p, "hash:", 0);
	put(b, "a", "b", false, true);
	assert_int_equal(table_build_commit(b, &err), VERDICT_OK);
	assert_int_equal(table_build_begin(span_lit("cidr"), "x", 0, 0644, &b, &err), VERDICT_PERM);
	place_drop(&p, left, ARRAY_LEN(left));
}

static void
test_planted(UNUSED void **state)
{
	for (int kind = 0; kind < 3; kind++) {
		struct place p;
		struct table_build *b;
		struct err err = ERR_NONE;
		struct stat st;

		place_make(&p);
		place_put(&p, "u", span_lit("precious"));
		if (kind == 0)
			assert_int_equal(symlinkat("u", p.fd, "t.db.new"), 0);
		else if (kind == 1)
			assert_int_equal(linkat(p.fd, "u", p.fd, "t.db.new", 0), 0);
		else
			assert_int_equal(mkfifoat(p.fd, "t.db.new", 0600), 0);
		assert_int_equal(table_build_begin(span_lit("hash"), place_spec(&p, "", "t").p, 0,
				     0644, &b, &err),
		    VERDICT_PERM);
		assert_int_equal(fstatat(p.fd, "u", &st, 0), 0);
		assert_int_equal(st.st_size, 8);
		/* The old name may be a link: it is replaced, what it pointed to is not. */
		assert_int_equal(unlinkat(p.fd, "t.db.new", 0), 0);
		assert_int_equal(symlinkat("u", p.fd, "t.db"), 0);
		b = begin(&p, "hash:", 0);
		assert_int_equal(table_build_commit(b, &err), VERDICT_OK);
		assert_int_equal(fstatat(p.fd, "u", &st, 0), 0);
		assert_int_equal(st.st_size, 8);
		assert_int_equal(fstatat(p.fd, "t.db", &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_true(S_ISREG(st.st_mode));
		place_drop(&p, left, ARRAY_LEN(left));
	}
}

static void
test_not_a_database(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct place p;
		struct table *t;
		struct err err = ERR_NONE;

		place_make(&p);
		place_put(&p, "t.db", span_lit("this is text, and has been from the beginning"));
		assert_int_equal(table_open(place_spec(&p, types[i], "t"), &t, &err), VERDICT_TEMP);
		expect_lookup(t, span_lit("this"), "!");
		table_close(t);
		struct table_build *b = begin(&p, types[1 - i], 0);
		assert_int_equal(table_build_commit(b, &err), VERDICT_OK);
		assert_int_equal(table_open(place_spec(&p, types[i], "t"), &t, &err), VERDICT_TEMP);
		table_close(t);
		place_drop(&p, left, ARRAY_LEN(left));
	}
}

/* Runs ARGS in P with INPUT; "%" in an argument is the directory. Output and complaints come into
 * *OUT. */
static int
run(struct place *p, const char *program, const char *const *args, const char *input,
    struct str *out)
{
	char *argv[10] = { (char *)(uintptr_t)program, (char[]){ "-c" }, p->dir };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	struct str words[7];
	int status, n = 3;
	pid_t pid;
	int fd;

	for (size_t i = 0; args[i]; i++) {
		struct span head, tail;
		bool cut = span_cut(span_str(args[i]), '%', &head, &tail);
		str_init(&words[i], 256);
		str_put(&words[i], head);
		str_printf(&words[i], "%s%.*s", cut ? p->dir : "", SPAN_ARG(tail));
		str_cstr(&words[i]);
		argv[n++] = words[i].p;
	}
	place_put(p, "in", span_str(input));
	place_put(p, "out", span_lit(""));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, place_spec(p, "", "in").p, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
	    &actions, 1, place_spec(p, "", "out").p, O_WRONLY | O_APPEND, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	for (size_t i = 0; args[i]; i++)
		str_free(&words[i]);
	fd = sys_openat(p->fd, "out", O_RDONLY, 0);
	ssize_t got = sys_pread_all(fd, str_reserve(out, 65536), 65536, 0);
	assert_true(got >= 0);
	str_grew(out, (size_t)got);
	sys_close(fd);
	return WEXITSTATUS(status);
}

struct step {
	const char *program;
	const char *args[6];
	const char *input;
	int status;
	const char *says; /* part of the output; NULL: nothing is said */
};

static void
check_steps(struct place *p, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str out = STR_INIT(1 << 20);
		struct str name = STR_INIT(512);
		int status = run(p, steps[i].program, steps[i].args, steps[i].input, &out);

		str_printf(
		    &name, "step %zu, %s: \"%.*s\"", i, steps[i].args[0], SPAN_ARG(str_span(&out)));
		expect_number(str_cstr(&name), status, steps[i].status);
		if (!steps[i].says)
			expect_text(str_cstr(&name), str_span(&out), "");
		else if (span_find_span(str_span(&out), span_str(steps[i].says)) == out.n)
			fail_msg("%s: no \"%s\"", str_cstr(&name), steps[i].says);
		str_free(&out);
		str_free(&name);
	}
}

static void
test_postmap(UNUSED void **state)
{
	static const struct step steps[] = {
		{ POSTMAP, { "hash:%/t" }, "", 0, "line 3: duplicate entry: \"ALICE\"" },
		{ POSTMAP, { "-w", "%/t" }, "", 0, NULL },
		{ POSTMAP, { "-q", "Alice", "hash:%/t" }, "", 0, "alice@x, carol@x\n" },
		{ POSTMAP, { "-q", "nobody", "hash:%/t" }, "", 1, NULL },
		{ POSTMAP, { "-q", "-", "%/t" }, "nobody\nbob\n", 0, "bob\tbob@x\n" },
		{ POSTMAP, { "-q", "-", "%/t" }, "nobody\n", 1, NULL },
		{ POSTMAP, { "-r", "hash:%/t" }, "", 0, NULL },
		{ POSTMAP, { "-q", "alice", "hash:%/t" }, "", 0, "again\n" },
		{ POSTMAP, { "-i", "hash:%/t" }, "dave dave@x\nbob other\n", 0,
		    "stdin, line 2: duplicate entry: \"bob\"" },
		{ POSTMAP, { "-q", "dave", "hash:%/t" }, "", 0, "dave@x\n" },
		{ POSTMAP, { "-q", "bob", "hash:%/t" }, "", 0, "bob@x\n" },
		{ POSTMAP, { "-d", "bob", "hash:%/t" }, "", 0, NULL },
		{ POSTMAP, { "-d", "bob", "hash:%/t" }, "", 1, NULL },
		{ POSTMAP, { "-d", "-", "hash:%/t" }, "x\ndave\n", 0, NULL },
		{ POSTMAP, { "-s", "hash:%/t" }, "", 0, "alice\tagain\n" },
		{ POSTMAP, { "-n", "btree:%/t" }, "", 0, "duplicate" },
		{ POSTMAP, { "-q", "bob", "btree:%/t" }, "", 0, "bob@x\n" },
		{ POSTMAP, { "-q", "bob", "hash:%/t" }, "", 1, "it is no database of this type" },
		{ POSTMAP, { "-f", "hash:%/t" }, "", 0, NULL },
		{ POSTMAP, { "-q", "alice", "hash:%/t" }, "", 0, "alice@x, carol@x\n" },
		{ POSTMAP, { "-q", "x", "pcre:{{/(x)/ <$1>}}" }, "", 0, "<x>\n" },
		{ POSTMAP, { "-q", "b", "inline:{a=1}", "inline:{b=2}" }, "", 0, "2\n" },
		{ POSTMAP, { "-q", "b", "inline:{a=1}", "fail:x" }, "", 1,
		    "postmap: fatal: query error: fail:x" },
		{ POSTMAP, { "-s", "pcre:{{/(x)/ <$1>}}" }, "", 1, "cannot be listed" },
		{ POSTMAP, { "cidr:%/t" }, "", 1, "are not built" },
		{ POSTMAP, { "hash:%/nothing" }, "", 1, "No such file or directory" },
		{ POSTMAP, { "hash:%" }, "", 1, "Is a directory" },
		{ POSTMAP, { "-j", "hash:%/t" }, "", 1, "-j: JSON is not supported" },
		{ POSTMAP, { "-q", "a", "-s", "hash:%/t" }, "", 1, "usage: postmap" },
		{ POSTMAP, { "-q", "a" }, "", 1, "usage: postmap" },
	};
	struct place p;

	place_make(&p);
	place_put(&p, "t", span_lit("alice alice@x,\n  carol@x\nALICE again\nbob bob@x\n"));
	check_steps(&p, steps, ARRAY_LEN(steps));
	place_drop(&p, left, ARRAY_LEN(left));
}

static void
test_postalias(UNUSED void **state)
{
	static const struct step steps[] = {
		{ POSTALIAS, { "hash:%/t" }, "", 0, "line 6: expected format: name: value" },
		{ POSTALIAS, { "-q", "root", "hash:%/t" }, "", 0, "alice, bob\n" },
		{ POSTALIAS, { "-q", "a: b", "hash:%/t" }, "", 0, "quoted\n" },
		{ POSTALIAS, { "-q", "prog", "hash:%/t" }, "", 0, "\"|cat: x\"\n" },
		{ POSTALIAS, { "-q", "x@y", "hash:%/t" }, "", 1, NULL },
	};
	struct place p;

	place_make(&p);
	place_put(&p, "t",
	    span_lit("# aliases\nRoot: alice,\n\tbob\n\"a: b\": quoted\nprog: \"|cat: "
		     "x\"\nnothing\nx@y: z\n"));
	check_steps(&p, steps, ARRAY_LEN(steps));
	place_drop(&p, left, ARRAY_LEN(left));
}

/* Two at a time: one waits for the other, and both have their say. */
static void
test_together(UNUSED void **state)
{
	static const char *const keys[] = { "a 1\n", "b 2\n", "c 3\n", "d 4\n" };
	pid_t pids[ARRAY_LEN(keys)];
	struct place p;
	struct table *t;
	struct str out = STR_INIT(4096);

	place_make(&p);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct place own = p;

		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct table_build *b;
			struct err err = ERR_NONE;
			bool added;
			struct span key = span_of(keys[i], 1), value = span_of(keys[i] + 2, 1);

			if (table_build_begin(span_lit("hash"), place_spec(&own, "", "t").p, 0,
				0644, &b, &err) != VERDICT_OK ||
			    table_build_copy(b, &err) == VERDICT_TEMP ||
			    table_build_put(b, key, value, false, &added, &err) != VERDICT_OK ||
			    table_build_commit(b, &err) != VERDICT_OK)
				_exit(1);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	t = table_of(place_spec(&p, "hash:", "t").p);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		expect_lookup(t, span_of(keys[i], 1), (char[]){ keys[i][2], 0 });
	table_close(t);
	str_free(&out);
	place_drop(&p, left, ARRAY_LEN(left));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_not_a_database),
		cmocka_unit_test(test_postmap),
		cmocka_unit_test(test_postalias),
		cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
