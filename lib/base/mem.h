/*
 * The only callers of malloc and free outside lib/base/arena.c. Running out of memory is not an
 * error anybody handles: the process stops, master starts it again, and what was not acknowledged
 * is sent again.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/span.h"

/* Never NULL; zeroed. SIZE may be 0. Free with mem_free. */
void *mem_alloc(size_t size);
/* Zeroed array; a product that overflows stops the process. */
void *mem_alloc_array(size_t count, size_t size);
/* As realloc; what is new is not zeroed. */
void *mem_resize(void *p, size_t size);
void *mem_resize_array(void *p, size_t count, size_t size);
/* A NUL-terminated copy. */
char *mem_strdup(struct span s);
void mem_free(void *p);
/* Overwrites N bytes in a way no compiler leaves out: for secrets. */
void mem_wipe(void *p, size_t n);
/* Equal? In time that depends on N alone. */
bool mem_eq_secret(const void *a, const void *b, size_t n);

#endif
