/*
 * Arenas: a list of blocks, the newest first, memory handed out from the front of the newest.
 * Everybody who keeps data for a session, a transaction or a command calls this. The cap counts
 * what was handed out, rounded up to the alignment, not the blocks. An allocation that fits no
 * common block has one of its own, behind the newest, so that the room left there is not lost.
 * Under AddressSanitizer all that is not handed out is poisoned. Must never hand out a byte of what
 * the last owner left there.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#ifdef POSTERN_SANITIZED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
	ARENA_ALIGN = 16,
	ARENA_BLOCK_MIN = 1024,	 /* bytes, header included: most commands need no second block */
	ARENA_BLOCK_MAX = 65536, /* bytes: more per malloc saves nothing that can be measured */
	ARENA_KEEP =
	    4096, /* bytes a block may have to outlive a reset: what an idle session holds */
};

struct arena_block {
	struct arena_block *older;
	size_t size; /* of data */
	size_t used;
	_Alignas(ARENA_ALIGN) char data[];
};

static struct arena_block *
block_new(size_t size, struct arena_block *older)
{
	struct arena_block *b = mem_resize(NULL, sizeof(*b) + size);

	b->older = older;
	b->size = size;
	b->used = 0;
	ASAN_POISON_MEMORY_REGION(b->data, size);
	return b;
}

static void
block_empty(struct arena_block *b, bool wipe)
{
	if (wipe) {
		ASAN_UNPOISON_MEMORY_REGION(b->data, b->size);
		mem_wipe(b->data, b->used);
	}
	b->used = 0;
	ASAN_POISON_MEMORY_REGION(b->data, b->size);
}

static void
block_free(struct arena_block *b)
{
	ASAN_UNPOISON_MEMORY_REGION(b->data, b->size);
	mem_free(b);
}

/* A block with N bytes of room. */
static struct arena_block *
arena_grow(struct arena *a, size_t n)
{
	struct arena_block *newest = a->block;
	size_t size = newest ? 2 * (newest->size + sizeof(*newest)) : ARENA_BLOCK_MIN;

	size = size_min(size_max(size, ARENA_BLOCK_MIN), ARENA_BLOCK_MAX) - sizeof(*newest);
	if (n <= size) {
		a->block = block_new(size, newest);
		return a->block;
	}
	if (!newest) {
		a->block = block_new(n, NULL);
		return a->block;
	}
	newest->older = block_new(n, newest->older);
	return newest->older;
}

void
arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap };
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->block;
	size_t left = a->cap - a->used;
	size_t size;
	char *p;

	if (n > left)
		return NULL;
	size = (size_max(n, 1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (size < n || size > left)
		return NULL;
	if (!b || b->size - b->used < size)
		b = arena_grow(a, size);
	p = b->data + b->used;
	b->used += size;
	a->used += size;
	ASAN_UNPOISON_MEMORY_REGION(p, n);
	memset(p, 0, n);
	return p;
}

void *
arena_alloc_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return arena_alloc(a, n);
}

struct span
arena_dup(struct arena *a, struct span s)
{
	char *p = s.n == SIZE_MAX ? NULL : arena_alloc(a, s.n + 1);

	if (!p)
		return span_of(NULL, 0);
	if (s.n)
		memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}

static void
arena_empty(struct arena *a, bool wipe, size_t keep)
{
	struct arena_block *b = a->block;

	while (b) {
		struct arena_block *older = b->older;

		block_empty(b, wipe);
		if (!older && b->size <= keep)
			break;
		block_free(b);
		b = older;
	}
	a->block = b;
	a->used = 0;
}

void
arena_reset(struct arena *a)
{
	arena_empty(a, false, ARENA_KEEP);
}

void
arena_wipe(struct arena *a)
{
	arena_empty(a, true, ARENA_KEEP);
}

void
arena_free(struct arena *a)
{
	arena_empty(a, false, 0);
}
