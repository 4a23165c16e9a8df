/*
 * Stacks of fibers: mapped with a guard page below, kept for the next fiber in a small cache, and
 * trimmed while a fiber waits long. Called by fiber.c and loop.c. An idle session thus costs the
 * page its frames lie on. The sweep runs only while a fiber waits that has not been trimmed: a
 * process in which nothing happens is not woken by it. LIMIT_FIBER_STACK is the size; nothing here
 * may touch a stack that is running.
 */
#include "config.h"

#include <sys/mman.h>

#include "event/loop_internal.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id)	    (void)(id)
#endif

#if defined(POSTERN_SANITIZED) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define STACK_SCALE 4 /* redzones make each frame larger */
#else
#define ASAN_UNPOISON_MEMORY_REGION(p, n) (void)(p)
#define STACK_SCALE			  1
#endif

#define SWEEP_EVERY (2 * NS_PER_S)
#define TRIM_AFTER                                                                             \
	(2 * NS_PER_S) /* giving pages back and faulting them in again costs some us: not in a \
			  dialogue */

/* A cached stack, described at its own top. */
struct cached {
	struct list link;
	struct stack stack;
};

static bool
stack_map(const struct loop *l, struct stack *out)
{
	size_t size = (size_t)LIMIT_FIBER_STACK * STACK_SCALE;
	char *map = mmap(NULL, l->page + size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return false;
	if (mprotect(map, l->page, PROT_NONE) != 0) {
		munmap(map, l->page + size);
		return false;
	}
	*out = (struct stack){ .map = map, .guard = l->page, .size = size };
	out->valgrind_id = VALGRIND_STACK_REGISTER(map + l->page, map + l->page + size);
	return true;
}

static void
stack_unmap(const struct stack *stack)
{
	VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
	munmap(stack->map, stack->guard + stack->size);
}

bool
stack_get(struct loop *l, struct stack *out)
{
	struct list *node = list_pop(&l->stacks);

	if (!node)
		return stack_map(l, out);
	l->stack_count--;
	*out = LIST_ITEM(node, struct cached, link)->stack;
	return true;
}

void
stack_put(struct loop *l, const struct stack *stack)
{
	struct stack kept = *stack; /* STACK may lie in what is overwritten here */
	char *base = kept.map + kept.guard;
	struct cached *cached = (void *)(base + kept.size - sizeof(*cached));

	/* The frames of a fiber that has ended were never left: their redzones are still marked. */
	ASAN_UNPOISON_MEMORY_REGION(base, kept.size);
	if (l->stack_count == LIMIT_FIBER_CACHE) {
		stack_unmap(&kept);
		return;
	}
	cached->stack = kept;
	list_push_front(&l->stacks, &cached->link);
	l->stack_count++;
}

void
stack_drop_cache(struct loop *l)
{
	struct stack stack;

	while (l->stack_count) {
		stack_get(l, &stack);
		stack_unmap(&stack);
	}
}

void
stack_trim(const struct loop *l, const struct stack *stack, const char *sp)
{
	char *from = stack->map + stack->guard;
	size_t n = (size_t)(sp - from) & ~(l->page - 1);

	if (n)
		madvise(from, n, MADV_DONTNEED);
}

void
stack_sweep_later(struct loop *l)
{
	if (l->sweep.node.place == 0)
		timer_set(&l->sweep, l->now + SWEEP_EVERY);
}

void
stack_sweep(void *loop)
{
	struct loop *l = loop;
	bool again = false;

	list_foreach (node, after, &l->all) {
		struct fiber *f = LIST_ITEM(node, struct fiber, all);

		if (f->trimmed)
			continue;
		if (f->state == FIBER_WAITING && l->now - f->waiting_since >= TRIM_AFTER) {
			stack_trim(l, &f->stack, f->context.sp);
			f->trimmed = true;
		} else {
			again = true;
		}
	}
	if (again)
		stack_sweep_later(l);
}
