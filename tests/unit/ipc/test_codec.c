/*
 * The codec over all messages: what is encoded is decoded to the same, and nothing else is taken.
 * Messages are made up by the tables, so that a new row of messages.def is covered by being there;
 * what a table cannot say (which byte is wrong, and what is said of it) stands in rows here.
 */
#include "config.h"

#include "tests/unit/ipc/ipc_test.h"

static const struct ipc_type *
type_next(const struct ipc_type *type)
{
	return ipc_type_after(type ? type->number : 0);
}

#define each_type(type)                                \
	const struct ipc_type *type = type_next(NULL); \
	type;                                          \
	type = type_next(type)

static void
check_fields(const struct ipc_type *type, bool is_item)
{
	const struct ipc_field *f = type->fields();
	uint32_t end = 0;

	assert_true(type->fields_n > 0 && type->least > 0 && type->most >= type->least);
	for (uint32_t k = 0; k < type->fields_n; k++, f++) {
		assert_true(k == 0 || f->offset > f[-1].offset);
		assert_true(f->offset >= end && f->offset < type->size);
		end = f->offset + 1;
		assert_int_equal(f->kind == IPC_LIST, f->item != NULL);
		if (f->kind == IPC_TEXT || f->kind == IPC_LIST)
			assert_true(f->bound > 0);
		if (f->kind == IPC_FD)
			assert_true(f->bound == IPC_FD_FILE || f->bound == IPC_FD_SOCKET);
		assert_false(is_item && (f->kind == IPC_LIST || f->kind == IPC_FD));
	}
}

static void
test_tables(void **state UNUSED)
{
	unsigned n = 0;

	for (each_type(type)) {
		assert_ptr_equal(ipc_type_find(type->number), type);
		assert_true(type->sort >= IPC_CALL && type->sort <= IPC_NOTE);
		check_fields(type, false);
		for (uint32_t k = 0; k < type->fields_n; k++) {
			if (type->fields()[k].kind == IPC_LIST)
				check_fields(type->fields()[k].item, true);
		}
		n++;
	}
	assert_true(n >= 22);
	assert_null(ipc_type_find(0));
	assert_null(ipc_type_find(65535));
}

/* Encodes into OUT; the descriptors go to FDS. */
static void
encode(const struct ipc_type *type, const void *msg, struct str *out, int fds[LIMIT_IPC_FDS])
{
	struct err err;
	size_t size;
	char *p;

	if (ipc_measure(type, msg, &size, &err) != VERDICT_OK)
		fail_msg("%s", err.text);
	assert_true(size >= type->least && size <= type->most);
	str_reset(out);
	p = str_reserve(out, size);
	ipc_encode(type, msg, p);
	str_grew(out, size);
	ipc_message_fds(type, msg, fds);
}

/* A copy with exactly its size, so that AddressSanitizer sees a read past the end. */
static enum verdict
decode(const struct ipc_type *type, struct span body, const int *fds, void **out,
    struct arena *arena, struct err *err)
{
	struct span copy;

	arena_reset(arena);
	*out = arena_alloc(arena, type->size);
	copy = arena_dup(arena, body);
	return ipc_decode(type, copy, fds, *out, arena, err);
}

static void
test_round_trip(void **state UNUSED)
{
	struct maker m;
	struct arena arena;
	struct str body = STR_INIT(LIMIT_IPC_FRAME);
	int fds[LIMIT_IPC_FDS];
	struct err err;
	void *back;

	maker_init(&m);
	arena_init(&arena, LIMIT_IPC_MESSAGE);
	for (each_type(type)) {
		for (enum fill fill = FILL_LEAST; fill <= FILL_MIXED; fill++) {
			void *msg = maker_make(&m, type, fill);

			encode(type, msg, &body, fds);
			if (decode(type, str_span(&body), fds, &back, &arena, &err) != VERDICT_OK)
				fail_msg("%s", err.text);
			if (!message_eq(type, msg, back))
				fail_msg("%s is not the same", type->name);
		}
	}
	str_free(&body);
	arena_free(&arena);
	maker_fini(&m);
}

