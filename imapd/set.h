/*
 * The messages that a command names (RFC 9051 9, sequence-set), as ranges of the view's indexes.
 * What the client cannot mean is decided here once, for all commands: "*" and a range up to it
 * always have the last message (9.: "4:*" of three is 3), a sequence number that no message has is
 * BAD (6.4.5), a UID that no message has names nothing (6.4.9).
 */
#ifndef IMAPD_SET_H
#define IMAPD_SET_H

#include "imapd/args.h"
#include "imapd/view.h"

/* Indexes FIRST to END - 1; never empty. */
struct set_range {
	size_t first;
	size_t end;
};

/* Ascending, disjoint. */
struct set {
	const struct set_range *v;
	size_t n;
};

struct session;

/* SAVED: what "$" stands for. Lies in A's arena. */
bool set_resolve(struct args *a, const struct args_set *from, const struct view *view, bool uids,
    struct uid_set saved, struct set *out);
/* The next argument, of S's command and its selected mailbox. */
bool set_args(struct session *s, struct args *a, struct set *out);

/* The FIRSTth to the LASTth message of SET, counted from 1, in ARENA; false: there is no room. */
bool set_cut(struct set *set, size_t first, size_t last, struct arena *arena);
size_t set_count(const struct set *set);
/* The same messages for lib/mailbox; adds to *OUT. */
void set_uids(const struct set *set, const struct view *view, struct uid_list *out);

/* A walk: for (i = set_first(&walk, set); i != SET_END; i = set_next(&walk)). */
#define SET_END SIZE_MAX
struct set_walk {
	struct set set;
	size_t range;
	size_t i;
};
size_t set_first(struct set_walk *walk, struct set set);
size_t set_next(struct set_walk *walk);

#endif
