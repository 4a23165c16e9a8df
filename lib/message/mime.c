/*
 * The MIME parser: RFC 2046 5.1 and 5.2 over lines. Called by imapd, the mailbox index and filters;
 * fed by them. Owns the header block it is reading, the begin of a line that a piece cut, and the
 * stack of open boundaries; the tree lies in the caller's arena. Each line is looked at once: for a
 * boundary if it begins with "--", else only for its end. Depth, part count and boundaries are
 * limited by LIMIT_MIME_*; nothing here recurses or fails.
 */
#include "config.h"

#include "base/limits.h"
#include "base/mem.h"
#include "message/header.h"
#include "message/mime.h"
#include "message/mime_header.h"

/* A place in the message, counted three ways. */
struct place {
	uint64_t at;
	uint64_t crlf;
	uint64_t lines;
};

struct boundary {
	struct mime_part *part; /* the multipart */
	struct span text;
	uint32_t hash;
};

struct mime {
	struct arena *arena;
	struct mime_part *root;
	struct mime_part *part; /* the innermost that is open; in its header, its body, or
				   (multipart) between its parts */
	bool in_header;
	bool limited;
	size_t parts;
	size_t depth;	       /* of `part` */
	struct place place;    /* of what comes next */
	struct place line_end; /* before the last line end */
	struct place opened;   /* where the header (in_header) of `part` began */

	bool in_line; /* the line's begin has been seen; its rest is only counted, or kept as header
		       */
	bool keep_rest;	   /* ... as header */
	bool header_due;   /* this line ends the header */
	bool part_due;	   /* this line is a boundary that opens a part */
	bool cr;	   /* the last byte was a CR */
	bool header_begun; /* a field has been seen */
	struct str header;
	struct str held; /* the begin of a line, cut by the end of a piece */

	size_t boundaries;
	struct boundary boundary[LIMIT_MIME_DEPTH];
};

#define HASH_START 2166136261u /* FNV-1a */
#define HASH_PRIME 16777619u

static void
header_start(struct mime *m)
{
	m->in_header = true;
	m->header_begun = false;
	m->opened = m->place;
	str_reset(&m->header);
}

/* Opens a part in PARENT (NULL: the root) at this place. False: a limit is reached. */
static bool
part_open(struct mime *m, struct mime_part *parent)
{
	struct mime_part *p = NULL;

	if (m->parts < LIMIT_MIME_PARTS)
		p = arena_alloc(m->arena, sizeof(*p));
	if (!p) {
		m->limited = true;
		return false;
	}
	m->parts++;
	m->depth++;
	p->parent = parent;
	p->header.at = m->place.at;
	if (!parent) {
		m->root = p;
	} else if (!parent->child) {
		parent->child = p;
		parent->last = p;
	} else {
		parent->last->next = p;
		parent->last = p;
	}
	m->part = p;
	header_start(m);
	return true;
}

static struct mime_extent
extent_between(struct place from, struct place to)
{
	return (struct mime_extent){ from.at, to.at - from.at, to.crlf - from.crlf,
		to.lines - from.lines };
}

static uint32_t
hash_step(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)c) * HASH_PRIME;
}

static void
boundary_push(struct mime *m, struct mime_part *p, struct span text)
{
	struct boundary *b = &m->boundary[m->boundaries++];

	b->part = p;
	b->text = text;
	b->hash = HASH_START;
	for (size_t i = 0; i < text.n; i++)
		b->hash = hash_step(b->hash, text.p[i]);
}

/*
 * The open boundary that LINE begins with, by its index; m->boundaries when there is none. The
 * line's bytes are hashed once, so what it costs does not depend on how much the open boundaries
 * have in common.
 */
