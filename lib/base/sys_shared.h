/*
 * The shared plan of faults: a file that a test makes and maps, and that each process of a suite
 * maps, too (POSTERN_FAULT_MAP names it). The test orders a fault in one kind of process while all
 * of them run, sees how many calls have been made and whether it came, and reads the records of all
 * processes in the order of their calls. For sys_fault.c alone; tests/crash/faultmap.py knows the
 * layout. POSTERN_PROOF builds only.
 */
#ifndef BASE_SYS_SHARED_H
#define BASE_SYS_SHARED_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/span.h"

#define SYS_SHARED_MAGIC "psfault1"

enum {
	SYS_ORDERS = 8,
	SYS_PROGRAM = 32, /* bytes of a program's name, with its NUL */
};

struct sys_order {
	char program[SYS_PROGRAM];
	_Atomic uint32_t armed; /* not 0: it holds; the test sets it last */
	uint32_t kinds;		/* the calls that count, a bit each */
	int32_t error;		/* 0: SIGKILL */
	uint32_t many;		/* calls that fail from then on */
	uint64_t at;		/* the call that fails first, from 1; 0: they are only counted */
	_Atomic uint64_t count;
	_Atomic uint32_t fired;
	uint32_t unused[15];
};

struct sys_shared {
	char magic[8];
	uint64_t size;
	uint64_t log_at; /* 0: no records */
	_Atomic uint64_t log_end;
	uint64_t unused[4];
	struct sys_order orders[SYS_ORDERS];
};
_Static_assert(sizeof(struct sys_order) == 128, "tests/crash/faultmap.py");
_Static_assert(offsetof(struct sys_shared, orders) == 64, "tests/crash/faultmap.py");

/* Maps the file, once, if the environment names one. A file that is not a plan ends the process. */
void sys_shared_open(void);
/*
 * A call whose kind is KIND is about to be made. -1: nothing is ordered; else the errno with which
 * it shall fail, 0 for the end of the process.
 */
int sys_shared_enter(unsigned kind);
/* Where the next record will stand; 0 when none are kept. */
uint64_t sys_shared_place(void);
/* Adds a record; one that does not fit any more is left out, which the test sees by the place. */
void sys_shared_record(struct span line);

#endif
