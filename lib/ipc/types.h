/*
 * The structs of all messages and their descriptions, made from messages.def. A message NAME is `struct msg_NAME`,
 * described by `ipc_NAME`; an item of a list is `struct item_NAME`, a list of it `struct list_NAME`.
 */
#ifndef IPC_TYPES_H
#define IPC_TYPES_H

#include "base/limits.h"
#include "base/span.h"
#include "ipc/messages.def"

enum ipc_fd_kind {
	IPC_FD_FILE = 1, /* a regular file */
	IPC_FD_SOCKET,
};

enum delivery_status { DELIVERY_SENT = 1, DELIVERY_DEFERRED, DELIVERY_BOUNCED };

/* RFC 3461 4.1 */
enum dsn_notify { DSN_NEVER = 1, DSN_SUCCESS = 2, DSN_FAILURE = 4, DSN_DELAY = 8 };

enum message_flag {
	MESSAGE_8BIT = 1,        /* a byte above 127 somewhere */
	MESSAGE_SMTPUTF8 = 2,    /* envelope or header need RFC 6531 */
	MESSAGE_LEADING_DOT = 4, /* a line begins with a dot: stuffing changes it */
	MESSAGE_BOUNCE = 8,      /* a delivery report of ours */
};

enum address_class { ADDRESS_LOCAL = 1, ADDRESS_ALIAS, ADDRESS_VIRTUAL, ADDRESS_RELAY, ADDRESS_DEFAULT };

#endif
