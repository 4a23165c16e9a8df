/*
 * canonical(5): one address becomes another, before all else. A result is looked up again until it
 * stays, at most CANONICAL_DEEP times: then it is a loop, and the mail waits until it is mended.
 * Called for recipients, for what local aliases say, and for senders.
 */
#include "base/log.h"
#include "rewrite/aliases.h"

#define CANONICAL_DEEP 10

struct taken {
	struct named first;
	size_t n;
};

static enum verdict
take_first(const struct named *a, void *arg, struct err *err)
{
	struct taken *t = arg;

	(void)err;
	if (t->n++ == 0)
		t->first = *a;
	return VERDICT_OK;
}

/* One lookup. VERDICT_ABSENT: nothing to change (any more). */
static enum verdict
canonical_step(const struct rewrite *rw, enum rewrite_list list, struct named *a,
    struct arena *arena, struct err *err)
{
	bool propagate =
	    words_have(rw->conf->propagate_unmatched_extensions, span_lit("canonical"));
	struct search s = search_of(&rw->lists[list]);
	struct taken taken = { .n = 0 };
	enum verdict v = named_keys(rw, a, &s.address, err);

	if (v == VERDICT_OK)
		v = search_run(&s, SEARCH_ADDRESS, err);
	if (v == VERDICT_OK)
		v = named_each(rw, "canonical_maps", a, str_span(&s.value),
		    propagate ? s.extension : span_lit(""), arena, take_first, &taken, err);
	search_free(&s);
	if (v != VERDICT_OK)
		return v;
	if (taken.n > 1)
		log_event(LOG_LEVEL_WARNING,
		    "canonical_maps: more than one address for %s: the first counts",
		    log_escape(a->text));
	if (span_eq_nocase(taken.first.text, a->text))
		return VERDICT_ABSENT;
	*a = taken.first;
	return VERDICT_OK;
}

static enum verdict
canonical_list(const struct rewrite *rw, enum rewrite_list list, struct named *a,
    struct arena *arena, struct err *err)
{
	enum verdict v = VERDICT_OK;

	if (rw->lists[list].n == 0)
		return VERDICT_OK;
	for (int i = 0; i < CANONICAL_DEEP && v == VERDICT_OK; i++)
		v = canonical_step(rw, list, a, arena, err);
	if (v == VERDICT_ABSENT)
		return VERDICT_OK;
	if (v != VERDICT_OK)
		return v;
	log_event(LOG_LEVEL_WARNING, "canonical_maps: %s leads on and on", log_escape(a->text));
	return err_mail(err, 451, "4.6.0", "Alias expansion error");
}

enum verdict
canonical_apply(const struct rewrite *rw, enum rewrite_list specific, struct named *a,
    struct arena *arena, struct err *err)
{
	enum verdict v = canonical_list(rw, specific, a, arena, err);

	return v == VERDICT_OK ? canonical_list(rw, LIST_CANONICAL, a, arena, err) : v;
}
