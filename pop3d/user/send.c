/*
 * A message on its way to the client: LF becomes CR LF, dots are stuffed (RFC 1939 3), blocks are
 * written as wholes. Called by RETR and TOP. Owns the file while it is read. A message that has
 * changed on disk since its size was told, or cannot be read, gets an -ERR; one that becomes
 * shorter while it is sent ends the session amid the reply: no part is ever passed off as the
 * whole. A client that has not said UTF8 gets a surrogate of a header that holds UTF-8.
 */
#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/utf8.h"
#include "message/header.h"
#include "message/lines.h"
#include "pop3d/user/popuser.h"

#define BLOCK	       65536 /* bytes read at a time; of a header, how far it is looked into */
#define SURROGATE_MOST (8 * BLOCK) /* bytes: encoded words are five times as long at worst */

struct sending {
	int fd;
	uint64_t size; /* of the file, when it was opened */
	uint64_t at;   /* bytes read */
	char *block;
	size_t block_n;
	struct span in; /* of the block: read and not yet sent */

	struct str surrogate; /* to be sent in place of the header, if it is not empty */

	/* TOP */
	bool whole;
	bool done;
	struct header_scan scan;
	uint64_t fed;
	uint64_t lines;
};

/* The next block; VERDICT_TEMP: the file is shorter than it was, or cannot be read. */
static enum verdict
block_read(struct sending *x, struct err *err)
{
	size_t n = size_min(x->block_n, x->size - x->at);
	ssize_t got = sys_pread_all(x->fd, x->block, n, (off_t)x->at);

	if (got < 0)
		return err_sys(err, errno, "read message");
	if ((size_t)got < n)
		return err_set(err, VERDICT_TEMP, "the message became shorter while it was read");
	x->at += n;
	x->in = span_of(x->block, n);
	return VERDICT_OK;
}

/*
 * RFC 6856 2.1: are there UTF-8 characters in the header? Bytes that are no UTF-8 make a header
 * malformed in any mode: such mail is given as it is, as it always was.
 */
static bool
needs_utf8(struct span header)
{
	unsigned char all = 0;

	for (size_t i = 0; i < header.n; i++)
		all |= (unsigned char)header.p[i];
	/* The block may end within a character: that one is not looked at. */
	return all >= 0x80 && utf8_valid(span_head(header, utf8_cut(header, header.n - 1)));
}

/* For a client that has not said UTF8. */
static enum verdict
sending_make_ascii(struct sending *x, struct err *err)
{
	size_t n = header_size(x->in);

	if (!needs_utf8(span_head(x->in, n)))
		return VERDICT_OK;
	if (n == BLOCK || !surrogate_put(&x->surrogate, span_head(x->in, n)))
		return err_set(err, VERDICT_PERM, "[UTF8] UTF8 has to be said before the login");
	x->in = span_from(x->in, n);
	x->scan.done = true;
	return VERDICT_OK;
}

/* Opens the file and reads its begin. */
static enum verdict
sending_begin(struct sending *x, struct session *s, struct maildrop_message *m, struct err *err)
{
	struct mailbox *mb = s->user->mailbox;
	enum verdict v = maildrop_check(&s->drop, err);
	struct stat st;

	if (v == VERDICT_OK)
		v = mailbox_open_message(mb, m->uid, &x->fd, err);
	if (v == VERDICT_ABSENT)
		m->marks |= MAILDROP_GONE;
	if (v != VERDICT_OK)
		return v;
	if (fstat(x->fd, &st) != 0)
		return err_sys(err, errno, "look at message");
	x->size = (uint64_t)st.st_size;
	if (x->size != m->disk) {
		m->disk = x->size;
		m->marks &= ~(unsigned)MAILDROP_COUNTED;
		(void)mailbox_measure_again(mb, m->uid, NULL);
		return err_set(err, VERDICT_TEMP,
		    "the message was changed by another program: LIST tells its size now");
	}
	x->block_n = size_min(BLOCK, x->size);
	x->block = mem_alloc(x->block_n);
	v = block_read(x, err);
	return v == VERDICT_OK && !s->utf8 ? sending_make_ascii(x, err) : v;
}

/* TOP: how much of BYTES the reply is to hold; says done when that was all. */
static size_t
top_take(struct sending *x, struct span bytes)
{
	size_t at = 0;

	if (!x->scan.done) {
		header_scan_feed(&x->scan, bytes);
		if (!x->scan.done) {
			x->fed += bytes.n;
			return bytes.n;
		}
		at = x->scan.size > x->fed ? (size_t)(x->scan.size - x->fed) : 0;
	}
	x->fed += bytes.n;
	for (; x->lines > 0 && at < bytes.n; x->lines--) {
		at += size_min(span_find(span_from(bytes, at), '\n') + 1, bytes.n - at);
		if (bytes.p[at - 1] != '\n')
			break;
	}
	x->done = x->lines == 0;
	return at;
}

/* All of the block that is to go, in the form of the wire. */
SUSPENDS static enum verdict
block_write(struct sending *x, struct lines *lines, struct str *out, struct stream *io)
{
	struct span in = x->whole ? x->in : span_head(x->in, top_take(x, x->in));

	str_reset(out);
	lines_put(lines, str_span(&x->surrogate), out);
	str_reset(&x->surrogate);
	lines_put(lines, in, out);
	assert(!out->full);
	return stream_write(io, str_span(out));
}

/* After +OK. Any verdict but VERDICT_OK: the client has part of the message. */
SUSPENDS static enum verdict
content_write(struct sending *x, struct stream *io, uint64_t *bytes_out, struct err *err)
{
	struct lines lines = lines_start(LINES_POP3);
	struct str out = STR_INIT(SURROGATE_MOST + 3 * BLOCK);
	struct span run;
	enum verdict v;

	str_reserve(&out, x->block_n + x->block_n / 16 + 16);
	for (;;) {
		v = block_write(x, &lines, &out, io);
		*bytes_out += out.n;
		if (v != VERDICT_OK || x->done || x->at == x->size)
			break;
		v = block_read(x, err);
		if (v != VERDICT_OK)
			break;
	}
	while (v == VERDICT_OK && lines_end(&lines, &run))
		v = stream_write(io, run);
	str_free(&out);
	return v;
}

SUSPENDS enum verdict
message_send(struct session *s, struct maildrop_message *m, bool whole, uint64_t lines,
    uint64_t *bytes_out, struct err *err)
{
	struct sending x = {
		.fd = -1, .whole = whole, .lines = lines, .surrogate = STR_INIT(SURROGATE_MOST)
	};
	enum verdict v;

	maildrop_measure(&s->drop, m);
	v = sending_begin(&x, s, m, err);
	if (v == VERDICT_OK) {
		if (x.surrogate.n > 0)
			pop3_ok(s->io, "a surrogate follows");
		else if (whole)
			pop3_ok(s->io, "%llu octets", (unsigned long long)m->size);
		else
			pop3_ok(s->io, "the top follows");
		v = content_write(&x, s->io, bytes_out, err);
		if (v == VERDICT_TEMP)
			log_event(LOG_LEVEL_ERROR, "user=<%s>: message %u of INBOX: %s",
			    log_escape(s->from->login), m->uid, err->text);
		if (v != VERDICT_OK) {
			s->over = true;
			s->ended = v == VERDICT_TEMP ? "broken off" : "lost connection";
			v = VERDICT_EOF;
		}
	}
	if (x.fd >= 0)
		sys_close(x.fd);
	mem_free(x.block);
	str_free(&x.surrogate);
	return v;
}
