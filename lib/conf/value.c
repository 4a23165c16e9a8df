/*
 * From the text of a value to what it means, by the type of its parameter, and from text to the
 * field of struct conf. Every value is read here: when the configuration is checked, when a
 * snapshot is sealed and when it is opened. Text is expanded already. Errors say what to write
 * instead.
 */
#include "base/cclass.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "conf/params.h"

/* Decimal, at most 18 digits, so that no sum or product below overflows before it is compared. */
#define NUMBER_MAX UINT64_C(999999999999999999)

typedef enum verdict parse_fn(
    const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err);

struct unit {
	char letter;
	uint64_t seconds;
	const char *word;
};

static const struct unit units[] = {
	[CONF_UNIT_none] = { '\0', 1, "seconds" },
	[CONF_UNIT_s] = { 's', 1, "seconds" },
	[CONF_UNIT_m] = { 'm', 60, "minutes" },
	[CONF_UNIT_h] = { 'h', 3600, "hours" },
	[CONF_UNIT_d] = { 'd', 86400, "days" },
	[CONF_UNIT_w] = { 'w', 604800, "weeks" },
};

static enum verdict
check_range(
    const struct conf_param *p, struct span text, uint64_t n, const char *unit, struct err *err)
{
	if (n >= p->min && n <= p->max)
		return VERDICT_OK;
	return err_set(err, VERDICT_PERM, "\"%.*s\" is out of range: it goes from %llu to %llu%s",
	    SPAN_ARG(text), (unsigned long long)p->min, (unsigned long long)p->max, unit);
}

static enum verdict
parse_number(const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err)
{
	if (!num_parse_u64(text, NUMBER_MAX, number_out))
		return err_set(err, VERDICT_PERM, "\"%.*s\" is not a whole number", SPAN_ARG(text));
	return check_range(p, text, *number_out, "", err);
}

static enum verdict
parse_size(const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err)
{
	static const struct span letters = SPAN("KMG");
	struct span digits = text;
	unsigned shift = 0;
	uint64_t n;

	if (text.n > 0) {
		const size_t at = span_find(letters, ascii_upper(text.p[text.n - 1]));

		if (at < letters.n) {
			shift = 10 * ((unsigned)at + 1);
			digits.n--;
		}
	}
	if (!num_parse_u64(digits, NUMBER_MAX, &n))
		return err_set(err, VERDICT_PERM,
		    "\"%.*s\" is not a size: write a number of bytes, or a number and K, M or G",
		    SPAN_ARG(text));
	if (n > (UINT64_MAX >> shift))
		n = UINT64_MAX >> shift;
	*number_out = n << shift;
	return check_range(p, text, *number_out, " bytes", err);
}

static enum verdict
parse_time(const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err)
{
	const struct unit *unit = &units[p->unit];
	struct span digits = text;
	uint64_t n;

	for (size_t i = 1; i < ARRAY_LEN(units) && text.n > 0; i++)
		if (ascii_lower(text.p[text.n - 1]) == units[i].letter) {
			unit = &units[i];
			digits = span_head(text, text.n - 1);
		}
	if (!num_parse_u64(digits, NUMBER_MAX / 604800, &n))
		return err_set(err, VERDICT_PERM,
		    "\"%.*s\" is not a time: write a number and s, m, h, d or w (%s when none "
		    "stands there)",
		    SPAN_ARG(text), units[p->unit].word);
	n *= unit->seconds;
	*number_out = n > UINT64_MAX / NS_PER_S ? UINT64_MAX : n * NS_PER_S;
	return check_range(p, text, n, " seconds", err);
}

static enum verdict
parse_bool(
    const struct conf_param *p UNUSED, struct span text, uint64_t *number_out, struct err *err)
{
	*number_out = span_eq_nocase(text, span_lit("yes"));
	if (*number_out || span_eq_nocase(text, span_lit("no")))
		return VERDICT_OK;
	return err_set(err, VERDICT_PERM, "\"%.*s\" is not yes or no", SPAN_ARG(text));
}

static enum verdict
bad_choice(const struct conf_param *p, struct span text, struct err *err)
{
	struct str words = STR_INIT(LIMIT_ERR_TEXT);

	for (unsigned i = 0; i < conf_choice_count(p->unit); i++)
		str_printf(&words, "%s%.*s", i ? ", " : "", SPAN_ARG(conf_choice_word(p->unit, i)));
	err_set(err, VERDICT_PERM, "\"%.*s\" is none of its choices: %s", SPAN_ARG(text),
	    str_cstr(&words));
	str_free(&words);
	return VERDICT_PERM;
}

