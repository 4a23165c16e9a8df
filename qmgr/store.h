/*
 * The directory of queue files: new files without a name, kept in stock; names; removal. Calls
 * marked "any thread" are jobs of the pool: they touch the store's constant parts and the kernel
 * alone.
 */
#ifndef QMGR_STORE_H
#define QMGR_STORE_H

#include "base/err.h"
#include "event/pool.h"

struct store;

/* A file that is no message yet. Our own description reads and writes; the other is for who writes
 * the content. */
struct store_file {
	int fd;
	int append_fd; /* O_WRONLY | O_APPEND; -1 once it was given away */
	uint64_t tmp;  /* named "tmp.<number>", where files without a name cannot be had; 0: it has
			  no name */
};

#define STORE_NO_FILE                     \
	(struct store_file)               \
	{                                 \
		.fd = -1, .append_fd = -1 \
	}

/* DIR: the queue; PROC_FD: /proc/self/fd. Both stay the caller's. NAMED: as if the file system had
 * no O_TMPFILE. */
struct store *store_new(struct pool *pool, int dir, int proc_fd, bool named);
/* After the pool's jobs have ended; the stock goes. */
void store_free(struct store *s);
int store_dir(const struct store *s);

/* One from the stock, 1,024 bytes long; false when it is empty: then store_take waits. */
bool store_try_take(struct store *s, struct store_file *out);
/* VERDICT_TEMP: none could be made (452 when the disk is full), VERDICT_TIMEOUT, VERDICT_CANCELLED.
 */
SUSPENDS enum verdict store_take(
    struct store *s, struct store_file *out, uint64_t deadline, struct err *err);
/* Gives it up; closing and unlinking are done in the pool. */
void store_drop(struct store *s, struct store_file *file);

/* Any thread: the same, at once. */
void store_close(const struct store *s, struct store_file *file);
/* Any thread: FILE is the message ID from here on. 0 or errno: EEXIST when there is one. */
int store_name(const struct store *s, struct store_file *file, const char *id);
/* Any thread. 0 or errno. */
int store_unlink(const struct store *s, const char *id);
/* Any thread: descriptor of the message, or -1 with errno. FLAGS: O_RDONLY, O_WRONLY, O_RDWR. */
int store_open(const struct store *s, const char *id, int flags);
/* Any thread: our read-only description of a file we still hold, whether it has a name or not. */
int store_reopen(const struct store *s, const struct store_file *file, const char *id);

/* Any thread: a "tmp.<n>" of an earlier life goes; true when NAME is a "tmp.<n>" at all. */
bool store_sweep(const struct store *s, const char *name);

/* 452 4.3.1 for a full disk, 451 4.3.0 for all else. */
enum verdict store_error(struct err *err, int sys, const char *what);

#endif
