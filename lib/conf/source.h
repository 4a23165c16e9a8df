/* What the files of lib/conf share about a source; for nobody else. */
#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include "base/arena.h"
#include "base/map.h"
#include "conf/conf.h"
#include "conf/lines.h"

/* A definition in main.cf. */
struct conf_def {
	struct conf_setting set;
	unsigned line; /* 0: postconf -o */
	size_t place;  /* in the source's order */
};

struct conf_source {
	struct arena arena; /* all spans point here */
	struct span dir;
	struct span main_path;
	struct span master_path;
	struct conf_host host;
	struct span myhostname; /* what these are when nobody sets them */
	struct span mydomain;
	struct span mynetworks;
	struct span lookup_tables;
	struct map defs; /* name -> struct conf_def, the last of each name */
	struct conf_def **order;
	size_t order_n;
	struct conf_service *services;
	size_t services_n;
};

/* A copy of S in the source's arena. The sizes of the files bound what is asked for: it cannot
 * fail. */
struct span conf_keep(struct conf_source *source, struct span s);
void *conf_keep_array(struct conf_source *source, size_t count, size_t size);

void conf_problem_add(struct conf_problems *problems, enum conf_severity severity, struct span file,
    unsigned line, const char *fmt, ...) PRINTF(5, 6);

/* The steps of conf_load. */
void conf_main_parse(struct conf_source *source, struct span text, struct conf_problems *problems);
void conf_master_parse(
    struct conf_source *source, struct span text, struct conf_problems *problems);
void conf_compute(struct conf_source *source);
void conf_check(struct conf_source *source, struct conf_problems *problems);
/* One definition; for conf_set. */
void conf_check_def(
    struct conf_source *source, const struct conf_def *def, struct conf_problems *problems);
/* The host this runs on; its spans are in SOURCE. */
struct conf_host conf_host_probe(struct conf_source *source);
/* A definition of NAME; one that was there is replaced and returned. NULL when there was none. */
const struct conf_def *conf_define(
    struct conf_source *source, struct span name, struct span value, unsigned line);

/* Told of names that are referred to but not defined. */
typedef void conf_undefined_fn(struct span name, void *arg);
/* conf_value of a text that stands in the configuration of SERVICE. */
enum verdict conf_expand_text(const struct conf_source *source, const struct conf_service *service,
    struct span text, conf_undefined_fn *undefined, void *arg, struct str *out, struct err *err);

#endif
