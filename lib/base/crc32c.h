/*
 * CRC-32C (Castagnoli, RFC 3720 B.4): the checksum of queue and index files. The processor's own
 * where it has one.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/span.h"

/* Start with 0; feed the result back in to go on over more bytes. */
uint32_t crc32c(uint32_t crc, struct span bytes);
/* The same by tables alone, on any processor; slower. */
uint32_t crc32c_table(uint32_t crc, struct span bytes);

#endif
