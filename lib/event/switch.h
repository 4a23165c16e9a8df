/*
 * The switch between stacks. Internal to lib/event. What a stack needs to go on later lies on the
 * stack itself, so a context is no more than a stack pointer; where no assembly of ours fits,
 * swapcontext(3) does the same 50 times slower. -DPOSTERN_SWITCH_UCONTEXT forces that.
 */
#ifndef EVENT_SWITCH_H
#define EVENT_SWITCH_H

#include "base/defs.h"

#if !(defined(__x86_64__) && defined(__LP64__)) && !(defined(__aarch64__) && defined(__LP64__))
#ifndef POSTERN_SWITCH_UCONTEXT
#define POSTERN_SWITCH_UCONTEXT 1
#endif
#endif

#ifdef POSTERN_SWITCH_UCONTEXT
#include <ucontext.h>
#endif

struct context {
	char *sp; /* nothing below it is in use while the stack does not run */
#ifdef POSTERN_SWITCH_UCONTEXT
	ucontext_t registers;
#endif
};

/* ENTRY runs on the SIZE bytes at STACK at the first switch there; it must not return. STACK + SIZE
 * is 16-aligned. */
void context_init(struct context *c, char *stack, size_t size, void (*entry)(void));
/* Leaves FROM, which is running, and goes on in TO. Returns when somebody switches to FROM. */
void context_switch(struct context *from, struct context *to);

#endif
