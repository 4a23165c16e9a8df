/* What every file may assume: markers that tests/style reads, and a few words C lacks. */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <assert.h> /* asserts stay on in production: master restarts what fails one */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef NDEBUG
#error "Postern is never built with NDEBUG: an assert that fails stops a wrong process"
#endif

/* The function may suspend the calling fiber: what it held may have changed when it returns. */
#define SUSPENDS
/* The function is the body of a fiber: it may call what SUSPENDS without being marked itself. */
#define FIBER_MAIN

#define NODISCARD	  __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED		  __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of TYPE whose member MEMBER is at PTR. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline size_t
size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t
size_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
