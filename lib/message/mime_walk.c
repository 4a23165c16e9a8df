/*
 * Ways through a MIME tree that is done: by IMAP's section numbers (RFC 9051 6.4.5.1) and in the
 * order of the text. Called by imapd and search. Pure; follows links, never recurses, so depth
 * costs nothing.
 */
#include "config.h"

#include "message/mime.h"

static const struct mime_part *
child_at(const struct mime_part *p, uint32_t n)
{
	const struct mime_part *c = p->child;

	while (c && n > 1) {
		c = c->next;
		n--;
	}
	return n == 0 ? NULL : c;
}

const struct mime_part *
mime_find(const struct mime_part *root, const uint32_t *n, size_t count)
{
	const struct mime_part *p = root;
	/* A message's root has not been named by a number of its own yet. */
	bool at_root = true;

	for (size_t i = 0; i < count && p; i++) {
		if (!at_root && p->kind == MIME_MESSAGE) {
			p = p->child;
			at_root = true;
		}
		if (p->kind == MIME_MULTIPART)
			p = child_at(p, n[i]);
		else if (!at_root || n[i] != 1)
			p = NULL;
		at_root = false;
	}
	return p;
}

const struct mime_part *
mime_next(const struct mime_part *root, const struct mime_part *p)
{
	if (p->child)
		return p->child;
	while (p != root && !p->next)
		p = p->parent;
	return p == root ? NULL : p->next;
}
