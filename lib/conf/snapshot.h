/*
 * A snapshot is one mapping: a head, then records, each a length of 4 bytes, so many bytes, and a
 * NUL. Records: name and value of each row of params.def in its order; for each transport its name
 * and its values in the order of enum conf_transport_param, the first transport without a name;
 * name and value of each parameter of the postmaster's own. Numbers are the machine's own: a
 * snapshot never leaves it.
 */
#ifndef CONF_SNAPSHOT_H
#define CONF_SNAPSHOT_H

#include "base/defs.h"

#define SNAPSHOT_MAGIC	 "PSTNCONF"
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_SEALS	 (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct snapshot_head {
	char magic[8];
	uint32_t version;
	uint32_t crc;  /* CRC-32C of all that follows it */
	uint64_t size; /* of the whole */
	uint64_t generation;
	uint32_t params;
	uint32_t transports;
	uint32_t users;
	uint32_t reserved; /* 0 */
};

#endif
