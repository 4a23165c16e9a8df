/*
 * What each kind of report says, in one table. Called by report.c and compose.c. The words are for
 * people; programs read the status part.
 */
#include "config.h"

#include "qmgr/bounce/bounce.h"

static const struct notice_kind kinds[] = {
	[REPORT_FAILURE] = { "non-delivery notification", "Undelivered Mail Returned to Sender",
	    "Postmaster Copy: Undelivered Mail", "bounce",
	    SPAN("Your message could not be delivered to the recipients named below, and will "
		 "not\r\n"
		 "be tried again for them. It is attached, or its header is.\r\n\r\n"
		 "If you need help, write to postmaster and include this report; you may leave\r\n"
		 "out your own text.\r\n") },
	[REPORT_DELAY] = { "delay notification", "Delayed Mail (still being retried)",
	    "Postmaster Warning: Delayed Mail", "delay",
	    SPAN(
		"THIS IS A WARNING ONLY. YOU NEED NOT SEND YOUR MESSAGE AGAIN.\r\n\r\n"
		"Your message could not yet be delivered to the recipients named below. It will\r\n"
		"be tried again until it has been, or has become too old. Its header is\r\n"
		"attached.\r\n") },
	[REPORT_SUCCESS] = { "delivery status notification", "Successful Mail Delivery Report",
	    "Postmaster Copy: Successful Mail Delivery Report", NULL,
	    SPAN("Your message was delivered to the recipients named below, or handed on to "
		 "hosts\r\n"
		 "that do not tell of its arrival. You asked to be told. Its header is "
		 "attached.\r\n") },
};

const struct notice_kind *
notice_kind_find(unsigned kind)
{
	return kind >= REPORT_FAILURE && kind < ARRAY_LEN(kinds) ? &kinds[kind] : NULL;
}
