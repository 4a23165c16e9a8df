/*
 * Buffers of streams. Called by stream*.c. They grow by doubling, own nothing when empty, and are
 * wiped before they go back to the heap: passwords and private mail pass here. The callers bound
 * them by LIMIT_STREAM_READ and LIMIT_STREAM_WRITE. Never resized in place: realloc would leave an
 * unwiped copy behind.
 */
#include "config.h"

#include "base/mem.h"
#include "event/stream_internal.h"

#define BUFFER_MIN 512 /* bytes: most replies fit */

void
buffer_room(struct buffer *b, size_t min, size_t size)
{
	size_t used = buffer_size(b);
	struct buffer larger;

	if (b->cap - b->end >= min)
		return;
	/* Shifting is worth it only when it frees much: else each byte would be moved many times.
	 */
	if (b->cap - used >= min && b->at >= used) {
		memmove(b->p, b->p + b->at, used);
		b->at = 0;
		b->end = used;
		return;
	}
	larger = (struct buffer){ .cap = BUFFER_MIN, .end = used, .high = used };
	while (larger.cap < used + min || larger.cap < size)
		larger.cap *= 2;
	larger.p = mem_resize(NULL, larger.cap);
	if (used)
		memcpy(larger.p, b->p + b->at, used);
	buffer_free(b);
	*b = larger;
}

void
buffer_grew(struct buffer *b, size_t n)
{
	b->end += n;
	b->high = size_max(b->high, b->end);
}

void
buffer_append(struct buffer *b, struct span bytes)
{
	if (bytes.n == 0)
		return;
	buffer_room(b, bytes.n, buffer_size(b) * 2);
	memcpy(b->p + b->end, bytes.p, bytes.n);
	buffer_grew(b, bytes.n);
}

void
buffer_free(struct buffer *b)
{
	if (b->p) {
		mem_wipe(b->p, b->high);
		mem_free(b->p);
	}
	*b = (struct buffer){ 0 };
}
