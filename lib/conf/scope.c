/*
 * Which value a name has, where: -o of the service, then main.cf, then the computed or declared
 * default. Called by all that wants a value of a source: checks, snapshots, postconf. Computes the
 * defaults that depend on the host or on other parameters once, after both files have been read.
 */
#include "conf/expand.h"
#include "conf/source.h"

struct scope {
	const struct conf_source *source;
	const struct conf_service *service;
	conf_undefined_fn *undefined;
	void *arg;
};

static const struct conf_setting *
service_setting(const struct conf_service *service, struct span name)
{
	for (size_t i = service ? service->settings_n : 0; i > 0; i--)
		if (span_eq(service->settings[i - 1].name, name))
			return &service->settings[i - 1];
	return NULL;
}

static struct span
domain_of(struct span host)
{
	const size_t dot = span_find(host, '.');

	return dot + 1 < host.n ? span_from(host, dot + 1) : span_lit("localdomain");
}

bool
conf_default(const struct conf_source *source, struct span name, struct span *raw_out)
{
	const struct {
		struct span name;
		struct span value;
	} computed[] = {
		{ SPAN("myhostname"), source->myhostname },
		{ SPAN("mydomain"), source->mydomain },
		{ SPAN("mynetworks"), source->mynetworks },
		{ SPAN("lookup_tables"), source->lookup_tables },
		{ SPAN("config_directory"), source->dir },
	};
	struct span transport;
	const struct conf_param *p = conf_param_find(name);

	for (size_t i = 0; i < ARRAY_LEN(computed); i++)
		if (span_eq(computed[i].name, name)) {
			*raw_out = computed[i].value;
			return true;
		}
	if (!p)
		p = conf_param_find_transport(name, &transport);
	if (p)
		*raw_out = p->preset;
	return p != NULL;
}

/* Defaults that are another for a service than for all. */
static bool
service_default(const struct conf_service *service, struct span name, struct span *raw_out)
{
	const struct conf_setting *host;

	if (!service)
		return false;
	if (span_eq(name, span_lit("service_name"))) {
		*raw_out = service->name;
		return true;
	}
	host = service_setting(service, span_lit("myhostname"));
	/* A name made of others is made of the mydomain that all have. */
	if (!host || !span_eq(name, span_lit("mydomain")) ||
	    span_find(host->value, '$') < host->value.n)
		return false;
	*raw_out = domain_of(host->value);
	return true;
}

bool
conf_raw(const struct conf_source *source, const struct conf_service *service, struct span name,
    struct span *raw_out)
{
	const struct conf_setting *set = service_setting(service, name);
	const struct conf_def *def = set ? NULL : map_get(&source->defs, name);

	if (set || def) {
		*raw_out = set ? set->value : def->set.value;
		return true;
	}
	return service_default(service, name, raw_out) || conf_default(source, name, raw_out);
}

static bool
scope_lookup(struct span name, bool test, struct span *value_out, void *arg)
{
	const struct scope *scope = arg;
	const bool found = conf_raw(scope->source, scope->service, name, value_out);

	if (!found && !test && scope->undefined)
		scope->undefined(name, scope->arg);
	return found;
}

enum verdict
conf_expand_text(const struct conf_source *source, const struct conf_service *service,
    struct span text, conf_undefined_fn *undefined, void *arg, struct str *out, struct err *err)
{
	struct scope scope = { source, service, undefined, arg };
	const struct conf_expand how = { scope_lookup, &scope, true };

	return conf_expand(&how, text, out, err);
}

enum verdict
conf_value(const struct conf_source *source, const struct conf_service *service, struct span name,
    struct str *out, struct err *err)
{
	const struct conf_param *p = conf_param_find(name);
	struct span raw;
	enum verdict v;

	if (!conf_raw(source, service, name, &raw))
		return err_set(err, VERDICT_ABSENT, "%.*s is not defined", SPAN_ARG(name));
	if (p && p->type == CONF_RAW) {
		if (str_put(out, raw))
			return VERDICT_OK;
		return err_set(err, VERDICT_PERM, "%.*s: the value is too long", SPAN_ARG(name));
	}
	v = conf_expand_text(source, service, raw, NULL, NULL, out, err);
	return v == VERDICT_OK ? v : err_wrap(err, "%.*s", SPAN_ARG(name));
}

enum verdict
conf_check_value(const struct conf_source *source, const struct conf_service *service,
    const struct conf_param *p, struct span name, struct err *err)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);
	uint64_t number;
	enum verdict v = conf_value(source, service, name, &text, err);

	if (v == VERDICT_OK) {
		v = conf_param_parse(p, str_span(&text), &number, err);
		if (v != VERDICT_OK)
			err_wrap(err, "%.*s", SPAN_ARG(name));
	}
	str_free(&text);
	return v;
}

static bool
value_is(const struct conf_source *source, const char *name, const char *word)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);
	struct err err = ERR_NONE;
	const bool is = conf_value(source, NULL, span_str(name), &text, &err) == VERDICT_OK &&
			span_eq_nocase(str_span(&text), span_str(word));

	str_free(&text);
	return is;
}

