/*
 * Fuzz target for master.cf: any text becomes services whose columns lie within their ranges, and
 * each can be sealed when nothing is wrong.
 */
#include "config.h"

#include <unistd.h>

#include "conf/conf.h"
#include "tests/fuzz/fuzz.h"

static void
check_service(const struct conf_source *source, const struct conf_service *s, bool errors)
{
	struct err err = ERR_NONE;
	struct span hosts[2];
	int fd;

	assert(s->name.n > 0 && s->command.n > 0 && s->line > 0);
	assert(
	    s->type == CONF_INET ? s->port > 0 : s->port == 0 && s->name.n <= LIMIT_SERVICE_NAME);
	assert(conf_service_hosts(s, hosts) <= 2);
	for (size_t i = 0; i < s->settings_n; i++)
		assert(s->settings[i].name.n > 0);
	if (conf_snapshot_seal(source, s, 1, &fd, &err) == VERDICT_OK)
		close(fd);
	else
		assert(errors);
}

FUZZ(data)
{
	const struct conf_host host = { .name = SPAN("mx") };
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_parse(
	    "/conf", span_lit("mail_name = x\n"), span_head(data, 16384), &host, problems);
	size_t n;
	const struct conf_service *services = conf_services(source, &n);

	for (size_t i = 0; i < n && i < 4; i++)
		check_service(source, &services[i], conf_problems_count(problems, CONF_ERROR) > 0);
	conf_free(source);
	conf_problems_free(problems);
}
