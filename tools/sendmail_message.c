/*
 * The message of sendmail: from standard input, past the dot that ends it, to postdrop. Runs
 * postdrop by its path, without a shell, and waits for it. Memory holds the header at most (with
 * -t); the rest is passed on in blocks. If anything goes wrong the end is not written, and postdrop
 * takes nothing.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/sys.h"
#include "message/header.h"
#include "tools/sendmail.h"
#include "tools/submit.h"

#define BLOCK 65536

extern char **environ;

struct passage {
	struct sendmail *sendmail;
	int to; /* postdrop's standard input */
	uint64_t size;
	uint32_t crc;
	struct str block;
	bool mid_line; /* the last block did not end a line */
	bool over;     /* end of input, or the dot */
	bool broken;   /* postdrop takes no more */
};

/* Where the line that is a dot alone begins in BYTES, with all of its end there; bytes.n: nowhere.
 */
static size_t
dot_find(struct span bytes, bool at_line)
{
	for (size_t at = 0; at < bytes.n; at_line = true) {
		struct span rest = span_from(bytes, at);

		if (at_line &&
		    (span_starts(rest, span_lit(".\n")) || span_starts(rest, span_lit(".\r\n"))))
			return at;
		at += span_find(rest, '\n') + 1;
	}
	return bytes.n;
}

static void
bytes_pass(struct passage *p, struct span bytes)
{
	if (bytes.n == 0 || p->broken)
		return;
	p->crc = crc32c(p->crc, bytes);
	p->size += bytes.n;
	p->broken = sys_write_all(p->to, bytes.p, bytes.n) < 0;
}

/* Reads more into the block. False: it cannot be read. */
static bool
block_fill(struct passage *p)
{
	char *room = str_reserve(&p->block, BLOCK);
	ssize_t n = room ? sys_read(STDIN_FILENO, room, BLOCK) : -1;

	if (n < 0)
		return false;
	str_grew(&p->block, (size_t)n);
	p->over = n == 0;
	return true;
}

/* A dot may come in two reads: what could be the begin of its line waits for more. */
static size_t
block_safe(const struct passage *p)
{
	struct span all = str_span(&p->block);
	size_t begin = span_rfind(all, '\n');
	struct span line = span_from(all, begin < all.n ? begin + 1 : 0);
	bool maybe = span_eq(line, span_lit(".")) || span_eq(line, span_lit(".\r"));

	if (p->over || p->sendmail->dots || !maybe || (begin == all.n && p->mid_line))
		return all.n;
	return all.n - line.n;
}

/* Takes the block as far as it goes; what is left waits for more. */
static void
block_pass(struct passage *p)
{
	size_t n = block_safe(p);
	struct span bytes = span_head(str_span(&p->block), n);
	size_t dot = p->sendmail->dots ? bytes.n : dot_find(bytes, !p->mid_line);

	p->over = p->over || dot < bytes.n;
	bytes = span_head(bytes, dot);
	bytes_pass(p, bytes);
	if (bytes.n > 0)
		p->mid_line = bytes.p[bytes.n - 1] != '\n';
	str_drop(&p->block, n);
}

/* -t: all of the header is needed before the first byte can go. */
static int
header_await(struct passage *p)
{
	struct sendmail *s = p->sendmail;
	struct header_scan scan = { 0 };
	struct err err = ERR_NONE;
	size_t seen = 0;

	while (!scan.done && !p->over) {
		if (p->block.n >= LIMIT_HEADER_BLOCK)
			return submit_fail(s->name, SUBMIT_DATA, "the header is too long");
		if (!block_fill(p))
			return submit_fail(
			    s->name, SUBMIT_IO, "cannot read the message: %s", strerror(errno));
		header_scan_feed(&scan, span_from(str_span(&p->block), seen));
		seen = p->block.n;
	}
	header_scan_end(&scan);
	if (!sendmail_extract(s, span_head(str_span(&p->block), (size_t)scan.size), &err))
		return submit_fail(s->name, SUBMIT_DATA, "%s", err.text);
	return SUBMIT_OK;
}

/* All that has to be right before postdrop is troubled. */
static int
head_make(struct passage *p, struct str *head)
{
	struct sendmail *s = p->sendmail;
	int status = s->extract ? header_await(p) : SUBMIT_OK;

	if (status != SUBMIT_OK)
		return status;
	if (s->recipients_n == 0)
		return submit_fail(s->name, SUBMIT_USAGE, "no recipients specified");
	if (!submission_put(head, &s->envelope) || !str_put(head, str_span(&s->recipients)) ||
	    !submission_put_head_end(head))
		return submit_fail(s->name, SUBMIT_DATA,
		    "the sender, a name or an option holds what it cannot, or all is too long");
	return SUBMIT_OK;
}

/* mbox's line is no part of a message (RFC 4155). */
static void
from_line_drop(struct passage *p)
{
	size_t n = span_find(str_span(&p->block), '\n');

	if (span_starts(str_span(&p->block), span_lit("From ")) && n < p->block.n)
		str_drop(&p->block, n + 1);
}

static int
message_pass(struct passage *p, struct span head)
{
	struct str end = STR_INIT(64);

	bytes_pass(p, head);
	for (bool first = true; !p->broken; first = false) {
		if (p->block.n == 0 && !p->over && !block_fill(p))
			return submit_fail(p->sendmail->name, SUBMIT_IO,
			    "cannot read the message: %s", strerror(errno));
		if (first)
			from_line_drop(p);
		block_pass(p);
		if (p->over)
			break;
		if (!block_fill(p))
			return submit_fail(p->sendmail->name, SUBMIT_IO,
			    "cannot read the message: %s", strerror(errno));
	}
	submission_put_end(&end, p->size, p->crc);
	p->broken = p->broken || sys_write_all(p->to, end.p, end.n) < 0;
	str_free(&end);
	return SUBMIT_OK;
}

static int
postdrop_start(struct sendmail *s, const char *postdrop, pid_t *pid_out, int *to_out)
{
	char *program = mem_strdup(span_str(postdrop)), option[] = "-c";
	char *config = mem_strdup(span_str(s->config_dir));
	char *argv[] = { program, s->config_given ? option : NULL, config, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], rc;

	if (pipe(ends) < 0)
		return submit_fail(s->name, SUBMIT_TEMP, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	rc = posix_spawn(pid_out, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	mem_free(program);
	mem_free(config);
	sys_close(ends[0]);
	*to_out = ends[1];
	if (rc == 0)
		return SUBMIT_OK;
	sys_close(ends[1]);
	return submit_fail(s->name, SUBMIT_UNAVAILABLE, "%s: %s", postdrop, strerror(rc));
}

int
sendmail_submit(struct sendmail *s, const char *postdrop)
{
	struct passage p = { .sendmail = s, .to = -1 };
	struct str head = STR_INIT(LIMIT_SUBMISSION_HEAD);
	int status, ended = 0;
	pid_t pid = -1;

	signal(SIGPIPE, SIG_IGN);
	str_init(&p.block, LIMIT_HEADER_BLOCK + 2 * BLOCK);
	status = head_make(&p, &head);
	if (status == SUBMIT_OK)
		status = postdrop_start(s, postdrop, &pid, &p.to);
	if (status == SUBMIT_OK) {
		status = message_pass(&p, str_span(&head));
		sys_close(p.to);
		while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
			;
	}
	str_free(&p.block);
	str_free(&head);
	if (status != SUBMIT_OK)
		return status;
	if (!WIFEXITED(ended))
		return submit_fail(s->name, SUBMIT_TEMP, "postdrop was killed");
	return WEXITSTATUS(ended);
}
