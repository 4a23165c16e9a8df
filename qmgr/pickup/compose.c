/*
 * The message out of a submission: our Received: first, then the header that its author wrote less
 * message_drop_headers, then the fields that RFC 5322 3.6 demands and it lacks (From:, Date:,
 * Message-ID:), then the body; all with CR LF. Called once a submission. The content is what a user
 * wrote, with any line ends and any bytes: a bare CR becomes a blank (ABUSE 3, 4), nothing else is
 * changed. Its CRC must be what the submission's end says.
 */
#include "config.h"

#include <errno.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "message/addrlist.h"
#include "message/lines.h"
#include "message/received.h"
#include "qmgr/pickup/pickup.h"

#define BLOCK	    65536
#define FIELDS_MOST (64u << 10) /* bytes of fields of ours */

struct composing {
	struct drop *d;
	const struct conf *conf;
	struct lines lines;
	struct str out;
	bool has_from, has_date, has_id;
	struct span message_id; /* as the author gave it */
};

/* TEXT in the form of the wire. */
static void
put_text(struct composing *c, struct span text)
{
	while (text.n > 0) {
		struct span piece = span_head(text, BLOCK);

		str_reset(&c->out);
		lines_put(&c->lines, piece, &c->out);
		posting_put(&c->d->posting, str_span(&c->out));
		text = span_from(text, piece.n);
	}
}

static bool
field_is_dropped(const struct conf *conf, struct span name)
{
	struct span rest = conf->message_drop_headers, one;

	while (conf_list_next(&rest, &one))
		if (span_eq_nocase(one, name))
			return true;
	return false;
}

static void
field_note(struct composing *c, const struct header_field *f)
{
	c->has_from = c->has_from || span_eq_nocase(f->name, span_lit("From"));
	c->has_date = c->has_date || span_eq_nocase(f->name, span_lit("Date"));
	c->d->hops += span_eq_nocase(f->name, span_lit("Received"));
	if (span_eq_nocase(f->name, span_lit("Message-ID"))) {
		c->has_id = true;
		c->message_id = span_trim(f->value);
	}
}

static void
put_received(struct composing *c)
{
	struct str mail_name = STR_INIT(256), text = STR_INIT(FIELDS_MOST);
	struct received received = {
		.by = c->conf->myhostname, .id = c->d->queue_id, .wall_ns = time_wall()
	};

	str_printf(
	    &mail_name, "%.*s, from userid %u", SPAN_ARG(c->conf->mail_name), (unsigned)c->d->uid);
	received.mail_name = str_span(&mail_name);
	received_put(&text, &received);
	posting_put(&c->d->posting, str_span(&text));
	str_free(&mail_name);
	str_free(&text);
}

/* The sender and his name; of the null sender: MAILER-DAEMON. */
static void
put_from(struct composing *c, struct str *text)
{
	struct span sender = c->d->sender, name = c->d->envelope.name, local, domain;
	struct address from = { .local = span_lit("MAILER-DAEMON"), .domain = c->conf->myhostname };
	struct err err = ERR_NONE;

	if (sender.n > 0 &&
	    address_parse(sender, PATH_UTF8 | PATH_NO_DOMAIN, &c->d->arena, &from, &err) !=
		VERDICT_OK &&
	    address_split(sender, &local, &domain))
		from = (struct address){ .local = local, .domain = domain };
	if (sender.n == 0)
		name = span_lit("Mail Delivery System");
	str_puts(text, "From: ");
	addrlist_put(text, name, &from);
	str_puts(text, "\r\n");
}