/* Whatever still decodes must encode to the bytes it came from. */
static void
check_one_form(const struct ipc_type *type, struct span body, const int *fds, struct arena *arena)
{
	struct str again = STR_INIT(LIMIT_IPC_FRAME);
	int again_fds[LIMIT_IPC_FDS];
	void *msg;

	if (decode(type, body, fds, &msg, arena, NULL) == VERDICT_OK) {
		encode(type, msg, &again, again_fds);
		assert_true(span_eq(body, str_span(&again)));
	}
	str_free(&again);
}

static void
mutate(const struct ipc_type *type, struct str *body, const int *fds, struct arena *arena)
{
	static const char flips[] = { 1, (char)0x80, (char)0xff };
	struct err err;
	void *msg;

	for (size_t n = 0; n < body->n; n++)
		assert_int_equal(decode(type, span_head(str_span(body), n), fds, &msg, arena, &err),
		    VERDICT_PERM);
	for (size_t i = 0; i < body->n; i++) {
		for (size_t k = 0; k < sizeof(flips); k++) {
			body->p[i] ^= flips[k];
			check_one_form(type, str_span(body), fds, arena);
			body->p[i] ^= flips[k];
		}
	}
	str_putc(body, 0);
	assert_int_equal(decode(type, str_span(body), fds, &msg, arena, &err), VERDICT_PERM);
}

static void
test_mutations(void **state UNUSED)
{
	struct maker m;
	struct arena arena;
	struct str body = STR_INIT(LIMIT_IPC_FRAME + 1);
	unsigned open_fds = fds_count();
	int fds[LIMIT_IPC_FDS];

	maker_init(&m);
	arena_init(&arena, LIMIT_IPC_MESSAGE);
	for (each_type(type)) {
		encode(type, maker_make(&m, type, FILL_LEAST), &body, fds);
		mutate(type, &body, fds, &arena);
		/* A short one of the mixed ones: each byte costs a pass. */
		for (int tries = 0; tries < 200; tries++) {
			encode(type, maker_make(&m, type, FILL_MIXED), &body, fds);
			if (body.n < 1000)
				break;
		}
		if (body.n < 1000)
			mutate(type, &body, fds, &arena);
	}
	str_free(&body);
	arena_free(&arena);
	maker_fini(&m);
	assert_int_equal(fds_count(), open_fds);
}

/* One more than the bound: neither encoded nor decoded. */
static void
test_bounds(void **state UNUSED)
{
	struct maker m;
	struct arena arena;
	struct err err;
	size_t size;

	maker_init(&m);
	arena_init(&arena, LIMIT_IPC_MESSAGE);
	for (each_type(type)) {
		char *msg = maker_make(&m, type, FILL_LEAST);

		for (uint32_t k = 0; k < type->fields_n; k++) {
			const struct ipc_field *f = type->fields() + k;

			if (f->kind == IPC_TEXT)
				((struct span *)(void *)(msg + f->offset))->n = f->bound + 1;
			else if (f->kind == IPC_LIST)
				((struct ipc_list *)(void *)(msg + f->offset))->n = f->bound + 1;
			else
				continue;
			assert_int_equal(ipc_measure(type, msg, &size, &err), VERDICT_PERM);
			msg = maker_make(&m, type, FILL_LEAST);
		}
	}
	arena_free(&arena);
	maker_fini(&m);
}

