/*
 * Case folding and the search for one text in another that comes in pieces: every letter that
 * folds, every byte that does not, every way to cut a text in two. Run by make check.
 */
#include "config.h"

#include "base/cclass.h"
#include "base/utf8.h"
#include "imapd/fold.h"
#include "tests/unit/unit.h"

static const struct {
	const char *in, *want;
} folds[] = {
	{ "", "" },
	{ "ABCXYZabcxyz@[`{09", "abcxyzabcxyz@[`{09" },
	{ "A sentence of More Than Eight", "a sentence of more than eight" },
	{ "\xc3\x80\xc3\x96\xc3\x97\xc3\x98\xc3\x9e\xc3\x9f",
	    "\xc3\xa0\xc3\xb6\xc3\x97\xc3\xb8\xc3\xbe\xc3\x9f" }, /* ÀÖ×ØÞß */
	{ "\xc4\x80\xc4\x81\xc5\xb8\xc5\xbd", "\xc4\x81\xc4\x81\xc3\xbf\xc5\xbe" }, /* ĀāŸŽ */
	{ "\xce\x91\xce\xa9\xce\x86\xcf\x82", "\xce\xb1\xcf\x89\xce\xac\xcf\x83" }, /* ΑΩΆς */
	{ "\xd0\x90\xd0\xaf\xd0\x81", "\xd0\xb0\xd1\x8f\xd1\x91" },		    /* АЯЁ */
	{ "\xd4\xb1\xd5\x96", "\xd5\xa1\xd6\x86" },				    /* ԱՖ */
	{ "\xe1\xba\x9e\xf0\x9f\x98\x80", "\xe1\xba\x9e\xf0\x9f\x98\x80" }, /* as they are */
	{ "\xff\xc3", "\xff\xc3" },
	{ "\xc3"
	  "A",
	    "\xc3"
	    "a" },
};

static void
test_fold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folds); i++) {
		struct str text = STR_INIT(1000);

		str_puts(&text, folds[i].in);
		fold_in_place(text.p, text.n);
		expect_text(folds[i].in, str_span(&text), folds[i].want);
		str_free(&text);
	}
}

/* Each byte alone at each place of a word of the machine. */
static void
test_every_byte(void **state)
{
	char text[17];

	(void)state;
	for (unsigned at = 0; at < sizeof(text); at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			memset(text, 'Q', sizeof(text));
			text[at] = (char)byte;
			fold_in_place(text, sizeof(text));
			for (unsigned k = 0; k < sizeof(text); k++)
				assert_int_equal(text[k], k == at ? ascii_lower((char)byte) : 'q');
		}
	}
}

/* Folding twice is folding once, and no character changes its length. */
static void
test_every_pair(void **state)
{
	(void)state;
	for (uint32_t c = 0x80; c < 0x800; c++) {
		struct str text = STR_INIT(16), again = STR_INIT(16);

		utf8_put(&text, c);
		fold_in_place(text.p, text.n);
		assert_true(utf8_valid(str_span(&text)));
		str_put(&again, str_span(&text));
		fold_in_place(again.p, again.n);
		assert_true(span_eq(str_span(&text), str_span(&again)));
		str_free(&text);
		str_free(&again);
	}
}

static const struct {
	const char *text, *needle; /* the needle is folded */
	bool found;
} finds[] = {
	{ "Some Text", "e t", true },
	{ "Some Text", "some text", true },
	{ "Some Text", "some texts", false },
	{ "Some Text", "", true },
	{ "", "", true },
	{ "", "x", false },
	{ "aaaaaab", "aab", true },
	{ "gr\xc3\x9c\xc3\x9f"
	  "e",
	    "gr\xc3\xbc\xc3\x9f", true },
	{ "\xce\xa3\xce\x99", "\xcf\x83\xce\xb9", true },
	{ "x\xc3", "x", true },
};

/* Cut at every two places. */
static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
		struct span text = span_str(finds[i].text);

		for (size_t a = 0; a <= text.n; a++) {
			for (size_t b = a; b <= text.n; b++) {
				struct finder f;

				finder_init(&f, span_str(finds[i].needle));
				finder_feed(&f, span_head(text, a));
				finder_feed(&f, span_head(span_from(text, a), b - a));
				finder_feed(&f, span_from(text, b));
				if (f.found != finds[i].found)
					fail_msg("%s in %s, cut at %zu and %zu", finds[i].needle,
					    finds[i].text, a, b);
				finder_free(&f);
			}
		}
	}
}

static void
test_next_text(void **state)
{
	struct finder f;

	(void)state;
	finder_init(&f, span_lit("ab"));
	assert_false(finder_feed(&f, span_lit("a")));
	finder_next_text(&f);
	assert_false(finder_feed(&f, span_lit("b")));
	assert_false(finder_feed(&f, span_lit("a")));
	assert_true(finder_feed(&f, span_lit("b")));
	finder_next_text(&f);
	assert_true(finder_feed(&f, span_lit("x")));
	finder_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_next_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
