/*
 * The keys that stand for an address, a domain or a client. Called by rewrite. Each order is a row
 * of forms; a key is built in one buffer that LIMIT_TABLE_KEY bounds (an address of ours always
 * fits). Nothing here opens or changes a table.
 */
#include "table/find.h"

#include "base/cclass.h"

enum form {
	FORM_LOCAL = 1 << 0, /* the local part */
	FORM_STRIP = 1 << 1, /* without its extension; tried only when there is one */
	FORM_AT = 1 << 2,    /* "@" */
	FORM_DOMAIN = 1 << 3,
	FORM_OURS = 1 << 4, /* for domains of this host alone */
	FORM_FULL = FORM_LOCAL | FORM_AT | FORM_DOMAIN,
};

struct search {
	const struct table_list *list;
	const struct table_address *a;
	size_t extension_at;
	bool tried; /* a key has been tried: what follows is part of it */
	struct str key;
	struct str *value;
	struct err *err;
};

/* Names that mean themselves whatever the delimiter is: owner-list, list-request, and who mail of
 * the system is from. */
static bool
never_split(struct span local, struct span delimiters)
{
	if (span_eq_nocase(local, span_lit("mailer-daemon")) ||
	    span_eq_nocase(local, span_lit("double-bounce")))
		return true;
	return span_find(delimiters, '-') < delimiters.n &&
	       (span_starts_nocase(local, span_lit("owner-")) ||
		   span_ends_nocase(local, span_lit("-request")));
}

size_t
table_extension_at(struct span local, struct span delimiters)
{
	/* What begins with a delimiter has no user before it. */
	if (local.n == 0 || local.p[0] == '"' || never_split(local, delimiters))
		return local.n;
	for (size_t i = 1; i < local.n; i++)
		if (span_find(delimiters, local.p[i]) < delimiters.n)
			return i;
	return local.n;
}

static struct search
search_begin(const struct table_list *list, const struct table_address *a, struct str *value,
    struct err *err)
{
	struct search s = { list, a, a ? table_extension_at(a->local, a->delimiters) : 0, false,
		STR_INIT(LIMIT_TABLE_KEY), value, err };

	str_reset(value);
	return s;
}

static enum verdict
search_key(struct search *s)
{
	const bool part = s->tried;

	s->tried = true;
	if (s->key.full)
		return VERDICT_ABSENT;
	return table_list_lookup(s->list, str_span(&s->key), part, s->value, s->err);
}

static enum verdict
search_form(struct search *s, unsigned form)
{
	const struct table_address *a = s->a;
	const bool strip = form & FORM_STRIP;

	if ((strip && s->extension_at == a->local.n) ||
	    ((form & FORM_OURS) && !a->ours && a->domain.n > 0) ||
	    ((form & FORM_DOMAIN) && a->domain.n == 0))
		return VERDICT_ABSENT;
	str_reset(&s->key);
	if (form & FORM_LOCAL)
		str_put(&s->key, strip ? span_head(a->local, s->extension_at) : a->local);
	if (form & FORM_AT)
		str_putc(&s->key, '@');
	if (form & FORM_DOMAIN)
		str_put(&s->key, a->domain);
	return search_key(s);
}

/* The first form that is found, or fails; its row number is *WHICH. */
static enum verdict
search_forms(struct search *s, const unsigned *forms, size_t n, size_t *which)
{
	enum verdict v = VERDICT_ABSENT;

	for (*which = 0; *which < n; ++*which) {
		v = search_form(s, forms[*which]);
		if (v != VERDICT_ABSENT)
			break;
	}
	return v;
}

static enum verdict
search_domain(struct search *s, struct span domain, bool parents)
{
	enum verdict v = VERDICT_ABSENT;

	while (domain.n > 0 && v == VERDICT_ABSENT) {
		str_reset(&s->key);
		str_put(&s->key, domain);
		v = search_key(s);
		/* An address literal has no parents. */
		size_t dot =
		    domain.p[0] == '[' ? domain.n : span_find(span_from(domain, 1), '.') + 1;
		domain = span_from(domain, parents ? dot + 1 : dot);
	}
	return v;
}

