/*
 * Tests of views: what a session sees of a mailbox that others change, how it is told, and that a
 * parked session's view comes back as it was. A random walk compares with a plain array.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "imapd/account.h"
#include "imapd/step.h"
#include "imapd/view.h"
#include "tests/unit/mailbox/place.h"

#define TEXT "Subject: x\n\ny\n"

/* A room of the test's own: users are counted, so that no view closes it. */
static struct room *
room_make(struct place *p)
{
	struct room *room = mem_alloc(sizeof(*room));

	room->mailbox = must_open(p->md, "INBOX");
	room->users = 1;
	str_init(&room->name, 64);
	list_init(&room->idlers);
	list_init(&room->node);
	return room;
}

static struct view *
view_of(struct room *room, bool recent)
{
	room->users++;
	return view_new(room, recent);
}

static void
room_end(struct room *room)
{
	assert_int_equal(room->users, 1);
	mailbox_close(room->mailbox);
	str_free(&room->name);
	mem_free(room);
}

/* "1 2 5", by all ways to ask. */
static void
view_say(const struct view *v, struct str *out)
{
	str_reset(out);
	for (size_t i = 0; i < view_count(v); i++) {
		uint32_t uid = view_uid(v, i);

		assert_int_equal(view_find(v, uid), i);
		str_printf(out, "%s%u%s", i ? " " : "", uid, view_mail(v, i) ? "" : "-");
	}
}

static void
expect_view(const struct view *v, const char *want)
{
	struct str out = STR_INIT(65536);

	view_say(v, &out);
	expect_text("view", str_span(&out), want);
	str_free(&out);
}

static void
must_expunge(struct mailbox *mb, uint32_t first, uint32_t last)
{
	struct uid_range range;

	assert_int_equal(mailbox_expunge(mb, set_of(&range, first, last), NULL), VERDICT_OK);
}

static void
test_view_follows_when_told(void **state)
{
	struct room *room = room_make(*state);
	struct str said = STR_INIT(4096);
	struct view *v;

	for (int i = 0; i < 6; i++)
		must_add(room->mailbox, TEXT, MAIL_SEEN, 0);
	v = view_of(room, false);
	expect_view(v, "1 2 3 4 5 6");
	assert_int_equal(view_find(v, 0), 0);
	assert_int_equal(view_find(v, 7), 6);
	assert_int_equal(view_find(v, UINT32_MAX), 6);

	must_expunge(room->mailbox, 2, 3);
	must_expunge(room->mailbox, 6, 6);
	must_add(room->mailbox, TEXT, MAIL_SEEN, 0);
	expect_view(v, "1 2- 3- 4 5 6-");
	assert_int_equal(view_add_new(v, false), 1);
	expect_view(v, "1 2- 3- 4 5 6- 7");
	assert_true(view_drop_gone(v, &said));
	expect_text("said", str_span(&said), "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n* 4 EXPUNGE\r\n");
	expect_view(v, "1 4 5 7");
	assert_false(view_drop_gone(v, &said));
	assert_int_equal(view_add_new(v, false), 0);
	assert_int_equal(view_find(v, 2), 1);
	assert_int_equal(view_find(v, 6), 3);
	assert_true(view_holds(v));
	must_expunge(room->mailbox, 1, UINT32_MAX);
	assert_true(view_drop_gone(v, NULL));
	expect_view(v, "");
	assert_int_equal(view_find(v, 1), 0);
	view_free(v);
	str_free(&said);
	room_end(room);
}

static void
test_recent_is_who_comes_first(void **state)
{
	struct room *room = room_make(*state);
	struct view *first, *second, *third;

	must_add(room->mailbox, TEXT, 0, 0);
	must_add(room->mailbox, TEXT, MAIL_SEEN, 0);
	must_add(room->mailbox, TEXT, 0, 0);
	third = view_of(room, false);
	assert_int_equal(view_recent_count(third), 0);
	first = view_of(room, true);
	assert_int_equal(view_recent_count(first), 2);
	assert_true(view_is_recent(first, 1) && !view_is_recent(first, 2) &&
		    view_is_recent(first, 3) && !view_is_recent(first, 4));
	second = view_of(room, true);
	assert_int_equal(view_recent_count(second), 0);
	must_expunge(room->mailbox, 1, 1);
	view_drop_gone(first, NULL);
	assert_int_equal(view_recent_count(first), 1);
	view_free(first);
	view_free(second);
	view_free(third);
	room_end(room);
}

static void
test_parked_views_come_back(void **state)
{
	struct room *room = room_make(*state);
	struct view_record record;
	struct view *v;

	for (int i = 0; i < 5; i++)
		must_add(room->mailbox, TEXT, MAIL_SEEN, 0);
	must_expunge(room->mailbox, 2, 2);
	v = view_of(room, false);
	view_keep(v, &record);
	view_free(v);
	expect_number("count", (int64_t)record.count, 4);
	expect_number("top", record.top, 5);

	/* Nothing has happened; then things went, and came. */
	room->users++;
	v = view_revive(room, &record);
	assert_non_null(v);
	expect_view(v, "1 3 4 5");
	view_free(v);
	must_expunge(room->mailbox, 4, 5);
	must_expunge(room->mailbox, 1, 1);
	must_add(room->mailbox, TEXT, MAIL_SEEN, 0);
	room->users++;
	v = view_revive(room, &record);
	assert_non_null(v);
	expect_view(v, "1- 3 4- 5-");
	assert_int_equal(view_add_new(v, false), 1);
	expect_view(v, "1- 3 4- 5- 6");
	view_free(v);

	/* Records that do not fit what is there. */
	room->users++;
	record.count++;
	assert_null(view_revive(room, &record));
	room->users++;
	record.count--;
	record.uidvalidity++;
	assert_null(view_revive(room, &record));
	room_end(room);
}

