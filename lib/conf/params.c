/*
 * The table of parameters, made from params.def, and looking things up in it; the words of choices,
 * made from choices.def; the Postfix parameters that we do not have, made from unsupported.def.
 * Called by everything that reads configuration. Tables of a few hundred rows are searched row by
 * row: this happens at load, never per message.
 */
#include "config.h"

#include "base/cclass.h"
#include "conf/params.h"

#define CONF_UNIT_OF_TEXT(unit)	  CONF_UNIT_##unit
#define CONF_UNIT_OF_RAW(unit)	  CONF_UNIT_##unit
#define CONF_UNIT_OF_NUMBER(unit) CONF_UNIT_##unit
#define CONF_UNIT_OF_SIZE(unit)	  CONF_UNIT_##unit
#define CONF_UNIT_OF_TIME(unit)	  CONF_UNIT_##unit
#define CONF_UNIT_OF_BOOL(unit)	  CONF_UNIT_##unit
#define CONF_UNIT_OF_CHOICE(unit) CONF_SET_##unit
#define CONF_UNIT_OF_LIST(unit)	  CONF_UNIT_##unit
#define CONF_UNIT_OF_PATH(unit)	  CONF_UNIT_##unit

static const struct conf_param params[] = {
#define G(title)
#define P(name, type, preset, min, max, unit, effect, doc)                                    \
	{ SPAN(#name), CONF_##type, SPAN("" preset), (min), (max), CONF_UNIT_OF_##type(unit), \
		CONF_##effect, offsetof(struct conf, name) },
#define PT(suffix, type, preset, min, max, unit, effect, doc)
#include "conf/params.def"
#undef P
#undef PT
};

static const struct conf_param transport_params[] = {
#define P(name, type, preset, min, max, unit, effect, doc)
#define PT(suffix, type, preset, min, max, unit, effect, doc)                                   \
	{ SPAN(#suffix), CONF_##type, SPAN("" preset), (min), (max), CONF_UNIT_OF_##type(unit), \
		CONF_##effect, 0 },
#include "conf/params.def"
#undef G
#undef P
#undef PT
};

static const struct conf_unsupported unsupported[] = {
#define REFUSED			  true
#define IGNORED			  false
#define U(name, severity, advice) { SPAN(name), severity, SPAN(advice) },
#include "conf/unsupported.def"
#undef U
};

#define CHOICE_WORD(constant, word) SPAN(word),
#define CHOICE_WORDS(set) \
	static const struct span words_##set[] = { CONF_CHOICE_##set(CHOICE_WORD) };
CONF_CHOICES(CHOICE_WORDS)

struct choice_set {
	const struct span *words;
	size_t n;
};

#define CHOICE_SET(set) { words_##set, ARRAY_LEN(words_##set) },
static const struct choice_set choice_sets[] = { CONF_CHOICES(CHOICE_SET) };

const struct conf_param *
conf_params(size_t *n_out)
{
	*n_out = ARRAY_LEN(params);
	return params;
}

const struct conf_param *
conf_param_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		if (span_eq(params[i].name, name))
			return &params[i];
	return NULL;
}

const struct conf_param *
conf_transport_params(void)
{
	return transport_params;
}

const struct conf_param *
conf_param_find_transport(struct span name, struct span *transport_out)
{
	for (size_t i = 0; i < ARRAY_LEN(transport_params); i++) {
		const struct span suffix = transport_params[i].name;

		if (name.n < suffix.n + 2 || !span_ends(name, suffix))
			continue;
		if (name.p[name.n - suffix.n - 1] != '_')
			continue;
		*transport_out = span_head(name, name.n - suffix.n - 1);
		/* These have that form but are what transports without their own value use. */
		if (!span_eq(*transport_out, span_lit("default")))
			return &transport_params[i];
	}
	return NULL;
}

struct span
conf_choice_word(enum conf_set set, unsigned choice)
{
	assert(set < CONF_SETS && choice < choice_sets[set].n);
	return choice_sets[set].words[choice];
}

size_t
conf_choice_count(enum conf_set set)
{
	assert(set < CONF_SETS);
	return choice_sets[set].n;
}

const struct conf_unsupported *
conf_unsupported_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
		const struct span known = unsupported[i].name;

		if (span_eq(known, name))
			return &unsupported[i];
		if (span_ends(known, span_lit("*")) &&
		    span_starts(name, span_head(known, known.n - 1)))
			return &unsupported[i];
		if (span_starts(known, span_lit("*")) && span_ends(name, span_from(known, 1)))
			return &unsupported[i];
	}
	return NULL;
}

#define LENGTH_MAX 63 /* names of parameters are shorter */

/*
 * How many characters must be put in, taken out, changed or swapped with their neighbour to make A
 * of B; MAX + 1 when more than MAX.
 */
static size_t
name_distance(struct span a, struct span b, size_t max)
{
	size_t rows[3][LENGTH_MAX + 1];
	size_t best = 0;

	if (a.n > LENGTH_MAX || b.n > LENGTH_MAX || a.n > b.n + max || b.n > a.n + max)
		return max + 1;
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3];

		best = row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			const size_t same = ascii_lower(a.p[i - 1]) == ascii_lower(b.p[j - 1]);

			row[j] = size_min(size_min(row[j - 1], above[j]) + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = size_min(row[j], before[j - 2] + 1);
			best = size_min(best, row[j]);
		}
		if (best > max)
			return max + 1;
	}
	return rows[a.n % 3][b.n];
}

struct span
conf_param_suggest(struct span name)
{
	/* A third of a short name is another name. */
	const size_t max = size_min(3, name.n / 4);
	size_t best = max + 1;
	struct span found = span_lit("");

	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		const size_t distance = name_distance(name, params[i].name, max);

		if (distance < best) {
			best = distance;
			found = params[i].name;
		}
	}
	return found;
}
