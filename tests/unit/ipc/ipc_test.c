/*
 * What the tests of lib/ipc share (ipc_test.h): the maker of messages, raw frames and their sender,
 * and the scene, which runs a test in several orders of fibers. Called by each test here; owns
 * nothing that outlives a test, and fails the test when descriptors stay open.
 */
#include "config.h"

#include "tests/unit/ipc/ipc_test.h"

#include "base/mem.h"

#define MAKER_ARENA ((size_t)64 << 20)

void
maker_init(struct maker *m)
{
	int pair[2];

	arena_init(&m->arena, MAKER_ARENA);
	m->seed = 1;
	m->file = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(ipc_pair(pair), 0);
	m->socket = pair[0];
	close(pair[1]);
}

void
maker_fini(struct maker *m)
{
	arena_free(&m->arena);
	close(m->file);
	close(m->socket);
}

static uint64_t
maker_draw(struct maker *m)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return m->seed;
}

static struct span
make_text(struct maker *m, size_t n)
{
	char *p = arena_alloc(&m->arena, n);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)maker_draw(m);
	return span_of(p, n);
}

static void
make_field(struct maker *m, const struct ipc_field *f, void *field, enum fill fill)
{
	uint64_t draw = maker_draw(m);

	if (f->kind == IPC_TEXT)
		*(struct span *)field = make_text(m, fill == FILL_LEAST	 ? 0
						     : fill == FILL_MOST ? f->bound
									 : draw % (f->bound + 1));
	else if (f->kind == IPC_FD)
		*(int *)field = f->bound == IPC_FD_FILE ? m->file : m->socket;
	else
		ipc_field_store(field, f->kind,
		    fill == FILL_LEAST	? 0
		    : fill == FILL_MOST ? UINT64_MAX
					: draw);
}

/* As many items of the largest kind as a frame holds beside the rest, or all with least texts. */
static void
make_list(struct maker *m, const struct ipc_field *f, struct ipc_list *list, enum fill fill)
{
	const struct ipc_type *item = f->item;
	uint32_t room = LIMIT_IPC_FRAME / 2 / (fill == FILL_MOST ? item->most : item->least);
	uint32_t most = f->bound < room ? f->bound : room;
	char *at;

	if (fill == FILL_LEAST)
		return;
	list->n = fill == FILL_MOST ? most : (uint32_t)(maker_draw(m) % 5) % (most + 1);
	list->v = at = arena_alloc_array(&m->arena, list->n, item->size);
	assert_non_null(at);
	for (uint32_t i = 0; i < list->n; i++, at += item->size) {
		for (uint32_t k = 0; k < item->fields_n; k++)
			make_field(m, item->fields() + k, at + item->fields()[k].offset, fill);
	}
}

void *
maker_make(struct maker *m, const struct ipc_type *type, enum fill fill)
{
	char *msg;

	arena_reset(&m->arena);
	msg = arena_alloc(&m->arena, type->size);
	for (uint32_t k = 0; k < type->fields_n; k++) {
		const struct ipc_field *f = type->fields() + k;
		void *field = msg + f->offset;

		if (f->kind == IPC_LIST)
			make_list(m, f, field, fill);
		else
			make_field(m, f, field, fill);
	}
	return msg;
}

static bool
field_eq(const struct ipc_field *f, const void *a, const void *b)
{
	if (f->kind == IPC_FD)
		return true;
	if (f->kind == IPC_TEXT)
		return span_eq(*(const struct span *)a, *(const struct span *)b);
	return ipc_field_load(a, f->kind) == ipc_field_load(b, f->kind);
}

static bool
list_eq(const struct ipc_type *item, const struct ipc_list *a, const struct ipc_list *b)
{
	bool eq = a->n == b->n;

	for (uint32_t i = 0; eq && i < a->n; i++) {
		const char *x = (const char *)a->v + (size_t)i * item->size;
		const char *y = (const char *)b->v + (size_t)i * item->size;

		for (uint32_t k = 0; k < item->fields_n; k++) {
			const struct ipc_field *f = item->fields() + k;

			eq = eq && field_eq(f, x + f->offset, y + f->offset);
		}
	}
	return eq;
}

bool
message_eq(const struct ipc_type *type, const void *a, const void *b)
{
	bool eq = true;

	for (uint32_t k = 0; k < type->fields_n; k++) {
		const struct ipc_field *f = type->fields() + k;
		const void *x = (const char *)a + f->offset;
		const void *y = (const char *)b + f->offset;

		eq = eq && (f->kind == IPC_LIST ? list_eq(f->item, x, y) : field_eq(f, x, y));
	}
	return eq;
}

void
put_frame(struct str *out, const struct ipc_type *type, const void *msg, uint32_t id)
{
	struct frame f = { .number = type->number, .fds = type->fds, .sort = type->sort, .id = id };
	size_t size;
	char *p;

	assert_int_equal(ipc_measure(type, msg, &size, NULL), VERDICT_OK);
	p = str_reserve(out, FRAME_HEADER + size);
	assert_non_null(p);
	f.length = (uint32_t)size;
	frame_put(p, &f);
	ipc_encode(type, msg, p + FRAME_HEADER);
	str_grew(out, FRAME_HEADER + size);
}

void
put_hello(struct str *out)
{
	struct msg_hello hello = { .version = IPC_VERSION, .generation = 7, .pid = 12 };

	put_frame(out, &ipc_hello, &hello, 0);
}

void
send_raw(int fd, struct span bytes, const int *fds, unsigned fds_n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * (LIMIT_IPC_BESIDE + 1))];
	} control = { 0 };
	struct iovec v = { .iov_len = bytes.n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	memcpy(&v.iov_base, &bytes.p, sizeof(bytes.p));
	if (fds_n > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * fds_n);
	}
	assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), bytes.n);
}

unsigned
fds_count(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

void
scene_gone_left(struct ipc_channel *ch, const char *why, void *arg)
{
	struct scene *s = arg;

	assert_ptr_equal(ch, s->left);
	assert_false(ipc_is_open(ch));
	s->left = NULL;
	str_puts(&s->why, why);
}

void
scene_gone_right(struct ipc_channel *ch, const char *why, void *arg)
{
	struct scene *s = arg;

	assert_ptr_equal(ch, s->right);
	s->right = NULL;
	str_puts(&s->why_right, why);
}

void
scene_run_in(uint64_t order, scene_fn *fn, scene_fn *check)
{
	unsigned fds = fds_count();
	struct scene s = { .fds = { -1, -1 }, .kept_fd = -1 };

	str_init(&s.why, LIMIT_ERR_TEXT);
	str_init(&s.why_right, LIMIT_ERR_TEXT);
	loop_init();
	if (order)
		loop_random_order(order);
	s.ipc = ipc_new(3);
	assert_int_equal(ipc_pair(s.fds), 0);
	fn(&s);
	loop_run();
	if (check)
		check(&s);
	if (s.fds[1] >= 0)
		close(s.fds[1]);
	loop_fini();
	assert_null(s.left);
	assert_null(s.right);
	ipc_free(s.ipc);
	str_free(&s.why);
	str_free(&s.why_right);
	assert_int_equal(fds_count(), fds);
}

void
scene_run(scene_fn *fn, scene_fn *check)
{
	for (uint64_t order = 0; order < 4; order++)
		scene_run_in(order, fn, check);
}
