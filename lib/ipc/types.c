/*
 * The tables behind types.h: each row of messages.def becomes a struct ipc_field, each message a
 * struct ipc_type. The codec, the channel and the tests walk these; nothing else knows a message's
 * layout. All of it is constant.
 *
 * The rows of a message stand in a function because a row does not know its message: there `self`
 * can name the struct.
 */
#include "config.h"

#include "ipc/types.h"

/* clang-format off */

/* Bytes on the wire without what a text or a list holds. */
enum {
	WIRE_U8 = 1, WIRE_U16 = 2, WIRE_U32 = 4, WIRE_U64 = 8, WIRE_BOOL = 1, WIRE_TEXT = 4, WIRE_LIST = 4, WIRE_FD = 1
};

#define LEAST(kind, name, ...)                  + WIRE_##kind

#define MOST(kind, name, ...)                   + WIRE_##kind + MOST_##kind(__VA_ARGS__)
#define MOST_U8(bound)                          0
#define MOST_U16(bound)                         0
#define MOST_U32(bound)                         0
#define MOST_U64(bound)                         0
#define MOST_BOOL(bound)                        0
#define MOST_TEXT(bound)                        (bound)
#define MOST_LIST(bound, item)                  (bound) * ITEM_MOST_##item
#define MOST_FD(bound)                          0

#define COUNT(kind, name, ...)                  + 1
#define COUNT_FDS(kind, name, ...)              + (IPC_##kind == IPC_FD)

#define ROW(kind, name, ...)                    ROW_##kind(kind, name, __VA_ARGS__)
#define ROW_PLAIN(kind, name, bound)            { #name, IPC_##kind, offsetof(self, name), (bound), NULL },
#define ROW_U8                                  ROW_PLAIN
#define ROW_U16                                 ROW_PLAIN
#define ROW_U32                                 ROW_PLAIN
#define ROW_U64                                 ROW_PLAIN
#define ROW_BOOL                                ROW_PLAIN
#define ROW_TEXT                                ROW_PLAIN
#define ROW_FD                                  ROW_PLAIN
#define ROW_LIST(kind, name, bound, of)         { #name, IPC_LIST, offsetof(self, name), (bound), &item_type_##of },

#define ROWS(function, type, list)                                      \
	static const struct ipc_field *                                 \
	function(void)                                                  \
	{                                                               \
		typedef struct type self;                               \
		static const struct ipc_field rows[] = { list(ROW) };   \
                                                                        \
		return rows;                                            \
	}

#define ITEM_TYPE(item)                                                 \
	enum { ITEM_MOST_##item = 0 ITEM_##item(MOST) };                \
	ROWS(item_rows_##item, item_##item, ITEM_##item)                \
	static const struct ipc_type item_type_##item = {               \
		.name = #item,                                          \
		.size = sizeof(struct item_##item),                     \
		.least = 0 ITEM_##item(LEAST),                          \
		.most = ITEM_MOST_##item,                               \
		.fields_n = 0 ITEM_##item(COUNT),                       \
		.fields = item_rows_##item,                             \
	};
IPC_ITEMS(ITEM_TYPE)

#define MESSAGE_TYPE(message, id, kind)                                 \
	ROWS(message_rows_##message, msg_##message, MSG_##message)      \
	const struct ipc_type ipc_##message = {                         \
		.name = #message,                                       \
		.number = (id),                                         \
		.sort = IPC_##kind,                                     \
		.fds = 0 MSG_##message(COUNT_FDS),                      \
		.size = sizeof(struct msg_##message),                   \
		.least = 0 MSG_##message(LEAST),                        \
		.most = 0 MSG_##message(MOST),                          \
		.fields_n = 0 MSG_##message(COUNT),                     \
		.fields = message_rows_##message,                       \
	};                                                              \
	_Static_assert(0 MSG_##message(COUNT_FDS) <= LIMIT_IPC_FDS, "too many descriptors: " #message);
IPC_MESSAGES(MESSAGE_TYPE)

#define BY_NUMBER(message, id, kind) [id] = &ipc_##message,
static const struct ipc_type *const types[] = { IPC_MESSAGES(BY_NUMBER) };
/* clang-format on */

const struct ipc_type *
ipc_type_find(unsigned number)
{
	return number < ARRAY_LEN(types) ? types[number] : NULL;
}

const struct ipc_type *
ipc_type_after(unsigned number)
{
	while (++number < ARRAY_LEN(types)) {
		if (types[number])
			return types[number];
	}
	return NULL;
}
