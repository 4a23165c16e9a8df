/*
 * Address lists: RFC 5322 3.4 with the obsolete forms of 4.4. Called for ENVELOPE, SEARCH and SORT,
 * by sendmail -t and by vacation and bounce. One pass with a cursor; groups are a flag, comments a
 * count: nothing nests by recursion. Every call takes some of the list or ends, so a list of n
 * bytes costs n. Text is cut at LIMIT_HEADER_TEXT.
 */
#include "config.h"

#include "base/limits.h"
#include "message/addrlist.h"
#include "message/token.h"
#include "message/words.h"

static const struct span none = SPAN("");

/* An entry while it is read. */
struct entry {
	struct str phrase; /* words so far: a display name, or a local part */
	struct str route;
	struct str local;
	struct str domain;
	struct str comment; /* the last one: "a@b (Name)" is an old way to give a name */
	size_t last;	    /* where in phrase the last words that dots join begin */
	bool dot;	    /* the last token was a dot: the next word joins */
	bool any;	    /* there was something but blanks and comments */
	bool mailbox;	    /* "@" or "<" was seen */
};

static void
entry_init(struct entry *e)
{
	*e = (struct entry){ .phrase = STR_INIT(LIMIT_HEADER_TEXT),
		.route = STR_INIT(LIMIT_HEADER_TEXT),
		.local = STR_INIT(LIMIT_HEADER_TEXT),
		.domain = STR_INIT(LIMIT_HEADER_TEXT),
		.comment = STR_INIT(LIMIT_HEADER_TEXT) };
}

static void
entry_free(struct entry *e)
{
	str_free(&e->phrase);
	str_free(&e->route);
	str_free(&e->local);
	str_free(&e->domain);
	str_free(&e->comment);
}

static bool
is_special(char c)
{
	static const struct span specials = SPAN("()<>@,;:\\\".[]");

	return cclass_is(c, CC_SPACE) || c == '\0' || span_find(specials, c) < specials.n;
}

/* Blanks and comments; the text of the last comment is kept. True: there were some. */
static bool
gap_skip(struct cursor *c, struct str *comment)
{
	const char *from = c->p;

	while (!cursor_done(c)) {
		if (*c->p == '(') {
			str_reset(comment);
			token_comment(c, comment);
		} else if (cclass_is(*c->p, CC_SPACE) || *c->p == '\0') {
			c->p++;
		} else {
			break;
		}
	}
	return c->p != from;
}

/* An atom or a quoted string, to OUT; a byte that can be neither is taken as it is. */
static void
word_take(struct cursor *c, struct str *out)
{
	const char *from = c->p;

	if (*c->p == '"') {
		token_quoted(c, out);
		return;
	}
	if (is_special(*c->p))
		c->p++;
	while (c->p == from || (!cursor_done(c) && !is_special(*c->p)))
		c->p++;
	str_put(out, span_of(from, (size_t)(c->p - from)));
}

/* "[...]", folds left out. */
static void
literal_take(struct cursor *c, struct str *out)
{
	while (!cursor_done(c) && *c->p != ']') {
		if (!cclass_is(*c->p, CC_SPACE) && *c->p != '\0')
			str_putc(out, *c->p);
		c->p++;
	}
	if (cursor_skip(c, ']'))
		str_putc(out, ']');
}

/* A domain or a literal, blanks and comments left out, up to what cannot be part of it. */
static void
domain_take(struct cursor *c, struct str *out, struct str *comment)
{
	bool dot = true;

	while (gap_skip(c, comment), !cursor_done(c)) {
		if (*c->p == '[') {
			literal_take(c, out);
			return;
		}
		if (*c->p == '.') {
			str_putc(out, *c->p++);
			dot = true;
			continue;
		}
		if (is_special(*c->p) || !dot)
			return;
		word_take(c, out);
		dot = false;
	}
}

/* Text of a route, from "@" to ":", which is taken; blanks left out. */
static void
route_take(struct cursor *c, struct str *out)
{
	while (!cursor_done(c) && *c->p != ':' && *c->p != '>') {
		if (!token_skip_cfws(c))
			str_putc(out, *c->p++);
	}
	cursor_skip(c, ':');
}

/* After "<": an address up to ">", and past what stands between that and the next separator. */
static void
angle_take(struct cursor *c, struct entry *e)
{
	struct str ignored = STR_INIT(LIMIT_HEADER_TEXT);

	e->mailbox = true;
	while (token_skip_cfws(c) || cursor_skip(c, '<'))
		continue;
	if (cursor_peek(c) == '@')
		route_take(c, &e->route);
	while (token_skip_cfws(c), !cursor_done(c) && *c->p != '>' && *c->p != '@') {
		if (*c->p == ',' || *c->p == '<')
			break;
		word_take(c, &e->local);
	}
	if (cursor_skip(c, '@'))
		domain_take(c, &e->domain, &ignored);
	while (!cursor_done(c) && *c->p != '>' && *c->p != ',')
		c->p++;
	cursor_skip(c, '>');
	while (gap_skip(c, &ignored), !cursor_done(c) && *c->p != ',' && *c->p != ';') {
		str_reset(&ignored);
		word_take(c, &ignored);
	}
	str_free(&ignored);
}

