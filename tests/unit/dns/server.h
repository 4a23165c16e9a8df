/*
 * A name server for tests: answers over UDP on a port of loopback from a table, as it is told, on a
 * fiber of the test's own loop.
 */
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H

#include "event/fiber.h"
#include "ipc/types.h"

enum manner {
	MANNER_ANSWER,
	MANNER_SILENT,	 /* no answer to any question about the owner */
	MANNER_SERVFAIL, /* RCODE 2 to any question about the owner */
	MANNER_SPOILED,	 /* one bit of the data is wrong, after it was signed */
};

struct zone_row {
	struct span owner; /* wire form */
	uint16_t type;
	enum manner manner;
	struct span data;
};

struct signer;

struct dns_server {
	struct zone_row *rows;
	size_t rows_n;
	struct signer *signer; /* NULL: nothing is signed */
	unsigned asked;	       /* questions that came */
	int fd;
	uint16_t port;
	bool over;
	struct fdwatch watch;
	struct fiber *fiber;
};

/* After loop_init. Rows may be added until the first question comes. */
void server_start(struct dns_server *s);
/* On a fiber or off it, before loop_fini. */
void server_stop(struct dns_server *s);
/* "127.0.0.1@port", for resolver_settings. */
void server_put(const struct dns_server *s, struct str *out);

void zone_add(struct dns_server *s, const char *owner, uint16_t type, struct span data);
void zone_manner(struct dns_server *s, const char *owner, enum manner manner);
void zone_a(struct dns_server *s, const char *owner, const char *address);
void zone_aaaa(struct dns_server *s, const char *owner, const char *address);
void zone_mx(struct dns_server *s, const char *owner, uint16_t preference, const char *host);
void zone_cname(struct dns_server *s, const char *owner, const char *target);

/* "a.example" in wire form at the end of OUT; "" and "." are the root. */
void wire_put_name(struct str *out, const char *text);
void wire_put_number(struct str *out, uint64_t n, size_t width);

/* Signs what is below ZONE with a key of its own (RFC 4034, ECDSA P-256: RFC 6605). */
struct signer *signer_new(const char *zone);
void signer_free(struct signer *signer);
/* Its DNSKEY record in zone file form, as a trust anchor; and its data in wire form. */
void signer_put_anchor(const struct signer *signer, struct str *out);
struct span signer_key_data(const struct signer *signer);
/* Is OWNER (wire form) at or below the zone? */
bool signer_covers(const struct signer *signer, struct span owner);
/* The data of an RRSIG over the records DATA, all of one owner and type with this TTL. */
void signer_put_signature(const struct signer *signer, struct span owner, uint16_t type,
    uint32_t ttl, const struct span *data, size_t count, struct str *out);

#endif
