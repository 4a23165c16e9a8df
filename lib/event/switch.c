/*
 * The first frame of a new stack, and the fallback for machines without a switch of our own. Called
 * by fiber.c alone. It owns nothing. The layout made here is what switch_x86_64.S and
 * switch_aarch64.S take off a stack: change them together.
 */
#include "config.h"

#include "event/switch.h"

#ifdef POSTERN_SWITCH_UCONTEXT

/* More than the frames of context_switch and swapcontext: they lie below the frame address that we
 * can ask for. */
#define FRAMES_BELOW 4096

void
context_init(struct context *c, char *stack, size_t size, void (*entry)(void))
{
	int failed = getcontext(&c->registers);

	assert(failed == 0);
	c->registers.uc_stack.ss_sp = stack;
	c->registers.uc_stack.ss_size = size;
	c->registers.uc_link = NULL;
	makecontext(&c->registers, entry, 0);
	c->sp = stack + size;
}

void
context_switch(struct context *from, struct context *to)
{
	int failed;

	from->sp = (char *)__builtin_frame_address(0) - FRAMES_BELOW;
	failed = swapcontext(&from->registers, &to->registers);
	assert(failed == 0);
}

#else

#ifdef __x86_64__
#define WORDS \
	8 /* r15 r14 r13 r12 rbx rbp, the address to go on at, and one that ends a backtrace */
#define WORD_IP 6
#else
#define WORDS	20 /* d8-d15 x19-x28 x29 x30; the last is the address to go on at */
#define WORD_IP 19
#endif

void context_switch_sp(char **save, char *load);

void
context_init(struct context *c, char *stack, size_t size, void (*entry)(void))
{
	uintptr_t *frame = (uintptr_t *)(void *)(stack + size) - WORDS;

	assert(((uintptr_t)(stack + size) & 15) == 0);
	for (size_t i = 0; i < WORDS; i++)
		frame[i] = 0;
	frame[WORD_IP] = (uintptr_t)entry;
	c->sp = (char *)frame;
}

void
context_switch(struct context *from, struct context *to)
{
	context_switch_sp(&from->sp, to->sp);
}

#endif
