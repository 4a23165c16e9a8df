/* Removing what a test made: a tree of directories, without following links. */
#ifndef UNIT_MAILBOX_TREE_H
#define UNIT_MAILBOX_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int
tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void
tree_remove(const char *path)
{
	nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
