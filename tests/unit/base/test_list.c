/*
 * The intrusive list: order, removal of any node at any time, and walks that remove. Run by make
 * check.
 */
#include "config.h"

#include "base/list.h"
#include "base/str.h"
#include "tests/unit/unit.h"

struct item {
	char letter;
	struct list node;
};

static void
expect_list(const char *name, struct list *head, const char *want)
{
	struct str got = STR_INIT(100);

	list_foreach (node, after, head)
		str_putc(&got, LIST_ITEM(node, struct item, node)->letter);
	expect_text(name, str_span(&got), want);
	str_free(&got);
}

static void
test_list(UNUSED void **state)
{
	struct item items[4];
	struct list head = LIST_INIT(head), other;

	assert_true(list_empty(&head));
	assert_null(list_first(&head));
	assert_null(list_pop(&head));
	for (int i = 0; i < 4; i++) {
		items[i].letter = (char)('a' + i);
		list_init(&items[i].node);
	}
	list_push(&head, &items[0].node);
	list_push(&head, &items[1].node);
	list_push_front(&head, &items[2].node);
	list_push(&head, &items[3].node);
	expect_list("pushed", &head, "cabd");
	list_remove(&items[0].node);
	list_remove(&items[0].node);
	expect_list("removed from the middle", &head, "cbd");
	assert_ptr_equal(list_pop(&head), &items[2].node);
	expect_list("popped", &head, "bd");
	list_init(&other);
	list_take(&other, &head);
	expect_list("taken from", &head, "");
	expect_list("taken", &other, "bd");
	list_take(&head, &other);
	list_take(&head, &other);
	expect_list("taken back; nothing taken", &head, "bd");
	list_foreach (node, after, &head)
		list_remove(node);
	assert_true(list_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
