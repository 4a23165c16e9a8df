/*
 * A queue file read and judged by its descriptor, on any thread. What may be deleted: a file whose
 * sync round did not end before a crash, whose sender was told nothing. Its head, its record or its
 * content then do not match their check values, and it bears no mark of acknowledgement and no
 * slot. Whatever bears one was acknowledged; when it is unreadable it was damaged later.
 */
#ifndef QUEUE_VERIFY_H
#define QUEUE_VERIFY_H

#include "queue/file.h"

/* What was read; texts of ENV point into RECORD. */
struct file_parts {
	struct file_head head;
	uint32_t flags; /* enum file_flag; of a head that is damaged, a careful guess */
	struct str record;
	struct envelope env;
	size_t envelope_size; /* bytes of the record before the recipients */
};

void file_parts_init(struct file_parts *p);
void file_parts_free(struct file_parts *p);
/* Head, state and record of the message ID. VERDICT_TEMP: the disk did not let us see;
 * VERDICT_PERM: damaged, or another message's. */
enum verdict file_verify_parts(int fd, struct span id, struct file_parts *out, struct err *err);
/* Its slots I to I + N - 1 into OUT; beyond the end of the file there are none. */
enum verdict file_read_slots(
    int fd, const struct file_head *head, uint32_t i, uint32_t n, struct str *out, struct err *err);
/* All of the content against its check value; verdicts as above. */
enum verdict file_verify_content(int fd, const struct envelope *env, struct err *err);

#endif
