/*
 * MAIL and RCPT with their parameters: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531),
 * RET, ENVID, NOTIFY, ORCPT (RFC 3461), each only to a server that offers it. Called by
 * transaction.c. Addresses come canonical from the queue; should a control character be in one, no
 * command is made of it.
 */
#include "smtp/envelope.h"

#include "base/cclass.h"
#include "message/esmtp.h"

static bool
has_class(struct span s, unsigned classes)
{
	for (size_t i = 0; i < s.n; i++)
		if (cclass_is(s.p[i], classes))
			return true;
	return false;
}

static bool
addresses_are_utf8(const struct msg_deliver *m)
{
	if (has_class(m->sender, CC_8BIT))
		return true;
	for (uint32_t i = 0; i < m->targets.n; i++)
		if (has_class(m->targets.v[i].address, CC_8BIT))
			return true;
	return false;
}

/* A message that was sent with SMTPUTF8 and has no use for it goes to every server. */
static bool
needs_utf8(const struct msg_deliver *m)
{
	return (m->flags & MESSAGE_SMTPUTF8) &&
	       ((m->flags & MESSAGE_8BIT) || addresses_are_utf8(m));
}

enum verdict
envelope_fits(const struct delivery *d, struct session *s, struct err *err)
{
	if (s->ehlo.size > 0 && d->size > s->ehlo.size)
		return err_mail(err, 552, "5.3.4",
		    "message size %llu exceeds size limit %llu of server %s",
		    (unsigned long long)d->size, (unsigned long long)s->ehlo.size,
		    str_cstr(&s->peer));
	if (!(s->ehlo.features & EHLO_SMTPUTF8) && needs_utf8(d->msg))
		return err_mail(err, 553, "5.6.7",
		    "SMTPUTF8 is required, but was not offered by host %s", str_cstr(&s->peer));
	return VERDICT_OK;
}

bool
envelope_put_mail(struct str *out, const struct delivery *d, const struct ehlo *ehlo)
{
	static const char *const rets[] = { "", " RET=FULL", " RET=HDRS" };
	const struct msg_deliver *m = d->msg;

	str_printf(out, "MAIL FROM:<%.*s>", SPAN_ARG(m->sender));
	if (ehlo->features & EHLO_SIZE)
		str_printf(out, " SIZE=%llu", (unsigned long long)d->size);
	if ((ehlo->features & EHLO_8BITMIME) && (m->flags & MESSAGE_8BIT))
		str_puts(out, " BODY=8BITMIME");
	if ((ehlo->features & EHLO_SMTPUTF8) && needs_utf8(m))
		str_puts(out, " SMTPUTF8");
	if ((ehlo->features & EHLO_DSN) && m->ret < ARRAY_LEN(rets))
		str_puts(out, rets[m->ret]);
	if ((ehlo->features & EHLO_DSN) && m->envid.n) {
		str_puts(out, " ENVID=");
		xtext_put(out, m->envid);
	}
	return !out->full && !has_class(str_span(out), CC_CTL);
}

static void
put_notify(struct str *out, unsigned notify)
{
	static const struct {
		enum dsn_notify bit;
		const char *word;
	} words[] = {
		{ DSN_NEVER, "NEVER" },
		{ DSN_SUCCESS, "SUCCESS" },
		{ DSN_FAILURE, "FAILURE" },
		{ DSN_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!(notify & words[i].bit))
			continue;
		str_printf(out, "%s%s", before, words[i].word);
		before = ",";
	}
}

bool
envelope_put_rcpt(struct str *out, const struct delivery *d, uint32_t i, const struct ehlo *ehlo)
{
	const struct item_target *t = &d->msg->targets.v[i];

	str_printf(out, "RCPT TO:<%.*s>", SPAN_ARG(t->address));
	if (ehlo->features & EHLO_DSN) {
		size_t before;
		put_notify(out, t->notify);
		before = out->n;
		str_puts(out, " ORCPT=");
		if (t->orcpt.n == 0 ||
		    !orcpt_put(out, t->orcpt, (ehlo->features & EHLO_SMTPUTF8) != 0))
			str_cut(out, before);
	}
	return !out->full && !has_class(str_span(out), CC_CTL);
}
