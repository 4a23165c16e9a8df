/*
 * A message as one line of text, for traces: "queue_flush queue_id="3fXz" site="example.org"".
 * Called by whoever was given the message (see ipc_set_trace) and by tests, never on the path of
 * mail.
 *
 * Texts are escaped and cut at LIMIT_LOG_ESCAPE bytes, lists shown up to their third item; the
 * caller's str bounds the line.
 */
#include "config.h"

#include <inttypes.h>

#include "base/log.h"
#include "ipc/codec.h"

#define ITEMS_SHOWN 3

static void
print_fields(struct str *out, const struct ipc_type *type, const char *at)
{
	const struct ipc_field *f = type->fields();

	for (uint32_t k = 0; k < type->fields_n; k++, f++) {
		const char *gap = k > 0 ? " " : "";

		if (f->kind == IPC_TEXT)
			str_printf(out, "%s%s=\"%s\"", gap, f->name,
			    log_escape(*(const struct span *)(const void *)(at + f->offset)));
		else if (f->kind == IPC_FD)
			str_printf(out, "%s%s=fd %d", gap, f->name,
			    *(const int *)(const void *)(at + f->offset));
		else if (f->kind != IPC_LIST)
			str_printf(out, "%s%s=%" PRIu64, gap, f->name,
			    ipc_field_load(at + f->offset, f->kind));
		else
			str_printf(out, "%s%s=%u items", gap, f->name,
			    ((const struct ipc_list *)(const void *)(at + f->offset))->n);
	}
}

static void
print_items(struct str *out, const struct ipc_field *f, const struct ipc_list *list)
{
	const char *item = list->v;

	for (uint32_t i = 0; i < list->n && i < ITEMS_SHOWN; i++, item += f->item->size) {
		str_printf(out, " %s[%u]={", f->name, i);
		print_fields(out, f->item, item);
		str_putc(out, '}');
	}
}

void
ipc_print(struct str *out, const struct ipc_type *type, const void *msg)
{
	const struct ipc_field *f = type->fields();

	str_printf(out, "%s ", type->name);
	print_fields(out, type, msg);
	for (uint32_t k = 0; k < type->fields_n; k++, f++) {
		if (f->kind == IPC_LIST)
			print_items(out, f, (const void *)((const char *)msg + f->offset));
	}
}
