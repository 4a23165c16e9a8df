/*
 * struct err over the wire: a verdict reached in one process is the SMTP reply, the log line and
 * the delivery report in another. Called by request.c and call.c. errno does not travel: its words
 * are in the text.
 *
 * A peer's VERDICT_CANCELLED must never arrive as such: it would tell the caller's fiber that it
 * has been cancelled itself.
 */
#include "config.h"

#include "ipc/channel.h"

void
failed_from_err(const struct err *err, char dsn_text[12], struct msg_failed *out)
{
	bool strange = err->verdict == VERDICT_OK || err->verdict == VERDICT_CANCELLED;

	*out = (struct msg_failed){
		.verdict = strange ? VERDICT_TEMP : (uint8_t)err->verdict,
		.reply = err->reply,
		.text = err_text(err),
	};
	if (err->dsn.class != 0)
		out->dsn = span_str(dsn_code_text(err->dsn, dsn_text));
}

bool
failed_to_err(const struct msg_failed *msg, struct err *err)
{
	struct dsn_code dsn = { 0 };

	if (msg->verdict == VERDICT_OK || msg->verdict == VERDICT_CANCELLED ||
	    msg->verdict > VERDICT_LIMIT)
		return false;
	if (msg->reply != 0 && (msg->reply < 200 || msg->reply > 599))
		return false;
	if (msg->dsn.n > 0 && !dsn_code_parse(msg->dsn, &dsn))
		return false;
	err_set(err, msg->verdict, "%.*s", SPAN_ARG(msg->text));
	err->reply = msg->reply;
	err->dsn = dsn;
	return true;
}
