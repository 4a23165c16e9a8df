/*
 * Configuration as master sees it: parsed here once, checked whole before anything starts, and from
 * then on only passed on as sealed snapshots. A reload that finds a mistake changes nothing and
 * names every one.
 */
#include <unistd.h>

#include "base/log.h"
#include "master/master.h"

static void
config_report(const struct conf_problems *problems)
{
	const struct conf_problem *p;

	for (size_t i = 0; (p = conf_problems_get(problems, i)) != NULL; i++)
		log_event(p->severity == CONF_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		    "%.*s line %u: %.*s", SPAN_ARG(p->file), p->line, SPAN_ARG(p->text));
}

enum verdict
master_configure(struct master *m, struct err *err)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_load(m->config_dir, problems);
	size_t mistakes = conf_problems_count(problems, CONF_ERROR);
	struct conf fresh;
	enum verdict v;
	int fd = -1;

	config_report(problems);
	conf_problems_free(problems);
	if (mistakes > 0) {
		conf_free(source);
		return err_set(err, VERDICT_PERM, "%s: %zu mistakes in the configuration",
		    m->config_dir, mistakes);
	}
	v = conf_snapshot_seal(source, NULL, m->generation + 1, &fd, err);
	if (v == VERDICT_OK)
		v = conf_snapshot_open(fd, &fresh, err);
	if (v != VERDICT_OK) {
		if (fd >= 0)
			close(fd);
		conf_free(source);
		return v;
	}
	master_unconfigure(m);
	m->source = source;
	m->conf = fresh;
	m->conf_fd = fd;
	m->generation++;
	return VERDICT_OK;
}

void
master_unconfigure(struct master *m)
{
	if (!m->source)
		return;
	conf_snapshot_close(&m->conf);
	close(m->conf_fd);
	conf_free(m->source);
	m->source = NULL;
}
