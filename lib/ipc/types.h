/*
 * The structs of all messages and their descriptions, made from messages.def. A message NAME is
 * `struct msg_NAME`, described by `ipc_NAME`; an item of a list is `struct item_NAME`, a list of it
 * `struct list_NAME`.
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
	MESSAGE_8BIT = 1,	 /* a byte above 127 somewhere */
	MESSAGE_SMTPUTF8 = 2,	 /* envelope or header need RFC 6531 */
	MESSAGE_LEADING_DOT = 4, /* a line begins with a dot: stuffing changes it */
	MESSAGE_BOUNCE = 8,	 /* a delivery report of ours */
};

enum address_class {
	ADDRESS_LOCAL = 1,
	ADDRESS_ALIAS,
	ADDRESS_VIRTUAL,
	ADDRESS_RELAY,
	ADDRESS_DEFAULT
};

/* What a message is for. */
enum ipc_sort { IPC_CALL = 1, IPC_REPLY, IPC_NOTE };

/*
 * Fields on the wire: numbers little-endian in their width; BOOL one byte, 0 or 1; TEXT a u32
 * length and the bytes; LIST a u32 count and the items; FD one byte, the descriptor's index in the
 * frame, counted up from 0.
 */
enum ipc_kind { IPC_U8, IPC_U16, IPC_U32, IPC_U64, IPC_BOOL, IPC_TEXT, IPC_LIST, IPC_FD };

struct ipc_field {
	const char *name;
	enum ipc_kind kind;
	uint32_t offset;	     /* in the struct, bytes */
	uint32_t bound;		     /* as in messages.def */
	const struct ipc_type *item; /* of a LIST; else NULL */
};

/* A message, or an item of a list (its number is 0). */
struct ipc_type {
	const char *name;
	uint16_t number;
	uint8_t sort;	/* enum ipc_sort */
	uint8_t fds;	/* descriptors that come with it, always all of them */
	uint32_t size;	/* of the struct, bytes */
	uint32_t least; /* bytes on the wire: all texts and lists empty */
	uint32_t most;	/* bytes on the wire: all at their bounds (LIMIT_IPC_FRAME may be less) */
	uint32_t fields_n;
	const struct ipc_field *(*fields)(void);
};

/* The message with this number, or NULL. */
const struct ipc_type *ipc_type_find(unsigned number);
/* Walks all messages: the first with a number above NUMBER, or NULL. */
const struct ipc_type *ipc_type_after(unsigned number);

/* clang-format off */
#define IPC_MEMBER(kind, name, ...)        IPC_MEMBER_##kind(name, __VA_ARGS__)
#define IPC_MEMBER_U8(name, bound)         uint8_t name;
#define IPC_MEMBER_U16(name, bound)        uint16_t name;
#define IPC_MEMBER_U32(name, bound)        uint32_t name;
#define IPC_MEMBER_U64(name, bound)        uint64_t name;
#define IPC_MEMBER_BOOL(name, bound)       bool name;
#define IPC_MEMBER_TEXT(name, bound)       struct span name;
#define IPC_MEMBER_LIST(name, bound, item) struct list_##item name;
#define IPC_MEMBER_FD(name, bound)         int name;

#define IPC_ITEM_STRUCT(name)                                           \
	struct item_##name { ITEM_##name(IPC_MEMBER) };                 \
	struct list_##name { struct item_##name *v; uint32_t n; };
IPC_ITEMS(IPC_ITEM_STRUCT)

#define IPC_MESSAGE_STRUCT(name, number, sort)                          \
	struct msg_##name { MSG_##name(IPC_MEMBER) };                   \
	extern const struct ipc_type ipc_##name;
IPC_MESSAGES(IPC_MESSAGE_STRUCT)
/* clang-format on */

#endif
