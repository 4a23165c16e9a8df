/*
 * Is a message what is looked for? RFC 9051 6.4.4. Called by cmd_search.c for one message after
 * another. Walks the tree by its links, so that nesting costs no stack; what decides ends the walk,
 * and cheap keys come first (search_parse.c), so that a file is opened only when it has to be.
 */
#include "config.h"

#include "imapd/search.h"

#define BLOCK_MAX (4u << 20) /* bytes: a header in UTF-8, or a decoded piece of a body */

void
search_begin(struct search_job *job, struct session *s)
{
	*job = (struct search_job){ .session = s, .now = time_wall() / NS_PER_S };
	letter_init(&job->letter, view_mailbox(s->view));
	str_init(&job->block, BLOCK_MAX);
	str_init(&job->text, BLOCK_MAX);
	str_init(&job->wide, BLOCK_MAX);
}

void
search_end(struct search_job *job)
{
	letter_free(&job->letter);
	str_free(&job->block);
	str_free(&job->text);
	str_free(&job->wide);
}

struct letter *
search_letter(struct search_job *job, const struct mail *mail)
{
	if (!job->looked)
		letter_begin(&job->letter, mail);
	job->looked = true;
	return &job->letter;
}

bool
search_failed(struct search_job *job, enum verdict v, const struct err *err)
{
	if (v != VERDICT_ABSENT)
		job->err = *err;
	return false;
}

SUSPENDS
static bool
leaf_match(
    struct search_job *job, const struct search_node *node, size_t i, const struct mail *mail)
{
	return node->key->match(job, node, i, mail) != node->key->negate;
}

/* Does RESULT of one of its parts say what GROUP is, whatever the others are? */
static bool
group_decided(const struct search_node *group, bool result)
{
	return group->join == SEARCH_NOT || result == (group->join == SEARCH_OR);
}

SUSPENDS
bool
search_match(
    struct search_job *job, const struct search_node *root, size_t i, const struct mail *mail)
{
	const struct search_node *n = root;
	const struct mail here = *mail;
	bool result;

	job->looked = false;
	for (;;) {
		while (n->join != SEARCH_LEAF)
			n = n->child;
		result = leaf_match(job, n, i, &here);
		/* Up to a group that is not decided yet. */
		while (n != root && (!n->next || group_decided(n->parent, result))) {
			n = n->parent;
			result = result != (n->join == SEARCH_NOT);
		}
		if (n == root)
			return result;
		n = n->next;
	}
}