static enum verdict
search_end(struct search *s, enum verdict v)
{
	str_free(&s->key);
	return v;
}

/* What the key of FORM lacked of the address. */
static struct span
search_extension(const struct search *s, unsigned form)
{
	return form & FORM_STRIP ? span_from(s->a->local, s->extension_at) : span_of(NULL, 0);
}

enum verdict
table_find_address(const struct table_list *list, const struct table_address *a,
    struct str *value_out, struct span *extension_out, struct err *err)
{
	static const unsigned forms[] = {
		FORM_FULL,
		FORM_FULL | FORM_STRIP,
		FORM_LOCAL | FORM_OURS,
		FORM_LOCAL | FORM_STRIP | FORM_OURS,
		FORM_AT | FORM_DOMAIN,
	};
	struct search s = search_begin(list, a, value_out, err);
	size_t which;
	enum verdict v = search_forms(&s, forms, ARRAY_LEN(forms), &which);

	if (extension_out)
		*extension_out =
		    v == VERDICT_OK ? search_extension(&s, forms[which]) : span_of(NULL, 0);
	return search_end(&s, v);
}

enum verdict
table_find_local(const struct table_list *list, const struct table_address *a,
    struct str *value_out, struct span *extension_out, struct err *err)
{
	static const unsigned forms[] = { FORM_LOCAL, FORM_LOCAL | FORM_STRIP };
	struct search s = search_begin(list, a, value_out, err);
	size_t which;
	enum verdict v = search_forms(&s, forms, ARRAY_LEN(forms), &which);

	if (extension_out)
		*extension_out =
		    v == VERDICT_OK ? search_extension(&s, forms[which]) : span_of(NULL, 0);
	return search_end(&s, v);
}

static const unsigned forms_whole[] = { FORM_FULL, FORM_FULL | FORM_STRIP };

enum verdict
table_find_access(const struct table_list *list, const struct table_address *a, bool parents,
    struct str *value_out, struct err *err)
{
	static const unsigned forms_user[] = { FORM_LOCAL | FORM_AT,
		FORM_LOCAL | FORM_AT | FORM_STRIP };
	struct search s = search_begin(list, a, value_out, err);
	size_t which;
	enum verdict v = search_forms(&s, forms_whole, ARRAY_LEN(forms_whole), &which);

	if (v == VERDICT_ABSENT)
		v = search_domain(&s, a->domain, parents);
	if (v == VERDICT_ABSENT)
		v = search_forms(&s, forms_user, ARRAY_LEN(forms_user), &which);
	return search_end(&s, v);
}

enum verdict
table_find_transport(const struct table_list *list, const struct table_address *a, bool parents,
    struct str *value_out, struct err *err)
{
	struct search s = search_begin(list, a, value_out, err);
	size_t which;
	enum verdict v = search_forms(&s, forms_whole, ARRAY_LEN(forms_whole), &which);

	if (v == VERDICT_ABSENT)
		v = search_domain(&s, a->domain, parents);
	if (v == VERDICT_ABSENT) {
		str_reset(&s.key);
		str_putc(&s.key, '*');
		v = search_key(&s);
	}
	return search_end(&s, v);
}

enum verdict
table_find_domain(const struct table_list *list, struct span domain, bool parents,
    struct str *value_out, struct err *err)
{
	struct search s = search_begin(list, NULL, value_out, err);

	return search_end(&s, search_domain(&s, domain, parents));
}

enum verdict
table_find_client(
    const struct table_list *list, struct span address, struct str *value_out, struct err *err)
{
	struct search s = search_begin(list, NULL, value_out, err);
	const char between = span_find(address, ':') < address.n ? ':' : '.';
	enum verdict v = VERDICT_ABSENT;

	while (address.n > 0 && v == VERDICT_ABSENT) {
		size_t cut = span_rfind(address, between);

		str_reset(&s.key);
		str_put(&s.key, address);
		v = search_key(&s);
		if (cut == address.n)
			break;
		address = span_head(address, cut);
	}
	return search_end(&s, v);
}
