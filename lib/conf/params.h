/*
 * The parameters: struct conf, with a typed field for each row of params.def, and the table that
 * describes them. A daemon has one struct conf, filled from the snapshot that master gave it and
 * frozen from then on.
 */
#ifndef CONF_PARAMS_H
#define CONF_PARAMS_H

#include "base/err.h"
#include "conf/choices.def"

enum conf_type {
	CONF_TEXT,
	CONF_RAW,    /* text that is not expanded here but where it is used, with conf_expand */
	CONF_NUMBER, /* uint64_t */
	CONF_SIZE,   /* uint64_t, bytes; K, M and G are accepted after the number */
	CONF_TIME,   /* uint64_t, nanoseconds */
	CONF_BOOL,
	CONF_CHOICE, /* enum conf_* of choices.def */
	CONF_LIST,   /* text, to be read with conf_list_next */
	CONF_PATH,   /* absolute, or empty */
};

enum conf_effect {
	CONF_LIVE,    /* a reload reaches running processes */
	CONF_PROCESS, /* processes that start after a reload have it */
	CONF_RESTART, /* only postern stop and start */
};

enum conf_unit { CONF_UNIT_none, CONF_UNIT_s, CONF_UNIT_m, CONF_UNIT_h, CONF_UNIT_d, CONF_UNIT_w };

#define CONF_CHOICE_CONSTANT(constant, word) constant,
#define CONF_CHOICE_ENUM(set)		     enum conf_##set{ CONF_CHOICE_##set(CONF_CHOICE_CONSTANT) };
CONF_CHOICES(CONF_CHOICE_ENUM)

#define CONF_CHOICE_SET(set) CONF_SET_##set,
enum conf_set { CONF_CHOICES(CONF_CHOICE_SET) CONF_SETS };

/* One of a kind of setting: name = value as it was written. */
struct conf_setting {
	struct span name;
	struct span value;
};

#define CONF_FIELD_TEXT(unit)	struct span
#define CONF_FIELD_RAW(unit)	struct span
#define CONF_FIELD_NUMBER(unit) uint64_t
#define CONF_FIELD_SIZE(unit)	uint64_t
#define CONF_FIELD_TIME(unit)	uint64_t
#define CONF_FIELD_BOOL(unit)	bool
#define CONF_FIELD_CHOICE(unit) enum conf_##unit
#define CONF_FIELD_LIST(unit)	struct span
#define CONF_FIELD_PATH(unit)	struct span

/* Upper ends of ranges that mean "none but what a machine can do". */
#define MANY  1000000000
#define BYTES (UINT64_C(1) << 50)

enum conf_transport_param {
#define G(title)
#define P(name, type, preset, min, max, unit, effect, doc)
#define PT(suffix, type, preset, min, max, unit, effect, doc) CONF_TRANSPORT_##suffix,
#include "conf/params.def"
#undef P
#undef PT
	CONF_TRANSPORT_PARAMS
};

/* The parameters of one transport: the service NAME of master.cf. */
struct conf_transport {
	struct span name;
	uint64_t v[CONF_TRANSPORT_PARAMS];
};

/* Text fields are followed by a NUL that their length does not count, so that .p of a PATH can be
 * opened. */
struct conf {
#define P(name, type, preset, min, max, unit, effect, doc) CONF_FIELD_##type(unit) name;
#define PT(suffix, type, preset, min, max, unit, effect, doc)
#include "conf/params.def"
#undef G
#undef P
#undef PT
	uint64_t generation;
	/* What follows belongs to snapshot_open.c: use the functions below. */
	struct conf_transport
	    *transports; /* the first has no name: it stands for all without a line of their own */
	size_t transports_n;
	struct conf_setting *users; /* the postmaster's own parameters, by name */
	size_t users_n;
	void *mapping;
	size_t mapping_n;
};

/* The parameter of TRANSPORT, or that of all transports when master.cf has none of that name; times
 * in nanoseconds. */
uint64_t conf_transport_value(
    const struct conf *conf, struct span transport, enum conf_transport_param param);

/* A parameter of the postmaster's own making (a restriction class), expanded; false when there is
 * none. */
bool conf_user(const struct conf *conf, struct span name, struct span *value_out);

/* The next token of a LIST: blanks and commas separate, "{ a b }" is one token, without its braces.
 */
bool conf_list_next(struct span *rest, struct span *token_out);

/* The word of a choice, and how many the set has. */
struct span conf_choice_word(enum conf_set set, unsigned choice);
size_t conf_choice_count(enum conf_set set);

/* A row of params.def. */
struct conf_param {
	struct span name;
	enum conf_type type;
	struct span preset; /* the default, not expanded */
	uint64_t min;	    /* of a TIME: seconds */
	uint64_t max;
	unsigned unit; /* enum conf_unit; of a CHOICE: enum conf_set */
	enum conf_effect effect;
	size_t field; /* offset in struct conf */
};

const struct conf_param *conf_params(size_t *n_out);
/* NULL when there is no such parameter. */
const struct conf_param *conf_param_find(struct span name);
/* Parameters of a transport, by enum conf_transport_param: .name is the suffix. */
const struct conf_param *conf_transport_params(void);
/*
 * Is NAME a transport's name, an underscore and the suffix of a row? Then the row and the
 * transport's name.
 */
const struct conf_param *conf_param_find_transport(struct span name, struct span *transport_out);

/*
 * The value of TEXT, which is expanded, for P: numbers, times and choices in *NUMBER_OUT (0 for
 * text). VERDICT_PERM and what to write instead when it is none.
 */
enum verdict conf_param_parse(
    const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err);
/* The same, into P's field of *CONF; text fields point to TEXT. */
enum verdict conf_param_store(
    const struct conf_param *p, struct span text, struct conf *conf, struct err *err);

/* The supported parameter whose name is most like NAME, or an empty span when none is. */
struct span conf_param_suggest(struct span name);

/* A Postfix parameter that Postern does not have. */
struct conf_unsupported {
	struct span name; /* "x_*", "*_x": all that begin or end so */
	bool refused;	  /* mail would be treated otherwise than the postmaster asked */
	struct span advice;
};

const struct conf_unsupported *conf_unsupported_find(struct span name);

#endif
