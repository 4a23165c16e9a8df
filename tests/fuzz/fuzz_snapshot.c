/*
 * Fuzz target for snapshots: a sealed memfd with any bytes, and one with a right head and checksum
 * before them. It is opened or refused; what is opened has all of its parameters. The input may
 * also be a change to a good snapshot: two bytes of place, the rest what stands there.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/sys.h"
#include "conf/conf.h"
#include "conf/snapshot.h"
#include "tests/fuzz/fuzz.h"

static void
open_bytes(struct span bytes)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct conf conf;
	struct err err = ERR_NONE;

	assert(fd >= 0 && sys_write_all(fd, bytes.p, bytes.n) == 0);
	assert(fcntl(fd, F_ADD_SEALS, SNAPSHOT_SEALS) == 0);
	if (conf_snapshot_open(fd, &conf, &err) == VERDICT_OK) {
		assert(conf.smtpd_recipient_limit > 0 && conf.transports_n > 0);
		conf_snapshot_close(&conf);
	} else {
		assert(!conf.mapping && !conf.transports && !conf.users);
	}
	close(fd);
}

static void
good_snapshot(struct str *out)
{
	const struct conf_host host = { .name = SPAN("mx.example.com") };
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_parse("/conf", span_lit("a = 1\nmail_name = $a\n"),
	    span_lit("smtp unix - - n - - smtp\n"), &host, problems);
	struct err err = ERR_NONE;
	off_t size;
	int fd;

	assert(conf_snapshot_seal(source, NULL, 1, &fd, &err) == VERDICT_OK);
	size = lseek(fd, 0, SEEK_END);
	assert(sys_pread_all(fd, str_reserve(out, (size_t)size), (size_t)size, 0) == size);
	str_grew(out, (size_t)size);
	close(fd);
	conf_free(source);
	conf_problems_free(problems);
}

FUZZ(data)
{
	struct str bytes = STR_INIT(1 << 20);
	struct snapshot_head head;
	uint16_t at;

	open_bytes(data);
	if (data.n < sizeof(at))
		return;
	memcpy(&at, data.p, sizeof(at));
	data = span_from(data, sizeof(at));
	good_snapshot(&bytes);
	if (at + data.n <= bytes.n && data.n > 0) {
		memcpy(bytes.p + at, data.p, data.n);
		memcpy(&head, bytes.p, sizeof(head));
		head.crc =
		    crc32c(0, span_from(str_span(&bytes), offsetof(struct snapshot_head, size)));
		memcpy(bytes.p, &head, sizeof(head));
		open_bytes(str_span(&bytes));
	}
	str_free(&bytes);
}
