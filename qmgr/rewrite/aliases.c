/*
 * What an entry of alias_maps means (aliases(5)): addresses, separated by commas. |command, /file
 * and :include: take the rights of somebody, which rewrite has not got: an entry with one of them
 * is a temporary error and a line in the log, never mail that goes elsewhere. Called when expand.c
 * has a local address that no table before has changed.
 */
#include "rewrite/aliases.h"

#include "base/log.h"

/* The next item between commas; commas in quotes count for nothing. */
static bool
item_next(struct span *rest, struct span *item_out)
{
	bool quoted = false;
	size_t i = 0;

	if (rest->n == 0)
		return false;
	for (; i < rest->n && (quoted || rest->p[i] != ','); i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		else if (rest->p[i] == '"')
			quoted = !quoted;
	}
	*item_out = span_trim(span_head(*rest, i));
	*rest = span_from(*rest, i + 1);
	return true;
}

/* What an item is when it is no address, or NULL. */
static const char *
item_foreign(struct span item)
{
	struct span bare = item.n > 0 && item.p[0] == '"' ? span_from(item, 1) : item;

	if (bare.n > 0 && bare.p[0] == '|')
		return "a command";
	if (bare.n > 0 && bare.p[0] == '/' && span_find(bare, '@') == bare.n)
		return "a file";
	return span_starts_nocase(bare, span_lit(":include:")) ? ":include:" : NULL;
}

static enum verdict
alias_parse(const struct rewrite *rw, const struct named *a, struct span value,
    struct span extension, struct arena *arena, named_fn *fn, void *arg, struct err *err)
{
	struct span rest = value, item;
	bool propagate = words_have(rw->conf->propagate_unmatched_extensions, span_lit("alias"));

	while (item_next(&rest, &item)) {
		const char *what = item_foreign(item);
		if (!what)
			continue;
		log_event(LOG_LEVEL_WARNING,
		    "alias_maps: the entry for %s names %s: not supported, "
		    "its mail is deferred",
		    log_escape(a->text), what);
		return err_mail(err, 451, "4.3.5",
		    "Aliases to commands, files and lists in files are not supported");
	}
	return named_each(
	    rw, "alias_maps", a, value, propagate ? extension : span_lit(""), arena, fn, arg, err);
}

enum verdict
alias_each(const struct rewrite *rw, const struct named *a, struct arena *arena, named_fn *fn,
    void *arg, struct err *err)
{
	struct search s = search_of(&rw->lists[LIST_ALIASES]);
	enum verdict v;

	/* A name there is not quoted, whatever it holds. */
	s.address =
	    (struct table_address){ a->a.local, a->a.domain, rw->conf->recipient_delimiter, true };
	v = search_run(&s, SEARCH_LOCAL, err);
	if (v == VERDICT_OK)
		v = alias_parse(rw, a, str_span(&s.value), s.extension, arena, fn, arg, err);
	search_free(&s);
	return v;
}