/* What RFC 5322 3.6 demands and the author has not written. */
static void
put_missing(struct composing *c)
{
	struct str text = STR_INIT(FIELDS_MOST);
	struct span id = c->message_id;

	if (!c->has_from)
		put_from(c, &text);
	if (!c->has_date) {
		str_puts(&text, "Date: ");
		time_put_rfc5322(&text, c->d->arrived);
		str_puts(&text, "\r\n");
	}
	if (!c->has_id)
		str_printf(&text, "Message-ID: <%.*s@%.*s>\r\n", SPAN_ARG(c->d->queue_id),
		    SPAN_ARG(c->conf->myhostname));
	posting_put(&c->d->posting, str_span(&text));
	if (c->has_id)
		log_event(LOG_LEVEL_INFO, "%s: message-id=%s", log_escape(c->d->queue_id),
		    log_escape(span_head(id, 998)));
	else
		log_event(LOG_LEVEL_INFO, "%s: message-id=<%s@%s>", log_escape(c->d->queue_id),
		    log_escape(c->d->queue_id), log_escape(c->conf->myhostname));
	str_free(&text);
}

/* HEADER ends with its empty line, or where the body begins without one. */
static void
put_header(struct composing *c, struct span header)
{
	struct header_reader r = header_read(header);
	struct header_field field;

	put_received(c);
	while (header_next(&r, &field)) {
		field_note(c, &field);
		if (field_is_dropped(c->conf, field.name))
			continue;
		put_text(c, field.whole);
		if (!span_ends(field.whole, span_lit("\n")))
			put_text(c, span_lit("\n"));
	}
	put_missing(c);
	posting_put(&c->d->posting, span_lit("\r\n"));
}

/* All of the header, and perhaps more, is in d->head. */
static enum verdict
header_fetch(struct drop *d, struct err *err)
{
	struct span text = span_from(str_span(&d->head), d->envelope.head_size);

	while (header_size(text) == text.n && d->head.n < d->size) {
		size_t n = size_min(BLOCK, d->size - d->head.n);
		char *room = text.n < LIMIT_HEADER_BLOCK ? str_reserve(&d->head, n) : NULL;

		if (!room)
			return err_set(err, VERDICT_PERM, "the header is too long");
		if (sys_pread_all(d->fd, room, n, (off_t)d->head.n) != (ssize_t)n)
			return err_set(err, VERDICT_TEMP, "it cannot be read");
		str_grew(&d->head, n);
		/* The envelope's spans point to where the head was. */
		submission_parse(str_span(&d->head), &d->envelope, err);
		text = span_from(str_span(&d->head), d->envelope.head_size);
	}
	return VERDICT_OK;
}

/* What follows d->head in the file. */
SUSPENDS
static enum verdict
put_rest(struct composing *c, uint32_t *crc, struct err *err)
{
	struct drop *d = c->d;
	char *block = mem_alloc(BLOCK);
	uint64_t at = d->head.n;
	enum verdict v = VERDICT_OK;

	while (v == VERDICT_OK && at < d->size) {
		size_t n = size_min(BLOCK, d->size - at);

		if (sys_pread_all(d->fd, block, n, (off_t)at) != (ssize_t)n) {
			v = err_set(err, VERDICT_TEMP, "it cannot be read");
			break;
		}
		*crc = crc32c(*crc, span_of(block, n));
		put_text(c, span_of(block, n));
		at += n;
		v = fiber_yield();
	}
	mem_free(block);
	return v;
}

SUSPENDS
enum verdict
drop_compose(struct drop *d, struct err *err)
{
	struct composing c = { .d = d,
		.conf = service_conf(d->pickup->ctx),
		.lines = lines_start(LINES_CRLF | LINES_FIX_CR) };
	struct span text, run;
	uint32_t crc = 0;
	size_t n;
	enum verdict v = header_fetch(d, err);

	if (v != VERDICT_OK)
		return v;
	str_init(&c.out, 3 * BLOCK);
	text = span_from(str_span(&d->head), d->envelope.head_size);
	n = header_size(text);
	put_header(&c, span_head(text, n));
	crc = crc32c(crc, str_span(&d->head));
	put_text(&c, span_from(text, n));
	v = put_rest(&c, &crc, err);
	while (lines_end(&c.lines, &run))
		posting_put(&d->posting, run);
	if (c.lines.mid_line)
		posting_put(&d->posting, span_lit("\r\n"));
	str_free(&c.out);
	if (v == VERDICT_OK && crc != d->crc)
		return err_set(err, VERDICT_PERM, "its checksum is not what its end says");
	return v;
}