/* The words before an "@" without brackets: the last of them are the local part, any others a name.
 */
static void
local_split(struct entry *e)
{
	struct span phrase = str_span(&e->phrase);

	str_reset(&e->local);
	str_put(&e->local, span_from(phrase, e->last));
	str_cut(&e->phrase, e->last);
	e->mailbox = true;
}

static void
phrase_word(struct cursor *c, struct entry *e, bool gap)
{
	bool dot = *c->p == '.';

	if (e->phrase.n > 0 && !dot && !e->dot && (gap || *c->p == '"')) {
		str_putc(&e->phrase, ' ');
		e->last = e->phrase.n;
	}
	/* A dot after a blank ends a sentence ("John Q. Public") or begins an obsolete local part:
	 * both keep it close. */
	word_take(c, &e->phrase);
	e->dot = dot && !cursor_done(c) && !cclass_is(*c->p, CC_SPACE);
}

/*
 * Takes tokens up to the end of the entry. What ended it ("," ";" ":" or the end) is returned and,
 * but for ";", taken.
 */
static int
entry_take(struct addrlist *l, struct entry *e)
{
	struct cursor *c = &l->at;

	for (;;) {
		bool gap = gap_skip(c, &e->comment);
		int byte = cursor_peek(c);

		if (byte < 0 || byte == ';')
			return byte;
		if (byte == ',' || (byte == ':' && !e->mailbox && !l->in_group)) {
			c->p++;
			return byte;
		}
		e->any = true;
		if (byte == '<' && !e->mailbox) {
			c->p++;
			angle_take(c, e);
		} else if (byte == '@' && !e->mailbox) {
			c->p++;
			local_split(e);
			domain_take(c, &e->domain, &e->comment);
		} else if (e->mailbox) {
			struct str ignored = STR_INIT(LIMIT_HEADER_TEXT);

			word_take(c, &ignored);
			str_free(&ignored);
		} else {
			phrase_word(c, e, gap);
		}
	}
}

static struct span
keep(struct addrlist *l, struct span s, bool *ok)
{
	struct span kept = s.n > 0 ? arena_dup(l->arena, s) : none;

	*ok &= kept.p != NULL;
	return kept;
}

static bool
entry_finish(struct addrlist *l, struct entry *e, struct addrlist_entry *out)
{
	struct span name = span_trim(str_span(&e->phrase));
	bool ok = true;

	if (out->kind == ADDRLIST_MAILBOX && !e->mailbox) {
		/* No "@" at all: a local part alone, blanks or not. */
		out->local = keep(l, name, &ok);
		name = str_span(&e->comment);
	} else {
		out->route = keep(l, str_span(&e->route), &ok);
		out->local = keep(l, str_span(&e->local), &ok);
		out->domain = keep(l, str_span(&e->domain), &ok);
	}
	if (name.n == 0 && out->kind == ADDRLIST_MAILBOX)
		name = str_span(&e->comment);
	out->name = keep(l, span_trim(name), &ok);
	return ok;
}

/* True: *OUT is the next entry. False and *MORE: what was there is none. */
static bool
next_or_nothing(struct addrlist *l, struct addrlist_entry *out, bool *more)
{
	struct entry e;
	bool found = false;
	int end;

	entry_init(&e);
	*out = (struct addrlist_entry){ ADDRLIST_MAILBOX, none, none, none, none };
	end = entry_take(l, &e);
	*more = true;
	if (end == ':')
		out->kind = ADDRLIST_GROUP;
	if (e.any || end == ':') {
		l->in_group |= end == ':';
		found = *more = entry_finish(l, &e, out);
	} else if (l->in_group && (end == ';' || end < 0)) {
		cursor_skip(&l->at, ';');
		l->in_group = false;
		out->kind = ADDRLIST_GROUP_END;
		found = true;
	} else if (end == ';') {
		l->at.p++;
	} else {
		*more = end >= 0;
	}
	entry_free(&e);
	return found;
}

bool
addrlist_next(struct addrlist *l, struct addrlist_entry *out)
{
	bool more = true;

	while (more) {
		if (next_or_nothing(l, out, &more))
			return true;
	}
	return false;
}

/* Atoms with single blanks between them need no quotes (RFC 5322 3.2.5). */
static bool
is_phrase(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] != ' ' && !cclass_is(name.p[i], CC_ATEXT))
			return false;
	}
	return true;
}

bool
addrlist_put(struct str *out, struct span name, const struct address *address)
{
	name = span_trim(name);
	if (name.n == 0)
		return address_put(out, address);
	if (words_need_encoding(name)) {
		words_put_encoded(out, name);
	} else if (is_phrase(name)) {
		str_put(out, name);
	} else {
		str_putc(out, '"');
		for (size_t i = 0; i < name.n; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				str_putc(out, '\\');
			str_putc(out, name.p[i]);
		}
		str_putc(out, '"');
	}
	str_putc(out, ' ');
	return address_put_path(out, address);
}
