/* Where a client that reads a long message in pieces stopped: its next piece goes on from there, so
 * that all pieces together cost one reading. A session has one. */
#ifndef IMAPD_FETCH_MARK_H
#define IMAPD_FETCH_MARK_H

#include <stdint.h>

struct fetch_mark {
	uint64_t message; /* its EMAILID */
	uint64_t size;	  /* of its file; 0: there is no mark */
	uint64_t section; /* where the section begins in the file */
	uint64_t at;	  /* bytes of the section up to here, as they are stored */
	uint64_t crlf;	  /* the same, with CRLF line ends */
};

#endif
