/*
 * SEARCH (RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 7162 3.1.5, RFC 5032): what is looked for, as a tree
 * of keys, and whether one message is that.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "imapd/fold.h"
#include "imapd/letter.h"
#include "imapd/session.h"
#include "imapd/set.h"

struct search_job;
struct search_node;

/* What a key costs to look at: cheap ones are asked first. */
enum search_cost {
	SEARCH_INDEX,  /* what the index knows */
	SEARCH_CACHE,  /* header fields that are cached */
	SEARCH_HEADER, /* others: the file's begin */
	SEARCH_FILE,   /* all of it */
	SEARCH_COSTS,
};

/* What follows a key's name. */
enum search_arg {
	SEARCH_NOTHING,
	SEARCH_STRING,
	SEARCH_FIELD, /* a header field's name, and a string */
	SEARCH_DATE,
	SEARCH_NUMBER,
	SEARCH_SECONDS, /* RFC 5032: more than 0 */
	SEARCH_KEYWORD,
	SEARCH_UIDS,
	SEARCH_NUMBERS, /* the set is the key */
	SEARCH_MODSEQ,	/* RFC 7162 3.1.5 */
	SEARCH_OBJECT,	/* RFC 8474 7 */
};

typedef bool search_match_fn(
    struct search_job *job, const struct search_node *node, size_t i, const struct mail *mail);

struct search_key {
	struct span name;
	enum search_arg arg;
	enum search_cost cost;
	bool negate;
	uint32_t flags; /* of the index, for keys about one */
	struct span field;
	SUSPENDS search_match_fn *match;
};

enum search_join { SEARCH_LEAF, SEARCH_AND, SEARCH_OR, SEARCH_NOT };

struct search_node {
	enum search_join join;
	enum search_cost cost; /* of the dearest key in it */
	struct search_node *parent;
	struct search_node *child; /* the first; cheap ones are first once it is parsed */
	struct search_node *last;
	struct search_node *next;

	/* leaves */
	const struct search_key *key;
	struct span text;  /* folded */
	struct span field; /* a header field's name, or $Forwarded, which is a flag */
	struct set set;
	uint64_t number; /* bytes, seconds, modseq, or a keyword's bit */
	int64_t day;	 /* since 1970 */
};

struct search {
	const struct search_node *root;
	bool modseq;	  /* the answer has the highest modseq of what was found */
	bool bad_charset; /* and nothing else is known then */
};

/* "[CHARSET name] keys", to the end. */
bool search_parse(struct session *s, struct args *a, struct search *out);
const struct search_key *search_key_find(struct span name);
extern const struct search_key search_set_key;

/* One command's way through its messages. */
struct search_job {
	struct session *session;
	struct letter letter;
	bool looked; /* LETTER is at this message */
	struct str block;
	struct str text;
	struct str wide;
	uint64_t now;	/* s */
	struct err err; /* of the last message that could not be read */
};

void search_begin(struct search_job *job, struct session *s);
void search_end(struct search_job *job);
/* Is the message with index I what ROOT looks for? One that is gone, or cannot be read, is not. */
SUSPENDS bool search_match(
    struct search_job *job, const struct search_node *root, size_t i, const struct mail *mail);

/* For keys that need more than the index: the message. */
struct letter *search_letter(struct search_job *job, const struct mail *mail);
/* What went wrong with the message; false, which is what a key says then. */
bool search_failed(struct search_job *job, enum verdict v, const struct err *err);

/* search_header.c, search_text.c */
search_match_fn search_match_field;
search_match_fn search_match_sent_before, search_match_sent_on, search_match_sent_since;
SUSPENDS search_match_fn search_match_body;
SUSPENDS search_match_fn search_match_text;
/* HEADER's fields, decoded, one a line, as they are looked through; true: found. */
bool search_feed_header(struct search_job *job, struct finder *f, struct span header);

#endif
