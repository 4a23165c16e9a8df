/*
 * A report's header and its text, and the parts in their order: RFC 3464 2, RFC 6522 3, RFC 3834 5
 * (Auto-Submitted). Called by report.c. The text says to people what the status part says to
 * programs. All of it is made of what qmgr told; nothing in the returned message is looked at.
 */
#include "config.h"

#include "base/rand.h"
#include "message/addrlist.h"
#include "message/received.h"
#include "qmgr/bounce/bounce.h"

#define HEADER_MOST (16u << 10)
#define TEXT_MOST   (16u << 10) /* of what is said of one recipient */
#define COLUMNS	    76

/* The boundary must not stand in the message: 64 bits that its sender could not know. */
static void
put_boundary(struct notice *n)
{
	str_printf(&n->boundary, "%.*s.%016llx/%.*s", SPAN_ARG(n->queue_id),
	    (unsigned long long)rand_u64(), SPAN_ARG(span_head(n->conf->myhostname, 40)));
}

static void
put_mail_fields(struct notice *n, struct str *out)
{
	const struct received received = {
		.by = n->conf->myhostname,
		.mail_name = n->conf->mail_name,
		.id = n->queue_id,
		.wall_ns = n->now,
	};
	const struct address from = { .local = span_lit("MAILER-DAEMON"),
		.domain = n->conf->myhostname };
	struct str to = STR_INIT(LIMIT_ADDRESS + 2);

	received_put(out, &received);
	str_puts(out, "Date: ");
	time_put_rfc5322(out, n->now);
	str_puts(out, "\r\nFrom: ");
	addrlist_put(out, span_lit("Mail Delivery System"), &from);
	str_puts(out, "\r\n");
	header_put(out, span_lit("Subject"),
	    span_str(n->postmaster ? n->kind->copy_subject : n->kind->subject));
	notice_put_plain(n, &to, n->to);
	header_put(out, span_lit("To"), str_span(&to));
	str_puts(out, "Auto-Submitted: auto-replied\r\n");
	str_printf(out, "Message-ID: <%.*s@%.*s>\r\n", SPAN_ARG(n->queue_id),
	    SPAN_ARG(n->conf->myhostname));
	str_free(&to);
}

static void
put_header(struct notice *n)
{
	bool eight_bit = !n->encode && n->msg->flags & (MESSAGE_8BIT | MESSAGE_SMTPUTF8);
	struct str out = STR_INIT(HEADER_MOST);

	put_mail_fields(n, &out);
	str_printf(&out,
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%.*s\"\r\n",
	    SPAN_ARG(str_span(&n->boundary)));
	if (eight_bit)
		str_puts(&out, "Content-Transfer-Encoding: 8bit\r\n");
	str_puts(&out, "\r\nThis is a MIME-encapsulated message.\r\n\r\n");
	posting_put(&n->posting, str_span(&out));
	str_free(&out);
}

/* TEXT in lines of COLUMNS, later ones indented; *COL is where it begins. */
static void
put_wrapped(struct str *out, size_t col, struct span text)
{
	struct span word;
	bool first = true;

	while (span_token(&text, span_lit(" \t\r\n"), &word)) {
		if (!first && col + 1 + word.n > COLUMNS) {
			str_puts(out, "\r\n   ");
			col = 3;
		}
		str_putc(out, ' ');
		str_put(out, word);
		col += 1 + word.n;
		first = false;
	}
	str_puts(out, "\r\n");
}

/* "<address> (expanded from <original>): what was said" */
static void
put_recipient(struct notice *n, struct part *part, const struct item_reported *r)
{
	struct str plain = STR_INIT(TEXT_MOST), out = STR_INIT(TEXT_MOST);

	str_puts(&out, "\r\n<");
	notice_put_plain(n, &out, r->address);
	str_putc(&out, '>');
	if (r->original.n > 0 && !span_eq_nocase(r->original, r->address)) {
		str_puts(&out, " (expanded from <");
		notice_put_plain(n, &out, r->original);
		str_puts(&out, ">)");
	}
	str_putc(&out, ':');
	notice_put_plain(n, &plain, r->text.n > 0 ? r->text : r->dsn);
	put_wrapped(&out, out.n - 2, str_span(&plain));
	part_put(part, str_span(&out));
	str_free(&plain);
	str_free(&out);
}

static void
put_text(struct notice *n)
{
	struct str out = STR_INIT(TEXT_MOST);
	struct part part;

	part_begin(&part, n, "Notification",
	    n->utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", n->utf8);
	str_printf(
	    &out, "This is the mail system at host %.*s.\r\n\r\n", SPAN_ARG(n->conf->myhostname));
	str_put(&out, n->kind->words);
	str_printf(&out, "\r\n                   The mail system (%.*s)\r\n",
	    SPAN_ARG(n->conf->mail_name));
	part_put(&part, str_span(&out));
	str_free(&out);
	for (uint32_t i = 0; i < n->msg->recipients.n; i++)
		put_recipient(n, &part, &n->msg->recipients.v[i]);
	part_end(&part);
}

enum verdict
notice_compose(struct notice *n, struct err *err)
{
	struct str end = STR_INIT(256);
	enum verdict v;

	put_boundary(n);
	put_header(n);
	put_text(n);
	status_put(n);
	v = original_put(n, err);
	str_printf(&end, "--%.*s--\r\n", SPAN_ARG(str_span(&n->boundary)));
	posting_put(&n->posting, str_span(&end));
	str_free(&end);
	return v;
}
