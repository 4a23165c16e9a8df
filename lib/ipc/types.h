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

/* What postsuper asks for. */
enum queue_order { QUEUE_DELETE = 1, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_EXPIRE, QUEUE_REQUEUE };
/* RFC 3464 2.3.3 */
enum dsn_action { DSN_FAILED = 1, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

enum report_kind { REPORT_FAILURE = 1, REPORT_DELAY, REPORT_SUCCESS };

enum message_flag {
	MESSAGE_8BIT = 1,	 /* a byte above 127 somewhere */
	MESSAGE_SMTPUTF8 = 2,	 /* envelope or header need RFC 6531 */
	MESSAGE_LEADING_DOT = 4, /* a line begins with a dot: stuffing changes it */
	MESSAGE_BOUNCE = 8,	 /* a delivery report of ours */
	MESSAGE_HOLD = 16,	 /* waits until the postmaster releases it */
};

enum address_class {
	ADDRESS_LOCAL = 1,
	ADDRESS_ALIAS,
	ADDRESS_VIRTUAL,
	ADDRESS_RELAY,
	ADDRESS_DEFAULT
};

/* Which keys stand for what a lookup asks (table/find.h). */
enum lookup_kind {
	LOOKUP_PLAIN = 1, /* the key as it is */
	LOOKUP_ADDRESS,	  /* access(5): user+ext@domain, user@domain, domain, its parents, user@ */
	LOOKUP_DOMAIN,	  /* a name, its parents */
	LOOKUP_CLIENT,	  /* an IP address, its networks */
	LOOKUP_OWNER,	  /* virtual(5): user+ext@domain, user@domain, user, @domain */
};

enum lookup_status { LOOKUP_FOUND = 1, LOOKUP_ABSENT, LOOKUP_FAILED };

/* What anvil counts. A login is counted apart from the address it came from. */
enum anvil_kind {
	ANVIL_CONNECT = 1, /* opens a connection: a rate and a count */
	ANVIL_DISCONNECT,  /* the count alone: a note */
	ANVIL_MESSAGE,
	ANVIL_RECIPIENT,
	ANVIL_TLS,  /* handshakes that resumed nothing */
	ANVIL_AUTH, /* AUTH commands */
	ANVIL_AUTH_FAILURE,
	ANVIL_KINDS
};

/* What became of a lookup in the DNS. All but the first three are failures. */
enum dns_status {
	DNS_FOUND = 1,
	DNS_NODATA,   /* the name is there, such a record is not */
	DNS_NXDOMAIN, /* the name is not there */
	DNS_SERVFAIL, /* no server answered well */
	DNS_BOGUS,    /* DNSSEC says that the answer was changed on its way */
	DNS_TIMEOUT,
	DNS_INVALID, /* this can be no name of the DNS, so nobody was asked */
};

/* Record types by their numbers in the DNS. */
enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

enum dns_family { DNS_IPV4 = 1, DNS_IPV6 = 2 };

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
