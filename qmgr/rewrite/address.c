/*
 * Addresses between lookups. Tables are asked with the canonical text of an address; what they say
 * is an address list as in a header (RFC 5322 3.4), completed like what users write. Called by all
 * steps of rewriting. Everything lies in the request's arena. Limits: LIMIT_ADDRESS.
 */
#include "rewrite/address.h"

#include "base/log.h"
#include "message/addrlist.h"

static enum verdict
named_keep(struct named *out, struct arena *arena, struct err *err)
{
	out->text = address_text(&out->a, arena);
	if (!out->text.p)
		return err_mail(err, 452, "4.3.1", "Insufficient system storage");
	if (out->text.n > LIMIT_ADDRESS)
		return err_mail(err, 553, "5.1.3", "Address too long");
	return VERDICT_OK;
}

enum verdict
named_parse(const struct rewrite *rw, struct span text, struct arena *arena, struct named *out,
    struct err *err)
{
	const struct conf *conf = rw->conf;
	enum verdict v = address_parse(text, PATH_NO_DOMAIN | PATH_UTF8, arena, &out->a, err);
	struct str domain = STR_INIT(LIMIT_DOMAIN);

	if (v != VERDICT_OK)
		return v;
	if (out->a.domain.n == 0)
		out->a.domain = conf->myorigin;
	if (conf->append_dot_mydomain && out->a.domain.n > 0 && out->a.domain.p[0] != '[' &&
	    span_find(out->a.domain, '.') == out->a.domain.n) {
		str_printf(&domain, "%.*s.%.*s", SPAN_ARG(out->a.domain), SPAN_ARG(conf->mydomain));
		out->a.domain = arena_dup(arena, str_span(&domain));
	}
	str_free(&domain);
	return named_keep(out, arena, err);
}

enum verdict
named_extend(const struct named *a, struct span extension, struct arena *arena, struct named *out)
{
	struct str local = STR_INIT(LIMIT_LOCALPART);
	enum verdict v;

	*out = *a;
	if (extension.n == 0)
		return VERDICT_OK;
	str_put(&local, a->a.local);
	str_put(&local, extension);
	/* One that would be too long stays without. */
	if (!local.full)
		out->a.local = arena_dup(arena, str_span(&local));
	str_free(&local);
	v = named_keep(out, arena, NULL);
	return v;
}

enum verdict
named_keys(
    const struct rewrite *rw, const struct named *a, struct table_address *out, struct err *err)
{
	struct search s = search_of(NULL);
	enum verdict v = VERDICT_OK;

	*out = (struct table_address){ .delimiters = rw->conf->recipient_delimiter };
	address_split(a->text, &out->local, &out->domain);
	if (span_eq_nocase(out->domain, rw->conf->myorigin)) {
		out->ours = true;
		return VERDICT_OK;
	}
	s.match = rw->domains[DOMAINS_LOCAL];
	s.key = out->domain;
	v = search_run(&s, SEARCH_MATCH, err);
	out->ours = v == VERDICT_OK;
	return v == VERDICT_ABSENT ? VERDICT_OK : v;
}

static enum verdict
bad_entry(const char *what, const struct named *from, struct err *err)
{
	log_event(LOG_LEVEL_WARNING, "%s: the entry for %s is no list of addresses", what,
	    log_escape(from->text));
	return err_mail(err, 451, "4.3.5", "Server configuration problem");
}

/* One address of a table's, completed and extended. */
static enum verdict
entry_parse(const struct rewrite *rw, struct span local, struct span domain, struct span extension,
    struct arena *arena, struct named *out)
{
	struct address a = { .local = local, .domain = domain };
	struct str text = STR_INIT(LIMIT_ADDRESS);
	struct named plain;
	enum verdict v;

	address_put(&text, &a);
	v = text.full ? VERDICT_PERM : named_parse(rw, str_span(&text), arena, &plain, NULL);
	str_free(&text);
	return v == VERDICT_OK ? named_extend(&plain, extension, arena, out) : v;
}

enum verdict
named_each(const struct rewrite *rw, const char *what, const struct named *from, struct span value,
    struct span extension, struct arena *arena, named_fn *fn, void *arg, struct err *err)
{
	struct addrlist list = addrlist_read(value, arena);
	struct addrlist_entry entry;
	struct named a;
	size_t n = 0;

	if (value.n > 1 && value.p[0] == '@') {
		/* The user stays as it is, extension and all. */
		if (entry_parse(rw, from->a.local, span_from(value, 1), span_lit(""), arena, &a) !=
		    VERDICT_OK)
			return bad_entry(what, from, err);
		return fn(&a, arg, err);
	}
	while (addrlist_next(&list, &entry)) {
		if (entry.kind != ADDRLIST_MAILBOX)
			continue;
		n++;
		if (entry_parse(rw, entry.local, entry.domain, extension, arena, &a) != VERDICT_OK)
			return bad_entry(what, from, err);
		enum verdict v = fn(&a, arg, err);
		if (v != VERDICT_OK)
			return v;
	}
	return n > 0 ? VERDICT_OK : bad_entry(what, from, err);
}

bool
words_have(struct span text, struct span word)
{
	struct span item;

	while (conf_list_next(&text, &item))
		if (span_eq_nocase(item, word))
			return true;
	return false;
}