static void
test_refused(void **state UNUSED)
{
	static const struct {
		const char *name;
		const struct ipc_type *type;
		struct span body;
		const char *want;
	} rows[] = {
		{ "text too long", &ipc_queue_read, SPAN("\x15\0\0\0aaaaaaaaaaaaaaaaaaaaa"),
		    "queue_read.queue_id is too long" },
		{ "text past the end", &ipc_queue_read, SPAN("\x05\0\0\0abcd"),
		    "queue_read.queue_id ends early" },
		{ "length of 4 GiB", &ipc_queue_read, SPAN("\xff\xff\xff\xff"),
		    "queue_read.queue_id is too long" },
		{ "trailing byte", &ipc_queue_read, SPAN("\0\0\0\0!"),
		    "queue_read has 1 bytes too many" },
		{ "too many items", &ipc_deliver_results, SPAN("\0\0\0\0\0\0\0\0\xe9\x03\0\0"),
		    "deliver_results.results has too many items" },
		{ "items past the end", &ipc_deliver_results, SPAN("\0\0\0\0\0\0\0\0\xe8\x03\0\0 "),
		    "deliver_results.results ends early" },
		{ "boolean of 2", &ipc_deliver_results, SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\2"),
		    "deliver_results.last is neither 0 nor 1" },
		{ "another descriptor", &ipc_queue_file, SPAN("\1"),
		    "queue_file.file names another descriptor" },
		{ "a socket for a file", &ipc_queue_file, SPAN("\0"),
		    "queue_file.file is a descriptor of another kind" },
	};
	struct maker m;
	struct arena arena;

	maker_init(&m);
	arena_init(&arena, LIMIT_IPC_MESSAGE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fds[LIMIT_IPC_FDS] = { m.socket, m.socket, m.socket, m.socket };
		struct err err = ERR_NONE;
		void *msg;

		expect_number(rows[i].name,
		    decode(rows[i].type, rows[i].body, fds, &msg, &arena, &err), VERDICT_PERM);
		expect_text(rows[i].name, err_text(&err), rows[i].want);
	}
	arena_free(&arena);
	maker_fini(&m);
}

/* A list that the arena of a caller cannot hold is an answer, not a crash. */
static void
test_small_arena(void **state UNUSED)
{
	struct item_extent extents[8] = { 0 };
	struct msg_store store = { .extents = { extents, 8 } };
	struct arena arena;
	struct str body = STR_INIT(LIMIT_IPC_FRAME);
	struct msg_store back;
	struct maker m;
	int fds[LIMIT_IPC_FDS];
	struct err err;

	maker_init(&m);
	store.content = m.file;
	arena_init(&arena, 64);
	encode(&ipc_store, &store, &body, fds);
	assert_int_equal(
	    ipc_decode(&ipc_store, str_span(&body), fds, &back, &arena, &err), VERDICT_LIMIT);
	str_free(&body);
	arena_free(&arena);
	maker_fini(&m);
}

static void
test_print(void **state UNUSED)
{
	struct item_extent extents[5] = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 }, { 9, 10 } };
	struct msg_store store = {
		.queue_id = SPAN("3f\n"), .extents = { extents, 5 }, .content = 9
	};
	struct str line = STR_INIT(LIMIT_LOG_LINE);

	ipc_print(&line, &ipc_store, &store);
	expect_text("store", str_span(&line),
	    "store queue_id=\"3f\\012\" sender=\"\" recipient=\"\" original=\"\" folder=\"\" "
	    "flags=0 "
	    "extents=5 items content=fd 9 extents[0]={at=1 size=2} extents[1]={at=3 size=4} "
	    "extents[2]={at=5 size=6}");
	str_free(&line);
}

/* struct err over the wire and back. */
static void
test_failed(void **state UNUSED)
{
	static const struct {
		const char *name;
		struct msg_failed msg;
		bool good;
	} rows[] = {
		{ "as sent", { VERDICT_PERM, 550, SPAN("5.1.1"), SPAN("no such user") }, true },
		{ "no codes", { VERDICT_TIMEOUT, 0, SPAN(""), SPAN("") }, true },
		{ "no failure", { VERDICT_OK, 0, SPAN(""), SPAN("") }, false },
		{ "cancelled", { VERDICT_CANCELLED, 0, SPAN(""), SPAN("") }, false },
		{ "no verdict", { 99, 0, SPAN(""), SPAN("") }, false },
		{ "no reply code", { VERDICT_PERM, 99, SPAN(""), SPAN("") }, false },
		{ "no status code", { VERDICT_PERM, 550, SPAN("5.1."), SPAN("") }, false },
	};
	struct msg_failed back;
	struct err err;
	char dsn[12];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_number(rows[i].name, failed_to_err(&rows[i].msg, &err), rows[i].good);
		if (!rows[i].good)
			continue;
		failed_from_err(&err, dsn, &back);
		assert_true(message_eq(&ipc_failed, &rows[i].msg, &back));
	}
	err_set(&err, VERDICT_CANCELLED, "told to stop");
	failed_from_err(&err, dsn, &back);
	assert_int_equal(back.verdict, VERDICT_TEMP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
