/* The upper halves of 8-bit charsets, for charset.c alone. */
#ifndef MESSAGE_CHARSET_TABLES_H
#define MESSAGE_CHARSET_TABLES_H

#include "base/span.h"

struct charset_table {
	struct span name;
	uint16_t high[128]; /* code points of bytes 128 to 255; 0xfffd: none */
};

extern const struct charset_table charset_tables[];
extern const size_t charset_table_count;

#endif
