/*
 * An arena: memory that is given back all at once. Four lifetimes have one each: process, session,
 * transaction, command. Each has a cap, so that a peer cannot make a session grow; reaching it is
 * an answer (NULL), not a crash. Blocks start at 1 KiB and double up to 64 KiB; an empty arena owns
 * nothing but its struct.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *block; /* the newest, with room left */
	size_t used;		   /* bytes handed out since the last reset */
	size_t cap;		   /* the most that may be handed out */
};

void arena_init(struct arena *a, size_t cap);
/* Zeroed, aligned to 16; NULL when the cap is reached. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_alloc_array(struct arena *a, size_t count, size_t size);
/* A copy, with a NUL after it that its length does not count; .p is NULL at the cap. */
struct span arena_dup(struct arena *a, struct span s);
/* Gives everything back but the first block, if that is small; what was handed out is gone. */
void arena_reset(struct arena *a);
/* The same, every byte overwritten first. */
void arena_wipe(struct arena *a);
void arena_free(struct arena *a);

#endif