static void
compute_names(struct conf_source *source)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);
	struct err err = ERR_NONE;

	if (source->host.name.n == 0)
		source->host.name = span_lit("localhost");
	source->mydomain = span_lit("localdomain");
	source->myhostname = source->host.name;
	if (span_find(source->host.name, '.') == source->host.name.n) {
		str_printf(&text, "%.*s.$mydomain", SPAN_ARG(source->host.name));
		source->myhostname = conf_keep(source, str_span(&text));
		str_reset(&text);
	}
	if (conf_value(source, NULL, span_lit("myhostname"), &text, &err) == VERDICT_OK)
		source->mydomain = conf_keep(source, domain_of(str_span(&text)));
	str_free(&text);
}

/* What inet_interfaces names, as networks of one address each. */
static void
put_interfaces(struct conf_source *source, bool ipv4, bool ipv6, struct str *out)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);
	struct span rest, address;
	struct err err = ERR_NONE;

	if (conf_value(source, NULL, span_lit("inet_interfaces"), &text, &err) != VERDICT_OK)
		str_reset(&text);
	rest = str_span(&text);
	while (conf_list_next(&rest, &address)) {
		const bool six = span_find(address, ':') < address.n;
		const bool bare = six && address.p[0] != '[';

		if (span_eq(address, span_lit("localhost")) || !(six ? ipv6 : ipv4))
			continue;
		str_printf(out, " %s%.*s%s", bare ? "[" : "", SPAN_ARG(address),
		    bare  ? "]/128"
		    : six ? "/128"
			  : "/32");
	}
	str_free(&text);
}

static void
compute_networks(struct conf_source *source)
{
	const bool ipv4 = !value_is(source, "inet_protocols", "ipv6");
	const bool ipv6 = !value_is(source, "inet_protocols", "ipv4");
	const bool subnet = value_is(source, "mynetworks_style", "subnet");
	const struct conf_host *host = &source->host;
	const struct span net4 = subnet ? host->subnet4 : host->host4;
	const struct span net6 = subnet ? host->subnet6 : host->host6;
	struct str text = STR_INIT(LIMIT_CONF_VALUE * 2);

	str_puts(&text, ipv4 ? "127.0.0.0/8" : "");
	str_puts(&text, ipv6 ? " [::1]/128" : "");
	if (value_is(source, "inet_interfaces", "all")) {
		if (ipv4 && net4.n)
			str_printf(&text, " %.*s", SPAN_ARG(net4));
		if (ipv6 && net6.n)
			str_printf(&text, " %.*s", SPAN_ARG(net6));
	} else if (!value_is(source, "inet_interfaces", "loopback-only")) {
		put_interfaces(source, ipv4, ipv6, &text);
	}
	source->mynetworks = conf_keep(source, span_trim(str_span(&text)));
	str_free(&text);
}

/* VALUE as it must be written so that it is expanded to itself; nothing when it names no table, or
 * is there already. */
static void
put_tables(struct str *out, struct span value)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);

	for (size_t i = 0; i < value.n; i++)
		str_printf(&text, value.p[i] == '$' ? "%c$" : "%c", value.p[i]);
	if (span_find(value, ':') < value.n &&
	    span_find_span(str_span(out), str_span(&text)) == out->n &&
	    out->n + text.n + 1 <= out->max) {
		str_putc(out, ' ');
		str_put(out, str_span(&text));
	}
	str_free(&text);
}

/* What NAME is for SERVICE, if that is something else than for all. */
static void
put_service_tables(const struct conf_source *source, const struct conf_service *service,
    struct span name, struct str *out)
{
	struct str own = STR_INIT(LIMIT_CONF_VALUE), common = STR_INIT(LIMIT_CONF_VALUE);
	struct err err = ERR_NONE;

	conf_value(source, NULL, name, &common, &err);
	if (conf_value(source, service, name, &own, &err) == VERDICT_OK &&
	    !span_eq(str_span(&own), str_span(&common)))
		put_tables(out, str_span(&own));
	str_free(&own);
	str_free(&common);
}

/* All lists may name tables, and so may parameters of the postmaster's own. */
static void
compute_tables(struct conf_source *source)
{
	struct str text = STR_INIT(LIMIT_CONF_VALUE);
	size_t n;
	const struct conf_param *params = conf_params(&n);

	source->lookup_tables = span_lit("");
	for (size_t i = 0; i < source->services_n; i++) {
		const struct conf_service *s = &source->services[i];

		for (size_t p = 0; p < n && s->settings_n > 0; p++)
			if (params[p].type == CONF_LIST)
				put_service_tables(source, s, params[p].name, &text);
		for (size_t k = 0; k < s->settings_n; k++)
			if (!conf_param_find(s->settings[k].name))
				put_service_tables(source, s, s->settings[k].name, &text);
	}
	source->lookup_tables = conf_keep(source, span_trim(str_span(&text)));
	str_free(&text);
}

void
conf_compute(struct conf_source *source)
{
	compute_names(source);
	compute_networks(source);
	compute_tables(source);
}