static size_t
boundary_find(const struct mime *m, struct span line)
{
	uint32_t hash[LIMIT_MIME_BOUNDARY + 1];
	size_t n = size_min(line.n, LIMIT_MIME_BOUNDARY + 2);
	size_t best = m->boundaries;
	size_t best_size = 0;

	if (m->boundaries == 0 || n < 2 || line.p[0] != '-' || line.p[1] != '-')
		return m->boundaries;
	line = span_from(line, 2);
	n -= 2;
	hash[0] = HASH_START;
	for (size_t i = 0; i < n; i++)
		hash[i + 1] = hash_step(hash[i], line.p[i]);
	for (size_t i = 0; i < m->boundaries; i++) {
		const struct boundary *b = &m->boundary[i];

		if (b->text.n > n || b->text.n < best_size || hash[b->text.n] != b->hash)
			continue;
		if (memcmp(line.p, b->text.p, b->text.n) != 0)
			continue;
		best = i;
		best_size = b->text.n;
	}
	return best;
}

/* Past the header: notes what the part is, and opens the message in it, if it is one. */
static void
header_finish(struct mime *m)
{
	struct mime_part *p = m->part;
	struct span boundary = { 0 };

	p->header = extent_between(m->opened, m->place);
	/* Sizes are filled in when the part is closed; till then they hold where the body began. */
	p->body = (struct mime_extent){ m->place.at, 0, m->place.crlf, m->place.lines };
	m->in_header = false;
	if (!mime_header_read(
		p, str_span(&m->header), m->arena, m->depth < LIMIT_MIME_DEPTH, &boundary))
		m->limited = true;
	if (p->kind == MIME_MULTIPART)
		boundary_push(m, p, boundary);
	else if (p->kind == MIME_MESSAGE && !part_open(m, p))
		mime_header_make_opaque(p);
}

static void
part_close(struct mime *m, struct place end)
{
	struct mime_part *p = m->part;
	struct place from = { p->body.at, p->body.crlf_size, p->body.lines };

	/* The line end that belongs to the boundary may have been the header's last. */
	p->body = extent_between(from, end.at < from.at ? from : end);
	m->part = p->parent;
	m->depth--;
}

/* Closes all that is open within TO, which stays open; NULL: everything. */
static void
parts_close(struct mime *m, const struct mime_part *to, struct place end)
{
	while (m->in_header)
		header_finish(m);
	while (m->part != to)
		part_close(m, end);
}

static void
boundary_line(struct mime *m, size_t index, struct span line)
{
	const struct boundary *b = &m->boundary[index];

	parts_close(m, b->part, m->line_end);
	if (span_starts(span_from(line, 2 + b->text.n), span_lit("--")))
		m->boundaries = index;
	else
		m->boundaries = index + 1;
	m->part_due = m->boundaries > index;
}

static void
header_keep(struct mime *m, struct span bytes)
{
	size_t room = LIMIT_HEADER_BLOCK - m->header.n;

	/* Filled to the last byte, so that it does not depend on how the text was cut. */
	str_put(&m->header, span_head(bytes, room));
	m->limited |= bytes.n > room;
}

/* False: the line is not of this header, which has ended before it. */
static bool
header_line(struct mime *m, struct span line)
{
	enum header_line kind = header_line_kind(line, m->header_begun);

	if (kind == HEADER_LINE_UNDECIDED || kind == HEADER_LINE_OTHER) {
		header_finish(m);
		return false;
	}
	m->header_due = kind == HEADER_LINE_EMPTY;
	m->header_begun |= kind == HEADER_LINE_FIELD;
	m->keep_rest = true;
	header_keep(m, line);
	return true;
}

static void
line_begin(struct mime *m, struct span line)
{
	m->keep_rest = false;
	for (;;) {
		size_t index = boundary_find(m, line);

		if (index < m->boundaries) {
			boundary_line(m, index, line);
			return;
		}
		/* A header that ends without an empty line may have opened the boundary that this
		 * line is. */
		if (!m->in_header || header_line(m, line))
			return;
	}
}

/* The line that a boundary or the end of a header was on has ended. */
static void
line_finish(struct mime *m)
{
	m->in_line = false;
	if (m->part_due) {
		m->part_due = false;
		part_open(m, m->part);
	} else if (m->header_due) {
		m->header_due = false;
		header_finish(m);
	}
}

