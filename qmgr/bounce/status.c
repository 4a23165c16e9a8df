/*
 * The part for programs: message/delivery-status (RFC 3464 2), or message/global-delivery-status
 * for mail that was SMTPUTF8 (RFC 6533 3). One group of fields about the message, one for each
 * recipient. Called by compose.c. What a peer said stays within its field, and is ASCII unless the
 * form allows more.
 */
#include "config.h"

#include "base/cclass.h"
#include "qmgr/bounce/bounce.h"

#define FIELDS_MOST (16u << 10) /* bytes of one group: five fields with the longest address */
#define VALUE_MOST  (2 * LIMIT_ADDRESS)

bool
notice_put_plain(const struct notice *n, struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool bad = cclass_is(c, CC_CTL) || (cclass_is(c, CC_8BIT) && !n->utf8);

		str_putc(out, bad ? '?' : c);
	}
	return !out->full;
}

/* "Name: type; value" */
static void
put_typed(struct notice *n, struct str *out, const char *name, const char *type, struct span value)
{
	struct str text = STR_INIT(VALUE_MOST);

	if (type)
		str_printf(&text, "%s; ", type);
	notice_put_plain(n, &text, value);
	header_put(out, span_str(name), str_span(&text));
	str_free(&text);
}

static bool
is_ascii(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (cclass_is(text.p[i], CC_8BIT))
			return false;
	return true;
}

static const char *
address_type(const struct notice *n, struct span address)
{
	return n->utf8 && !is_ascii(address) ? "utf-8" : "rfc822";
}

static void
put_date(struct str *out, const char *name, uint64_t wall_ns)
{
	if (wall_ns == 0)
		return;
	str_printf(out, "%s: ", name);
	time_put_rfc5322(out, wall_ns);
	str_puts(out, "\r\n");
}

static void
put_message(struct notice *n, struct part *part)
{
	const struct msg_bounce_report *msg = n->msg;
	struct str out = STR_INIT(FIELDS_MOST);

	put_typed(n, &out, "Reporting-MTA", "dns", n->conf->myhostname);
	if (msg->envid.n > 0)
		put_typed(n, &out, "Original-Envelope-Id", NULL, msg->envid);
	put_typed(n, &out, "X-Postern-Queue-ID", NULL, msg->queue_id);
	put_typed(n, &out, "X-Postern-Sender", address_type(n, msg->sender), msg->sender);
	put_date(&out, "Arrival-Date", msg->arrived);
	part_put(part, str_span(&out));
	str_free(&out);
}

bool
status_remote(struct span text, struct span *name_out, struct span *reply_out)
{
	static const struct span verbs[] = { SPAN("] said: "), SPAN("] refused to talk to me: ") };
	struct span rest = span_from(text, 5);
	size_t open = span_find(rest, '['), end;

	*reply_out = text;
	if (!span_starts(text, span_lit("host ")) || open == 0 || open == rest.n ||
	    span_find(rest, ' ') < open)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		size_t at = span_find_span(rest, verbs[i]);

		if (at == rest.n)
			continue;
		*name_out = span_head(rest, open);
		*reply_out = span_from(rest, at + verbs[i].n);
		end = span_find_span(*reply_out, span_lit(" (in reply to "));
		*reply_out = span_head(*reply_out, end);
		return true;
	}
	return false;
}

/* RFC 5321 4.2: three digits, then a blank or a hyphen or nothing. */
static bool
is_smtp_reply(struct span text)
{
	for (size_t i = 0; i < 3; i++)
		if (i >= text.n || !cclass_is(text.p[i], CC_DIGIT))
			return false;
	return text.n == 3 || text.p[3] == ' ' || text.p[3] == '-';
}

static void
put_diagnostic(struct notice *n, struct str *out, struct span text)
{
	struct span name, reply;

	if (status_remote(text, &name, &reply))
		put_typed(n, out, "Remote-MTA", "dns", name);
	if (reply.n > 0)
		put_typed(
		    n, out, "Diagnostic-Code", is_smtp_reply(reply) ? "smtp" : "X-Postern", reply);
}

static void
put_recipient(struct notice *n, struct part *part, const struct item_reported *r)
{
	static const char *const actions[] = { [DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed",
		[DSN_DELIVERED] = "delivered",
		[DSN_RELAYED] = "relayed",
		[DSN_EXPANDED] = "expanded" };
	struct str out = STR_INIT(FIELDS_MOST);
	bool known = r->action >= DSN_FAILED && r->action < ARRAY_LEN(actions);

	str_puts(&out, "\r\n");
	put_typed(n, &out, "Final-Recipient", address_type(n, r->address), r->address);
	/* RFC 3461 6.3: never without ORCPT. */
	if (r->orcpt.n > 0)
		put_typed(n, &out, "Original-Recipient", NULL, r->orcpt);
	put_typed(n, &out, "Action", NULL, span_str(actions[known ? r->action : DSN_FAILED]));
	put_typed(n, &out, "Status", NULL, r->dsn);
	put_diagnostic(n, &out, r->text);
	put_date(&out, "Last-Attempt-Date", r->last);
	if (r->action == DSN_DELAYED)
		put_date(&out, "Will-Retry-Until", n->msg->expires);
	part_put(part, str_span(&out));
	str_free(&out);
}

void
status_put(struct notice *n)
{
	struct part part;

	part_begin(&part, n, "Delivery report",
	    n->utf8 ? "message/global-delivery-status" : "message/delivery-status", n->utf8);
	put_message(n, &part);
	for (uint32_t i = 0; i < n->msg->recipients.n; i++)
		put_recipient(n, &part, &n->msg->recipients.v[i]);
	part_end(&part);
}
