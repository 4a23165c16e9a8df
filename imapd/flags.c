/*
 * Flags as clients write and read them (RFC 9051 2.3.2). One table says which letter is which flag;
 * all other names are keywords, which lib/mailbox numbers. Called by FETCH, STORE, APPEND, SELECT
 * and the news. Must never make a keyword of a name that it cannot give back.
 */
#include "imapd/flags.h"

#define FLAGS_MAX 256 /* names in one list */

static const struct {
	struct span name;
	uint32_t letter;
} known[] = {
	{ SPAN("\\Answered"), MAIL_ANSWERED },
	{ SPAN("\\Flagged"), MAIL_FLAGGED },
	{ SPAN("\\Deleted"), MAIL_DELETED },
	{ SPAN("\\Seen"), MAIL_SEEN },
	{ SPAN("\\Draft"), MAIL_DRAFT },
	{ SPAN("$Forwarded"), MAIL_FORWARDED },
};

static uint32_t
flag_letter(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_eq_nocase(name, known[i].name))
			return known[i].letter;
	return 0;
}

static bool
flag_add(struct args *a, struct span name, struct flags *out)
{
	uint32_t letter = flag_letter(name);

	out->letters |= letter;
	if (letter)
		return true;
	if (name.p[0] == '\\')
		return args_fail(a, "There is no such flag, or it cannot be set");
	if (name.n > LIMIT_KEYWORD)
		return args_fail(a, "A keyword is too long");
	if (out->names_n == FLAGS_MAX)
		return args_fail(a, "There are too many flags");
	if (!out->names)
		out->names = arena_alloc_array(a->arena, FLAGS_MAX, sizeof(*out->names));
	if (!out->names)
		return args_fail(a, "The command is too long");
	out->names[out->names_n++] = name;
	return true;
}

/* "\Seen" or "$Junk". */
static bool
flag_parse(struct args *a, struct flags *out)
{
	const char *from = a->in.p;
	struct span word;

	cursor_skip(&a->in, '\\');
	return args_atom(a, &word) && flag_add(a, span_of(from, (size_t)(a->in.p - from)), out);
}

bool
flags_parse(struct args *a, bool bare, struct flags *out)
{
	bool list = !bare || args_next_is(a, '(');

	*out = (struct flags){ .letters = 0 };
	if (list && !args_open(a))
		return false;
	if (list && args_next_is(a, ')'))
		return args_close(a);
	if (!flag_parse(a, out))
		return false;
	while (args_next_is(a, ' '))
		if (!args_space(a) || !flag_parse(a, out))
			return false;
	return !list || args_close(a);
}

enum verdict
flags_bits(struct mailbox *mb, const struct flags *flags, bool create, uint64_t *keywords_out,
    struct err *err)
{
	enum verdict v = VERDICT_OK;
	uint64_t bit;

	*keywords_out = 0;
	for (size_t i = 0; i < flags->names_n && v == VERDICT_OK; i++) {
		v = mailbox_keyword_bit(mb, flags->names[i], create, &bit, err);
		if (v == VERDICT_OK)
			*keywords_out |= bit;
		else if (v == VERDICT_ABSENT && !create)
			v = VERDICT_OK;
	}
	return v;
}

uint64_t
flags_keywords(const struct mailbox *mb)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < MAIL_KEYWORDS; i++)
		if (mailbox_keyword(mb, i).n > 0)
			bits |= UINT64_C(1) << i;
	return bits;
}

static void
put_keywords(struct str *out, const struct mailbox *mb, uint64_t bits)
{
	for (unsigned i = 0; bits >> i; i++) {
		struct span name = mailbox_keyword(mb, i);

		if ((bits >> i & 1) && name.n > 0)
			str_printf(out, "%.*s ", SPAN_ARG(name));
		if (i == MAIL_KEYWORDS - 1)
			break;
	}
}

void
flags_put_known(struct str *out, const struct mailbox *mb)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		str_printf(out, "%.*s ", SPAN_ARG(known[i].name));
	put_keywords(out, mb, flags_keywords(mb));
	str_cut(out, out->n - 1);
}

void
flags_put(struct str *out, const struct view *v, const struct mail *m)
{
	size_t begin;

	str_putc(out, '(');
	begin = out->n;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (m->flags & known[i].letter) {
			str_put(out, known[i].name);
			str_putc(out, ' ');
		}
	if (view_is_recent(v, m->uid))
		str_puts(out, "\\Recent ");
	put_keywords(out, view_mailbox(v), m->keywords);
	if (out->n > begin && !out->full)
		str_cut(out, out->n - 1);
	str_putc(out, ')');
}
