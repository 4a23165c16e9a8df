/*
 * Configuration as files: main.cf and master.cf, read once by master (and the tools), checked, and
 * sealed into snapshots that daemons open. Nothing here runs in a daemon but conf_snapshot_open,
 * conf_expand and what params.h declares.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/err.h"
#include "base/str.h"
#include "conf/params.h"

enum conf_severity {
	CONF_WARNING,
	CONF_ERROR, /* master does not start, or keeps its configuration at reload */
};

struct conf_problem {
	struct span file; /* empty: the command line */
	unsigned line;	  /* 0: no line of it */
	enum conf_severity severity;
	struct span text; /* what is wrong and what to do */
};

/* All that is wrong, in the order in which it was found; LIMIT_CONF_PROBLEMS are kept, the rest is
 * counted. */
struct conf_problems;
struct conf_problems *conf_problems_new(void);
void conf_problems_free(struct conf_problems *problems);
/* How many there are of SEVERITY, those not kept included. */
size_t conf_problems_count(const struct conf_problems *problems, enum conf_severity severity);
/* NULL after the last that is kept. Valid until conf_problems_free. */
const struct conf_problem *conf_problems_get(const struct conf_problems *problems, size_t i);

enum conf_service_type { CONF_INET, CONF_UNIX };

#define CONF_MAXPROC_DEFAULT UINT32_MAX

/* A line of master.cf. Spans live as long as the source. */
struct conf_service {
	struct span name; /* the first column as it stands */
	enum conf_service_type type;
	struct span host;	/* inet: a numeric address without brackets, "localhost", or empty:
				   $inet_interfaces */
	uint16_t port;		/* inet: host order */
	bool private;		/* unix: in the directory that only the suite reaches */
	uint32_t wakeup;	/* seconds; 0: never */
	bool wakeup_used;	/* "60?": not before the service has been used */
	uint32_t maxproc;	/* 0: no limit; CONF_MAXPROC_DEFAULT: default_process_limit */
	struct span columns[7]; /* as they stand: name to maxproc */
	struct span command;
	const struct span *args; /* without -o */
	size_t args_n;
	const struct conf_setting *settings; /* -o */
	size_t settings_n;
	unsigned line;
};

struct conf_source;

/* What computed defaults are computed from. */
struct conf_host {
	struct span name;    /* uname(2) */
	struct span host4;   /* addresses of interfaces, as "192.0.2.1/32 ..." */
	struct span host6;   /* "[2001:db8::1]/128 ..." */
	struct span subnet4; /* the networks they are in */
	struct span subnet6;
};

/*
 * Reads DIR/main.cf and DIR/master.cf, checks both and adds what is wrong to *PROBLEMS; main.cf may
 * not be missing. Never NULL: a source with errors can be looked at, not sealed. Blocks; asks no
 * name service.
 */
struct conf_source *conf_load(const char *dir, struct conf_problems *problems);
/* The same from text, for tests and for what has not been written yet. HOST is copied; .p may be
 * NULL in all of it. */
struct conf_source *conf_parse(const char *dir, struct span main_cf, struct span master_cf,
    const struct conf_host *host, struct conf_problems *problems);
void conf_free(struct conf_source *source);

/* As a last line of main.cf: postconf -o. Checked like one. */
void conf_set(struct conf_source *source, struct span name, struct span value,
    struct conf_problems *problems);

const struct conf_service *conf_services(const struct conf_source *source, size_t *n_out);
/* The numeric addresses that an inet service names: none (it listens on $inet_interfaces), one, or
 * localhost's two. */
size_t conf_service_hosts(const struct conf_service *service, struct span hosts_out[2]);

/*
 * The value of NAME for SERVICE (NULL: for none), not expanded: -o, main.cf, the computed or
 * declared default. False when nobody has defined it. Valid as long as the source.
 */
bool conf_raw(const struct conf_source *source, const struct conf_service *service,
    struct span name, struct span *raw_out);
/* The same, expanded (but not CONF_RAW) and appended to *OUT. VERDICT_ABSENT, VERDICT_PERM (a loop,
 * bad syntax). */
enum verdict conf_value(const struct conf_source *source, const struct conf_service *service,
    struct span name, struct str *out, struct err *err);
/* The value is there and is one of its type; else what to do about it. */
enum verdict conf_check_value(const struct conf_source *source, const struct conf_service *service,
    const struct conf_param *p, struct span name, struct err *err);
/* The declared or computed default, not expanded; false: NAME is no parameter. */
bool conf_default(const struct conf_source *source, struct span name, struct span *raw_out);
/* The I-th definition of main.cf (the last of each name), in the order of the file. */
bool conf_definition(const struct conf_source *source, size_t i, struct conf_setting *out);

/*
 * All parameters for SERVICE (NULL: for a tool or master itself), expanded and checked, in a new
 * sealed memfd that becomes the caller's. GENERATION counts reloads.
 */
enum verdict conf_snapshot_seal(const struct conf_source *source,
    const struct conf_service *service, uint64_t generation, int *memfd_out, struct err *err);
/*
 * Maps the memfd FD, which stays the caller's, and fills *OUT; whatever is not exactly what
 * conf_snapshot_seal of this build writes is VERDICT_PERM and leaves *OUT empty.
 */
enum verdict conf_snapshot_open(int fd, struct conf *out, struct err *err);
/* Its spans are gone then. */
void conf_snapshot_close(struct conf *conf);

#endif