/* Sets in pieces: all of it, in order, no piece with too many. */
static void
test_steps_cover_the_set(void **state)
{
	static const struct uid_range sets[][3] = {
		{ { 1, UINT32_MAX } },
		{ { 1, 1 }, { 3, 3 }, { 5, 700 } },
		{ { 150, 450 }, { 460, 460 }, { 900, UINT32_MAX } },
		{ { 1000, 2000 } },
	};
	static const size_t sizes[] = { 1, 3, 3, 1 };
	struct room *room = room_make(*state);
	struct uid_set part;
	struct step step;

	for (int i = 0; i < 500; i++)
		must_add(room->mailbox, TEXT, MAIL_SEEN, 0);
	must_expunge(room->mailbox, 100, 110);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		const struct uid_set set = { sets[i], sizes[i] };
		uint32_t uid = 0;
		size_t at = 0, found = 0, wanted = 0;

		for (size_t k = 0; k < mailbox_count(room->mailbox); k++)
			for (size_t r = 0; r < set.n; r++)
				wanted += mailbox_at(room->mailbox, k)->uid >= set.v[r].first &&
					  mailbox_at(room->mailbox, k)->uid <= set.v[r].last;
		step_begin(&step, set);
		while (step_next(&step, room->mailbox, &part)) {
			size_t here = 0;

			for (size_t r = 0; r < part.n; r++) {
				assert_true(
				    part.v[r].first > uid && part.v[r].last >= part.v[r].first);
				uid = part.v[r].last;
				at = mailbox_find(room->mailbox, part.v[r].first);
				for (; at < mailbox_count(room->mailbox) &&
				       mailbox_at(room->mailbox, at)->uid <= uid;
				     at++)
					here++;
			}
			assert_true(here <= STEP_MESSAGES);
			found += here;
		}
		assert_int_equal(found, wanted);
	}
	room_end(room);
}

#define WALK 400

/* What the client would know, as an array. */
struct model {
	uint32_t uids[4 * WALK];
	size_t n;
};

static void
model_expect(const struct model *m, const struct view *v)
{
	assert_int_equal(view_count(v), m->n);
	for (size_t i = 0; i < m->n; i++)
		assert_int_equal(view_uid(v, i), m->uids[i]);
}

/* Removes what the mailbox no longer has; says it as the view should. */
static void
model_drop(struct model *m, const struct mailbox *mb, struct str *said)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t at = mailbox_find(mb, m->uids[i]);

		if (at < mailbox_count(mb) && mailbox_at(mb, at)->uid == m->uids[i])
			m->uids[kept++] = m->uids[i];
		else
			str_printf(said, "* %zu EXPUNGE\r\n", kept + 1);
	}
	m->n = kept;
}

static void
model_add(struct model *m, const struct mailbox *mb)
{
	uint32_t last = m->n ? m->uids[m->n - 1] : 0;

	for (size_t i = mailbox_find(mb, last + 1); i < mailbox_count(mb); i++)
		m->uids[m->n++] = mailbox_at(mb, i)->uid;
}

static void
walk_change(struct mailbox *mb)
{
	size_t n = mailbox_count(mb);
	uint32_t uid;

	if (n < 3 || random() % 3 > 0) {
		must_add(mb, TEXT, MAIL_SEEN, 0);
		return;
	}
	uid = mailbox_at(mb, (size_t)random() % n)->uid;
	must_expunge(mb, uid, uid + (uint32_t)random() % 3);
}

static void
test_random_walk(void **state)
{
	struct room *room = room_make(*state);
	struct view *v = view_of(room, false);
	struct model *m = mem_alloc(sizeof(*m));
	struct str want = STR_INIT(65536), got = STR_INIT(65536);
	struct view_record record;

	srandom(7);
	for (int i = 0; i < WALK; i++) {
		walk_change(room->mailbox);
		if (random() % 2) {
			str_reset(&want);
			str_reset(&got);
			model_drop(m, room->mailbox, &want);
			view_drop_gone(v, &got);
			expect_span("expunges", str_span(&got), str_span(&want));
			model_add(m, room->mailbox);
			view_add_new(v, false);
		}
		model_expect(m, v);
		if (random() % 8)
			continue;
		view_keep(v, &record);
		view_free(v);
		room->users++;
		v = view_revive(room, &record);
		assert_non_null(v);
		model_expect(m, v);
	}
	view_free(v);
	mem_free(m);
	str_free(&want);
	str_free(&got);
	room_end(room);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_view_follows_when_told, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
		    test_recent_is_who_comes_first, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
		    test_parked_views_come_back, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_steps_cover_the_set, place_make, place_remove),
		cmocka_unit_test_setup_teardown(test_random_walk, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
