/*
 * Is it a configuration? Each name that main.cf or an -o defines must be a parameter, a transport's
 * parameter, or a name that something refers to; each value must be one of its type. Called by
 * conf_load when both files have been read. All problems are told, each with its line and what to
 * do.
 */
#include "conf/expand.h"
#include "conf/source.h"

/* Where a definition stands. */
struct place {
	struct conf_source *source;
	const struct conf_service *service; /* NULL: main.cf */
	const struct map *references;
	struct conf_problems *problems;
	struct span file;
	unsigned line;
};

static void
add_references(struct map *references, struct span text)
{
	struct span name;

	while (conf_reference_next(&text, &name))
		map_put(references, name, references);
}

/* All names that some text refers to as $name, or uses as a restriction class. */
static void
collect_references(const struct conf_source *source, struct map *references)
{
	struct span classes, name;

	map_init(references);
	for (size_t i = 0; i < source->order_n; i++)
		add_references(references, source->order[i]->set.value);
	for (size_t i = 0; i < source->services_n; i++) {
		const struct conf_service *s = &source->services[i];

		for (size_t j = 0; j < s->settings_n; j++)
			add_references(references, s->settings[j].value);
		for (size_t j = 0; j < s->args_n; j++)
			add_references(references, s->args[j]);
	}
	if (conf_raw(source, NULL, span_lit("smtpd_restriction_classes"), &classes))
		while (conf_list_next(&classes, &name))
			map_put(references, name, references);
}

static void
tell_undefined(struct span name, void *arg)
{
	const struct place *place = arg;

	conf_problem_add(place->problems, CONF_WARNING, place->file, place->line,
	    "$%.*s is not defined: nothing stands there then", SPAN_ARG(name));
}

static void
check_expansion(struct place *place, const struct conf_setting *set, const struct conf_param *p)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);
	struct err err = ERR_NONE;
	uint64_t number;
	enum verdict v = conf_expand_text(
	    place->source, place->service, set->value, tell_undefined, place, &text, &err);

	if (v == VERDICT_OK && p)
		v = conf_param_parse(p, str_span(&text), &number, &err);
	if (v != VERDICT_OK)
		conf_problem_add(place->problems, CONF_ERROR, place->file, place->line, "%.*s: %s",
		    SPAN_ARG(set->name), err.text);
	str_free(&text);
}

static bool
has_transport(const struct conf_source *source, struct span name)
{
	for (size_t i = 0; i < source->services_n; i++)
		if (source->services[i].type == CONF_UNIX &&
		    span_eq(source->services[i].name, name))
			return true;
	return source->services_n == 0;
}

static void
check_transport_setting(struct place *place, const struct conf_setting *set,
    const struct conf_param *p, struct span transport)
{
	if (!has_transport(place->source, transport))
		conf_problem_add(place->problems, CONF_ERROR, place->file, place->line,
		    "%.*s: there is no service %.*s of type unix in master.cf", SPAN_ARG(set->name),
		    SPAN_ARG(transport));
	if (place->service && !span_eq(place->service->command, span_lit("qmgr")))
		conf_problem_add(place->problems, CONF_WARNING, place->file, place->line,
		    "%.*s changes nothing here: qmgr reads it from main.cf", SPAN_ARG(set->name));
	check_expansion(place, set, p);
}

static void
tell_unknown(const struct place *place, struct span name)
{
	const struct conf_unsupported *u = conf_unsupported_find(name);
	const struct span like = conf_param_suggest(name);

	if (u)
		conf_problem_add(place->problems, u->refused ? CONF_ERROR : CONF_WARNING,
		    place->file, place->line, "%.*s is not supported by Postern: %.*s",
		    SPAN_ARG(name), SPAN_ARG(u->advice));
	else if (like.n > 0)
		conf_problem_add(place->problems, CONF_ERROR, place->file, place->line,
		    "%.*s is no parameter: did you mean %.*s?", SPAN_ARG(name), SPAN_ARG(like));
	else
		conf_problem_add(place->problems, CONF_ERROR, place->file, place->line,
		    "%.*s is no parameter, and nothing refers to $%.*s: take it out",
		    SPAN_ARG(name), SPAN_ARG(name));
}

static void
check_setting(struct place *place, const struct conf_setting *set)
{
	const struct conf_param *p = conf_param_find(set->name);
	struct span transport;

	if (p) {
		if (p->type != CONF_RAW)
			check_expansion(place, set, p);
		return;
	}
	if (map_get(place->references, set->name)) {
		check_expansion(place, set, NULL);
		return;
	}
	p = conf_param_find_transport(set->name, &transport);
	if (p)
		check_transport_setting(place, set, p, transport);
	else
		tell_unknown(place, set->name);
}

/* A class without a definition would let all mail through. */
static void
check_classes(const struct conf_source *source, struct conf_problems *problems)
{
	const struct span classes = span_lit("smtpd_restriction_classes");
	const struct conf_def *def = map_get(&source->defs, classes);
	struct span rest, name, value;

	if (!def)
		return;
	rest = def->set.value;
	while (conf_list_next(&rest, &name))
		if (!conf_raw(source, NULL, name, &value))
			conf_problem_add(problems, CONF_ERROR, source->main_path, def->line,
			    "%.*s: %.*s is not defined: write %.*s = restrictions",
			    SPAN_ARG(classes), SPAN_ARG(name), SPAN_ARG(name));
}

void
conf_check_def(
    struct conf_source *source, const struct conf_def *def, struct conf_problems *problems)
{
	struct map references;
	struct place place = { source, NULL, &references, problems, span_lit(""), def->line };

	collect_references(source, &references);
	check_setting(&place, &def->set);
	map_free(&references);
}

void
conf_check(struct conf_source *source, struct conf_problems *problems)
{
	struct map references;
	struct place place = { source, NULL, &references, problems, source->main_path, 0 };

	collect_references(source, &references);
	for (size_t i = 0; i < source->order_n; i++) {
		place.line = source->order[i]->line;
		check_setting(&place, &source->order[i]->set);
	}
	check_classes(source, problems);
	place.file = source->master_path;
	for (size_t i = 0; i < source->services_n; i++) {
		place.service = &source->services[i];
		place.line = place.service->line;
		for (size_t j = 0; j < place.service->settings_n; j++)
			check_setting(&place, &place.service->settings[j]);
	}
	map_free(&references);
}

void
conf_set(
    struct conf_source *source, struct span name, struct span value, struct conf_problems *problems)
{
	const struct conf_def *def;

	conf_define(source, name, value, 0);
	conf_compute(source);
	def = map_get(&source->defs, name);
	conf_check_def(source, def, problems);
}
