/*
 * Fuzz target for main.cf: any text becomes a source; every value that it has can be asked for;
 * what is sealed can be opened; an edit keeps all other definitions.
 */
#include "config.h"

#include <unistd.h>

#include "conf/conf.h"
#include "conf/edit.h"
#include "tests/fuzz/fuzz.h"

static const char master_cf[] = "smtp unix - - n - - smtp\nlocal unix - - n - - local\n";

static void
check_values(const struct conf_source *source)
{
	struct conf_setting def;

	for (size_t i = 0; i < 64 && conf_definition(source, i, &def); i++) {
		struct str value = STR_INIT(LIMIT_CONF_VALUE);
		struct err err = ERR_NONE;

		assert(conf_value(source, NULL, def.name, &value, &err) != VERDICT_ABSENT);
		str_free(&value);
	}
}

static void
check_seal(const struct conf_source *source, bool errors)
{
	struct err err = ERR_NONE;
	struct conf conf;
	int fd;

	if (conf_snapshot_seal(source, NULL, 1, &fd, &err) != VERDICT_OK) {
		assert(errors);
		return;
	}
	assert(conf_snapshot_open(fd, &conf, &err) == VERDICT_OK);
	conf_snapshot_close(&conf);
	close(fd);
}

static void
check_edit(struct span data, const struct conf_host *host, const struct conf_source *before)
{
	static const struct conf_setting edit = { SPAN("mail_name"), SPAN("edited") };
	struct conf_problems *problems = conf_problems_new();
	struct str text = STR_INIT(1 << 20);
	struct conf_setting def;
	struct conf_source *after;
	struct span raw;

	conf_edit_text(data, CONF_EDIT_SET, &edit, 1, &text);
	after = conf_parse("/conf", str_span(&text), span_lit(""), host, problems);
	assert(conf_raw(after, NULL, edit.name, &raw) && span_eq(raw, edit.value));
	for (size_t i = 0; i < 64 && conf_definition(before, i, &def); i++)
		if (!span_eq(def.name, edit.name))
			assert(conf_raw(after, NULL, def.name, &raw) && span_eq(raw, def.value));
	str_free(&text);
	conf_free(after);
	conf_problems_free(problems);
}

FUZZ(data)
{
	const struct conf_host host = { .name = SPAN("mx.example.com"),
		.host4 = SPAN("192.0.2.1/32") };
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source;

	data = span_head(data, 16384);
	source = conf_parse("/conf", data, span_str(master_cf), &host, problems);
	check_values(source);
	check_seal(source, conf_problems_count(problems, CONF_ERROR) > 0);
	check_edit(data, &host, source);
	conf_free(source);
	conf_problems_free(problems);
}
