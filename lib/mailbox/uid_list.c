/*
 * Lists of UID ranges. Called by all of lib/mailbox and by imapd. A list owns its memory; it is
 * bounded by what its owner puts in, which is never more than a mailbox holds.
 */
#include "base/mem.h"
#include "mailbox/mail.h"

void
uid_list_add_range(struct uid_list *list, struct uid_range range)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 8;
		list->v = mem_resize_array(list->v, list->cap, sizeof(*list->v));
	}
	list->v[list->n++] = range;
}

void
uid_list_add(struct uid_list *list, uint32_t uid)
{
	if (list->n > 0 && list->v[list->n - 1].last + 1 == uid)
		list->v[list->n - 1].last = uid;
	else
		uid_list_add_range(list, (struct uid_range){ uid, uid });
}

void
uid_list_free(struct uid_list *list)
{
	mem_free(list->v);
	*list = (struct uid_list){ NULL, 0, 0 };
}
