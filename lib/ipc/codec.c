/*
 * The codec: walks the field tables of types.c. Called by output.c and input.c for each frame, and
 * by call.c for each reply, so it is on the path of every mail: one pass to measure, one to write,
 * one to read, no allocation but for lists.
 *
 * The decoder meets bytes from less trusted processes. It owns nothing; it never reads past the
 * body, allocates only what the bytes that are left can fill, and takes exactly one form: full
 * length, bounds of the table, BOOL 0 or 1, descriptors in order and of the declared kind. It must
 * never keep or close a descriptor.
 */
#include "config.h"

#include "ipc/codec.h"

#include <endian.h>
#include <sys/stat.h>

#include "base/cursor.h"

_Static_assert(sizeof(struct ipc_list) == sizeof(struct list_extent), "lists are alike");
_Static_assert(offsetof(struct ipc_list, n) == offsetof(struct list_extent, n), "lists are alike");

/* Bytes on the wire, by kind; of TEXT and LIST those of the length. */
static const uint8_t widths[] = {
	[IPC_U8] = 1,
	[IPC_U16] = 2,
	[IPC_U32] = 4,
	[IPC_U64] = 8,
	[IPC_BOOL] = 1,
	[IPC_TEXT] = 4,
	[IPC_LIST] = 4,
	[IPC_FD] = 1,
};

void
ipc_put_number(char *p, uint64_t v, size_t width)
{
	v = htole64(v);
	memcpy(p, &v, width);
}

uint64_t
ipc_get_number(const char *p, size_t width)
{
	uint64_t v = 0;

	memcpy(&v, p, width);
	return le64toh(v);
}

uint64_t
ipc_field_load(const void *field, enum ipc_kind kind)
{
	switch (kind) {
	case IPC_U8:
		return *(const uint8_t *)field;
	case IPC_U16:
		return *(const uint16_t *)field;
	case IPC_U32:
		return *(const uint32_t *)field;
	case IPC_BOOL:
		return *(const bool *)field;
	default:
		assert(kind == IPC_U64);
		return *(const uint64_t *)field;
	}
}

void
ipc_field_store(void *field, enum ipc_kind kind, uint64_t v)
{
	switch (kind) {
	case IPC_U8:
		*(uint8_t *)field = (uint8_t)v;
		break;
	case IPC_U16:
		*(uint16_t *)field = (uint16_t)v;
		break;
	case IPC_U32:
		*(uint32_t *)field = (uint32_t)v;
		break;
	case IPC_BOOL:
		*(bool *)field = v != 0;
		break;
	default:
		assert(kind == IPC_U64);
		*(uint64_t *)field = v;
	}
}

static const void *
field_in(const struct ipc_field *f, const void *msg)
{
	return (const char *)msg + f->offset;
}

/* Adds the bytes of a message's own texts, or of an item's. */
static enum verdict
measure_texts(const struct ipc_type *type, const void *msg, size_t *size, struct err *err)
{
	const struct ipc_field *f = type->fields();

	for (const struct ipc_field *end = f + type->fields_n; f < end; f++) {
		const struct span *text;

		if (f->kind != IPC_TEXT)
			continue;
		text = field_in(f, msg);
		if (text->n > f->bound)
			return err_set(err, VERDICT_PERM,
			    "%s.%s: %zu bytes, at most %u are allowed", type->name, f->name,
			    text->n, f->bound);
		*size += text->n;
	}
	return VERDICT_OK;
}

static enum verdict
measure_list(const struct ipc_type *type, const struct ipc_field *f, const struct ipc_list *list,
    size_t *size, struct err *err)
{
	const char *item = list->v;

	if (list->n > f->bound)
		return err_set(err, VERDICT_PERM, "%s.%s: %u items, at most %u are allowed",
		    type->name, f->name, list->n, f->bound);
	*size += (size_t)list->n * f->item->least;
	for (uint32_t i = 0; i < list->n; i++, item += f->item->size) {
		enum verdict v = measure_texts(f->item, item, size, err);

		if (v != VERDICT_OK)
			return v;
	}
	return VERDICT_OK;
}

enum verdict
ipc_measure(const struct ipc_type *type, const void *msg, size_t *size_out, struct err *err)
{
	const struct ipc_field *f = type->fields();
	size_t size = type->least;
	enum verdict v = measure_texts(type, msg, &size, err);

	for (const struct ipc_field *end = f + type->fields_n; v == VERDICT_OK && f < end; f++) {
		if (f->kind == IPC_LIST)
			v = measure_list(type, f, field_in(f, msg), &size, err);
		else if (f->kind == IPC_FD && *(const int *)field_in(f, msg) < 0)
			v = err_set(err, VERDICT_PERM, "%s.%s: no descriptor", type->name, f->name);
	}
	if (v == VERDICT_OK && size > LIMIT_IPC_FRAME)
		v = err_set(err, VERDICT_LIMIT, "%s: %zu bytes, a frame holds %u", type->name, size,
		    LIMIT_IPC_FRAME);
	*size_out = size;
	return v;
}

