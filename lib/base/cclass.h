/*
 * Character classes as bits in one table, so that parsers of SMTP, IMAP and headers test a byte
 * with one load. Classes follow RFC 5322 3.2, RFC 5321 4.1.2, RFC 2045 5.1 and RFC 9051 9.
 */
#ifndef BASE_CCLASS_H
#define BASE_CCLASS_H

#include "base/defs.h"

enum cclass {
	CC_UPPER = 1 << 0,
	CC_LOWER = 1 << 1,
	CC_DIGIT = 1 << 2,
	CC_HEX = 1 << 3,       /* 0-9 A-F a-f */
	CC_BLANK = 1 << 4,     /* SP HTAB */
	CC_SPACE = 1 << 5,     /* SP HTAB CR LF VT FF */
	CC_ATEXT = 1 << 6,     /* RFC 5322 3.2.3 */
	CC_TOKEN = 1 << 7,     /* RFC 2045 5.1: MIME token */
	CC_IMAP_ATOM = 1 << 8, /* RFC 9051 9: ATOM-CHAR */
	CC_CTL = 1 << 9,       /* 0-31 and 127 */
	CC_XTEXT = 1 << 10,    /* RFC 3461 4: xchar, without "+" and "=" */
	CC_LDH = 1 << 11,      /* letters, digits, hyphen */
	CC_BASE64 = 1 << 12,   /* alphabet of RFC 4648 4, without "=" */
	CC_FTEXT = 1 << 13,    /* RFC 5322 3.6.8: a header field's name */
	CC_8BIT = 1 << 14,     /* 128-255 */
	CC_ALPHA = CC_UPPER | CC_LOWER,
	CC_ALNUM = CC_ALPHA | CC_DIGIT,
};

extern const uint16_t cclass_table[256];

static inline bool
cclass_is(char c, unsigned classes)
{
	return (cclass_table[(unsigned char)c] & classes) != 0;
}

static inline char
ascii_lower(char c)
{
	return cclass_is(c, CC_UPPER) ? (char)(c | 0x20) : c;
}

static inline char
ascii_upper(char c)
{
	return cclass_is(c, CC_LOWER) ? (char)(c & ~0x20) : c;
}

#endif