static enum verdict
parse_choice(const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err)
{
	for (unsigned i = 0; i < conf_choice_count(p->unit); i++)
		if (span_eq_nocase(conf_choice_word(p->unit, i), text)) {
			*number_out = i;
			return VERDICT_OK;
		}
	return bad_choice(p, text, err);
}

static enum verdict
parse_list(
    const struct conf_param *p UNUSED, struct span text, uint64_t *number_out, struct err *err)
{
	size_t depth = 0;

	*number_out = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '}' && depth == 0)
			return err_set(err, VERDICT_PERM, "there is a } without a { before it");
		depth += (size_t)(text.p[i] == '{') - (size_t)(text.p[i] == '}');
	}
	if (depth > 0)
		return err_set(err, VERDICT_PERM, "there is a { without a } after it");
	return VERDICT_OK;
}

static enum verdict
parse_path(
    const struct conf_param *p UNUSED, struct span text, uint64_t *number_out, struct err *err)
{
	*number_out = 0;
	if (text.n == 0 || text.p[0] == '/')
		return VERDICT_OK;
	return err_set(
	    err, VERDICT_PERM, "\"%.*s\" is not an absolute path: begin it with /", SPAN_ARG(text));
}

static enum verdict
parse_text(const struct conf_param *p UNUSED, struct span text UNUSED, uint64_t *number_out,
    struct err *err UNUSED)
{
	*number_out = 0;
	return VERDICT_OK;
}

static parse_fn *const parsers[] = {
	[CONF_TEXT] = parse_text,
	[CONF_RAW] = parse_text,
	[CONF_NUMBER] = parse_number,
	[CONF_SIZE] = parse_size,
	[CONF_TIME] = parse_time,
	[CONF_BOOL] = parse_bool,
	[CONF_CHOICE] = parse_choice,
	[CONF_LIST] = parse_list,
	[CONF_PATH] = parse_path,
};

enum verdict
conf_param_parse(
    const struct conf_param *p, struct span text, uint64_t *number_out, struct err *err)
{
	return parsers[p->type](p, text, number_out, err);
}

typedef void store_fn(void *field, struct span text, uint64_t number);

static void
store_text(void *field, struct span text, uint64_t number UNUSED)
{
	memcpy(field, &text, sizeof(text));
}

static void
store_number(void *field, struct span text UNUSED, uint64_t number)
{
	memcpy(field, &number, sizeof(number));
}

static void
store_bool(void *field, struct span text UNUSED, uint64_t number)
{
	const bool yes = number != 0;

	memcpy(field, &yes, sizeof(yes));
}

static void
store_choice(void *field, struct span text UNUSED, uint64_t number)
{
	const enum conf_inet_protocols choice = (enum conf_inet_protocols)number;

	/* Every set is an enum of the same shape, so one of them stands for all. */
	memcpy(field, &choice, sizeof(choice));
}

#define CHOICE_SIZE(set) \
	static_assert(   \
	    sizeof(enum conf_##set) == sizeof(enum conf_inet_protocols), "see store_choice");
CONF_CHOICES(CHOICE_SIZE)

static store_fn *const stores[] = {
	[CONF_TEXT] = store_text,
	[CONF_RAW] = store_text,
	[CONF_NUMBER] = store_number,
	[CONF_SIZE] = store_number,
	[CONF_TIME] = store_number,
	[CONF_BOOL] = store_bool,
	[CONF_CHOICE] = store_choice,
	[CONF_LIST] = store_text,
	[CONF_PATH] = store_text,
};

enum verdict
conf_param_store(const struct conf_param *p, struct span text, struct conf *conf, struct err *err)
{
	uint64_t number;
	const enum verdict v = conf_param_parse(p, text, &number, err);

	if (v == VERDICT_OK)
		stores[p->type]((char *)conf + p->field, text, number);
	return v;
}

bool
conf_list_next(struct span *rest, struct span *token_out)
{
	size_t depth = 0, i = 0, closed = 0;

	while (rest->n > 0 && (cclass_is(*rest->p, CC_SPACE) || *rest->p == ','))
		*rest = span_from(*rest, 1);
	if (rest->n == 0)
		return false;
	for (; i < rest->n; i++) {
		const char c = rest->p[i];

		if (depth == 0 && (cclass_is(c, CC_SPACE) || c == ','))
			break;
		depth += c == '{';
		depth -= c == '}' && depth > 0;
		if (c == '}' && depth == 0 && closed == 0)
			closed = i;
	}
	*token_out = span_head(*rest, i);
	*rest = span_from(*rest, i);
	/* "{ a b }" loses its braces; "pcre:{ a }" is one token with them. */
	if (token_out->p[0] == '{' && closed > 0 && closed == i - 1)
		*token_out = span_trim(span_of(token_out->p + 1, i - 2));
	return true;
}