/* Counts BYTES, which are within one line or end it. */
static void
place_advance(struct mime *m, struct span bytes)
{
	char last = bytes.p[bytes.n - 1];
	bool pair = bytes.n > 1 ? bytes.p[bytes.n - 2] == '\r' : m->cr;

	m->place.at += bytes.n;
	m->place.crlf += bytes.n;
	m->cr = last == '\r';
	if (last != '\n')
		return;
	m->place.crlf += !pair;
	m->line_end = m->place;
	m->line_end.at -= pair ? 2 : 1;
	m->line_end.crlf -= 2;
	m->place.lines++;
}

/* A line's begin: all of it, or LIMIT_MIME_LINE bytes at least, or what cannot matter. */
static void
line_feed(struct mime *m, struct span line)
{
	line_begin(m, line);
	place_advance(m, line);
	m->in_line = true;
	if (line.p[line.n - 1] == '\n')
		line_finish(m);
}

static void
rest_feed(struct mime *m, struct span bytes)
{
	if (m->keep_rest)
		header_keep(m, bytes);
	place_advance(m, bytes);
	if (bytes.p[bytes.n - 1] == '\n')
		line_finish(m);
}

/* The begin of a line that may turn out to be a boundary or of a header has to be seen in one. */
static bool
must_hold(const struct mime *m, struct span begin)
{
	if (begin.n >= LIMIT_MIME_LINE)
		return false;
	return m->in_header || (m->boundaries > 0 && begin.p[0] == '-');
}

/* PIECE: of one line, to its end or to the end of what was fed. */
static void
piece_feed(struct mime *m, struct span piece)
{
	bool ended = piece.p[piece.n - 1] == '\n';
	struct span more;

	if (m->in_line) {
		rest_feed(m, piece);
		return;
	}
	if (m->held.n == 0 && (ended || !must_hold(m, piece))) {
		line_feed(m, piece);
		return;
	}
	more = span_from(piece, LIMIT_MIME_LINE - m->held.n);
	piece = span_head(piece, LIMIT_MIME_LINE - m->held.n);
	str_put(&m->held, piece);
	if (must_hold(m, str_span(&m->held)) && !ended)
		return;
	line_feed(m, str_span(&m->held));
	str_reset(&m->held);
	if (more.n > 0)
		rest_feed(m, more);
}

struct mime *
mime_new(struct arena *arena)
{
	struct mime *m = mem_alloc(sizeof(*m));

	m->arena = arena;
	str_init(&m->header, LIMIT_HEADER_BLOCK);
	str_init(&m->held, LIMIT_MIME_LINE);
	part_open(m, NULL);
	return m;
}

void
mime_feed(struct mime *m, struct span bytes)
{
	while (bytes.n > 0 && m->root) {
		const char *lf = memchr(bytes.p, '\n', bytes.n);
		size_t n = lf ? (size_t)(lf - bytes.p) + 1 : bytes.n;

		piece_feed(m, span_head(bytes, n));
		bytes = span_from(bytes, n);
	}
}

const struct mime_part *
mime_finish(struct mime *m)
{
	if (!m->root)
		return NULL;
	/* A boundary without a line end opens nothing: there is nothing after it. */
	if (m->held.n > 0)
		line_feed(m, str_span(&m->held));
	str_reset(&m->held);
	parts_close(m, NULL, m->place);
	return m->root;
}

bool
mime_limited(const struct mime *m)
{
	return m->limited;
}

void
mime_free(struct mime *m)
{
	if (!m)
		return;
	str_free(&m->header);
	str_free(&m->held);
	mem_free(m);
}

const struct mime_part *
mime_parse(struct span message, struct arena *arena)
{
	struct mime *m = mime_new(arena);
	const struct mime_part *root;

	mime_feed(m, message);
	root = mime_finish(m);
	mime_free(m);
	return root;
}
