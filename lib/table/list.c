/*
 * Tables tried in order, as a *_maps parameter names them. Called by rewrite through find.c. A
 * table that fails decides: what stands behind it might not be what the postmaster wants when the
 * first would have had the key.
 */
#include "base/mem.h"
#include "conf/params.h"
#include "table/table.h"

enum verdict
table_list_open(struct table_set *set, struct span text, struct table_list *out, struct err *err)
{
	enum verdict worst = VERDICT_OK;
	struct span rest = text, item;
	struct table *t;

	*out = (struct table_list){ NULL, 0 };
	while (conf_list_next(&rest, &item)) {
		struct err why = ERR_NONE;
		enum verdict v = table_set_open(set, item, &t, &why);

		if (t) {
			out->v = mem_resize_array(out->v, out->n + 1, sizeof(struct table *));
			out->v[out->n++] = t;
		}
		if (v != VERDICT_OK && worst == VERDICT_OK) {
			worst = v;
			if (err)
				*err = why;
		}
	}
	return worst;
}

void
table_list_free(struct table_list *list)
{
	mem_free(list->v);
	*list = (struct table_list){ NULL, 0 };
}

enum verdict
table_list_lookup(const struct table_list *list, struct span key, bool part, struct str *value_out,
    struct err *err)
{
	enum verdict v = VERDICT_ABSENT;

	str_reset(value_out);
	for (size_t i = 0; i < list->n && v == VERDICT_ABSENT; i++)
		if (!part || !table_is_pattern(list->v[i]))
			v = table_lookup(list->v[i], key, value_out, err);
	return v;
}