/* A field that is no LIST; *FDS counts the descriptors before it. */
static char *
encode_field(const struct ipc_field *f, const void *field, char *p, unsigned *fds)
{
	size_t width = widths[f->kind];
	const struct span *text = field;

	if (f->kind == IPC_FD) {
		ipc_put_number(p, (*fds)++, width);
		return p + width;
	}
	if (f->kind != IPC_TEXT) {
		ipc_put_number(p, ipc_field_load(field, f->kind), width);
		return p + width;
	}
	ipc_put_number(p, text->n, width);
	p += width;
	if (text->n > 0)
		memcpy(p, text->p, text->n);
	return p + text->n;
}

static char *
encode_list(const struct ipc_type *item, const struct ipc_list *list, char *p)
{
	const struct ipc_field *f = item->fields();
	const char *at = list->v;
	unsigned fds = 0;

	ipc_put_number(p, list->n, widths[IPC_LIST]);
	p += widths[IPC_LIST];
	for (uint32_t i = 0; i < list->n; i++, at += item->size) {
		for (uint32_t k = 0; k < item->fields_n; k++)
			p = encode_field(f + k, at + f[k].offset, p, &fds);
	}
	return p;
}

void
ipc_encode(const struct ipc_type *type, const void *msg, char *p)
{
	const struct ipc_field *f = type->fields();
	unsigned fds = 0;

	for (const struct ipc_field *end = f + type->fields_n; f < end; f++) {
		if (f->kind == IPC_LIST)
			p = encode_list(f->item, field_in(f, msg), p);
		else
			p = encode_field(f, field_in(f, msg), p, &fds);
	}
}

void
ipc_message_fds(const struct ipc_type *type, const void *msg, int fds_out[LIMIT_IPC_FDS])
{
	const struct ipc_field *f = type->fields();
	unsigned n = 0;

	for (const struct ipc_field *end = f + type->fields_n; f < end; f++) {
		if (f->kind == IPC_FD)
			fds_out[n++] = *(const int *)field_in(f, msg);
	}
	assert(n == type->fds);
}

static const char no_room[] = "does not fit in memory";

static bool
take_number(struct cursor *c, size_t width, uint64_t *out)
{
	if (cursor_left(c) < width)
		return false;
	*out = ipc_get_number(c->p, width);
	c->p += width;
	return true;
}

/* A number, BOOL or TEXT into FIELD; what is wrong with it, or NULL. */
static const char *
decode_field(const struct ipc_field *f, struct cursor *c, void *field)
{
	uint64_t v;

	if (!take_number(c, widths[f->kind], &v))
		return "ends early";
	if (f->kind == IPC_BOOL && v > 1)
		return "is neither 0 nor 1";
	if (f->kind != IPC_TEXT) {
		ipc_field_store(field, f->kind, v);
		return NULL;
	}
	if (v > f->bound)
		return "is too long";
	if (v > cursor_left(c))
		return "ends early";
	*(struct span *)field = span_of(c->p, v);
	c->p += v;
	return NULL;
}

static const char *
decode_list(const struct ipc_field *f, struct cursor *c, struct ipc_list *list, struct arena *arena)
{
	const struct ipc_field *row = f->item->fields();
	const char *wrong = NULL;
	uint64_t n;
	char *item;

	if (!take_number(c, widths[IPC_LIST], &n))
		return "ends early";
	if (n > f->bound)
		return "has too many items";
	if (n > cursor_left(c) / f->item->least)
		return "ends early";
	if (n == 0)
		return NULL;
	list->v = item = arena_alloc_array(arena, n, f->item->size);
	if (!item)
		return no_room;
	list->n = (uint32_t)n;
	for (uint64_t i = 0; i < n; i++, item += f->item->size) {
		for (uint32_t k = 0; k < f->item->fields_n && !wrong; k++)
			wrong = decode_field(row + k, c, item + row[k].offset);
	}
	return wrong;
}

static const char *
decode_fd(const struct ipc_field *f, struct cursor *c, unsigned index, int fd, int *field)
{
	struct stat st;
	uint64_t v;

	if (!take_number(c, widths[IPC_FD], &v))
		return "ends early";
	if (v != index)
		return "names another descriptor";
	if (fstat(fd, &st) != 0)
		return "cannot be looked at";
	if (f->bound == IPC_FD_FILE ? !S_ISREG(st.st_mode) : !S_ISSOCK(st.st_mode))
		return "is a descriptor of another kind";
	*field = fd;
	return NULL;
}

enum verdict
ipc_decode(const struct ipc_type *type, struct span body, const int *fds, void *msg_out,
    struct arena *arena, struct err *err)
{
	const struct ipc_field *f = type->fields();
	struct cursor c = cursor_of(body);
	const char *wrong = NULL;
	unsigned fd = 0;

	memset(msg_out, 0, type->size);
	for (const struct ipc_field *end = f + type->fields_n; f < end; f++) {
		void *field = (char *)msg_out + f->offset;

		if (f->kind == IPC_LIST)
			wrong = decode_list(f, &c, field, arena);
		else if (f->kind == IPC_FD)
			wrong = decode_fd(f, &c, fd, fds[fd], field), fd++;
		else
			wrong = decode_field(f, &c, field);
		if (wrong)
			return err_set(err, wrong == no_room ? VERDICT_LIMIT : VERDICT_PERM,
			    "%s.%s %s", type->name, f->name, wrong);
	}
	if (!cursor_done(&c))
		return err_set(
		    err, VERDICT_PERM, "%s has %zu bytes too many", type->name, cursor_left(&c));
	return VERDICT_OK;
}
