/*
 * Memory from the heap, for everybody. What cannot be had stops the process: no caller has a plan
 * for that, and a process that stops loses nothing that was acknowledged. Owns no state. Must never
 * return NULL, and never leave out the wiping of a secret.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static void *
mem_check(void *p)
{
	static const char text[] = "fatal: out of memory\n";

	if (p)
		return p;
	/* Nothing that needs memory may be called here, so not the logger. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

void *
mem_alloc(size_t size)
{
	return mem_check(calloc(1, size_max(size, 1)));
}

void *
mem_alloc_array(size_t count, size_t size)
{
	return mem_check(calloc(size_max(count, 1), size_max(size, 1)));
}

void *
mem_resize(void *p, size_t size)
{
	return mem_check(realloc(p, size_max(size, 1)));
}

void *
mem_resize_array(void *p, size_t count, size_t size)
{
	return mem_check(reallocarray(p, size_max(count, 1), size_max(size, 1)));
}

char *
mem_strdup(struct span s)
{
	char *copy = mem_resize(NULL, s.n + 1);

	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

void
mem_free(void *p)
{
	free(p);
}

void
mem_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

bool
mem_eq_secret(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}
