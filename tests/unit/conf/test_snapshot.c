/*
 * Snapshots: what is sealed is what is opened, for each type of parameter, for transports and for
 * the postmaster's own names; and nothing else opens: not without seals, not with a byte changed,
 * cut or added, not forged with a right checksum. Run by make check.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/sys.h"
#include "base/time.h"
#include "conf/snapshot.h"
#include "tests/unit/conf/conf_unit.h"

static const char main_cf[] =
    "mail_name = Test\nsmtpd_timeout = 2m\nsmtpd_restriction_classes = strict\n"
    "strict = reject_unknown_sender_domain, $more\nmore = reject\n"
    "smtp_destination_rate_delay = 5s\ndefault_destination_concurrency_limit = 7\n"
    "local_destination_concurrency_limit = 3\nqueue_directory = /spool\n"
    "smtp_tls_security_level = dane\nin_flow_delay = 1s\n";
static const char master_cf[] =
    "smtp inet n - n - - smtpd\n"
    "submission inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o mine=$mail_name "
    "-o smtpd_banner=$mine\n"
    "smtp unix - - n - - smtp\n"
    "local unix - - n - - local\n";

/* The snapshot of the service at line LINE of master.cf. */
static int
seal_line(unsigned line)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = parse_source(main_cf, master_cf, problems);
	const struct conf_service *services;
	struct err err = ERR_NONE;
	size_t n;
	int fd;

	services = conf_services(source, &n);
	assert_int_equal(conf_problems_count(problems, CONF_ERROR), 0);
	if (conf_snapshot_seal(source, line ? &services[line - 1] : NULL, 42, &fd, &err) !=
	    VERDICT_OK)
		fail_msg("%s", err.text);
	conf_free(source);
	conf_problems_free(problems);
	return fd;
}

static void
test_round(UNUSED void **state)
{
	const int fd = seal_line(2);
	struct err err = ERR_NONE;
	struct conf conf;
	struct span value;

	if (conf_snapshot_open(fd, &conf, &err) != VERDICT_OK)
		fail_msg("%s", err.text);
	close(fd);
	assert_int_equal(conf.generation, 42);
	expect_text("mail_name", conf.mail_name, "Test");
	expect_text("service_name", conf.service_name, "submission");
	expect_text("smtpd_banner", conf.smtpd_banner, "Test");
	expect_text("mydomain", conf.mydomain, "example.com");
	expect_text("queue_directory", conf.queue_directory, "/spool");
	assert_int_equal(conf.queue_directory.p[conf.queue_directory.n], '\0');
	assert_int_equal(conf.smtpd_timeout, 120 * NS_PER_S);
	assert_int_equal(conf.smtpd_tls_security_level, CONF_TLS_SERVER_ENCRYPT);
	assert_int_equal(conf.smtp_tls_security_level, CONF_TLS_DANE);
	assert_int_equal(conf.message_size_limit, 10240000);
	assert_true(conf.append_at_myorigin);
	assert_false(conf.soft_bounce);
	assert_true(conf_user(&conf, span_lit("strict"), &value));
	expect_text("strict", value, "reject_unknown_sender_domain, reject");
	assert_true(conf_user(&conf, span_lit("mine"), &value));
	assert_false(conf_user(&conf, span_lit("in_flow_delay"), &value));
	assert_false(conf_user(&conf, span_lit("nobody"), &value));
	conf_snapshot_close(&conf);
	assert_null(conf.mapping);
}

static void
test_transports(UNUSED void **state)
{
	static const struct {
		const char *transport;
		enum conf_transport_param param;
		uint64_t want;
	} rows[] = {
		{ "smtp", CONF_TRANSPORT_destination_rate_delay, 5 * NS_PER_S },
		{ "smtp", CONF_TRANSPORT_destination_concurrency_limit, 7 },
		{ "smtp", CONF_TRANSPORT_destination_recipient_limit, 50 },
		{ "local", CONF_TRANSPORT_destination_concurrency_limit, 3 },
		{ "local", CONF_TRANSPORT_destination_recipient_limit, 1 },
		{ "local", CONF_TRANSPORT_destination_rate_delay, 0 },
		{ "other", CONF_TRANSPORT_destination_concurrency_limit, 7 },
		{ "", CONF_TRANSPORT_initial_destination_concurrency, 5 },
	};
	const int fd = seal_line(0);
	struct err err = ERR_NONE;
	struct conf conf;

	assert_int_equal(conf_snapshot_open(fd, &conf, &err), VERDICT_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_number(rows[i].transport,
		    (int64_t)conf_transport_value(
			&conf, span_str(rows[i].transport), rows[i].param),
		    (int64_t)rows[i].want);
	conf_snapshot_close(&conf);
	close(fd);
}

/* A configuration with an error is not sealed, whatever was told before. */
static void
test_refused(UNUSED void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "soft_bounce = x\n", "soft_bounce: \"x\" is not yes or no" },
		{ "mail_name = $mail_name\n",
		    "mail_name: a loop: $mail_name refers to $mail_name" },
		{ "a = ${x\nmail_name = $a\n", "mail_name: a ${ has no }" },
		{ "smtp_transport_rate_delay = x\n",
		    "smtp_transport_rate_delay: \"x\" is not a time: write a number and s, m, h, d "
		    "or w (seconds when none "
		    "stands there)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_problems *problems = conf_problems_new();
		struct conf_source *source =
		    parse_source(rows[i].text, "smtp unix - - n - - smtp\n", problems);
		struct err err = ERR_NONE;
		int fd;

		assert_int_equal(conf_snapshot_seal(source, NULL, 1, &fd, &err), VERDICT_PERM);
		assert_int_equal(fd, -1);
		expect_text(rows[i].text, err_text(&err), rows[i].want);
		conf_free(source);
		conf_problems_free(problems);
	}
}

static int
memfd_of(struct span bytes, int seals)
{
	const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(sys_write_all(fd, bytes.p, bytes.n), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static bool
opens(struct span bytes, int seals)
{
	const int fd = memfd_of(bytes, seals);
	struct err err = ERR_NONE;
	struct conf conf;
	const bool ok = conf_snapshot_open(fd, &conf, &err) == VERDICT_OK;

	if (ok)
		conf_snapshot_close(&conf);
	else
		assert_true(err.text[0] && !conf.mapping && !conf.transports && !conf.users);
	close(fd);
	return ok;
}

static void
fix_crc(struct str *bytes)
{
	const size_t at = offsetof(struct snapshot_head, size);
	const uint32_t crc = crc32c(0, span_from(str_span(bytes), at));

	memcpy(bytes->p + offsetof(struct snapshot_head, crc), &crc, sizeof(crc));
}

static void
load_snapshot(struct str *out)
{
	const int fd = seal_line(1);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_non_null(str_reserve(out, (size_t)st.st_size));
	assert_int_equal(sys_pread_all(fd, out->p, (size_t)st.st_size, 0), st.st_size);
	str_grew(out, (size_t)st.st_size);
	close(fd);
}

static void
test_corrupted(UNUSED void **state)
{
	struct str bytes = STR_INIT(1 << 20);
	uint64_t size;

	load_snapshot(&bytes);
	size = bytes.n;
	assert_true(opens(str_span(&bytes), SNAPSHOT_SEALS));
	assert_false(opens(str_span(&bytes), SNAPSHOT_SEALS & ~F_SEAL_WRITE));
	assert_false(opens(str_span(&bytes), SNAPSHOT_SEALS & ~F_SEAL_SHRINK));
	assert_false(opens(span_lit(""), SNAPSHOT_SEALS));
	/* Any byte changed: the checksum, or the head, says so. */
	for (size_t i = 0; i < bytes.n; i += i < 64 ? 1 : 97) {
		bytes.p[i] ^= 1;
		assert_false(opens(str_span(&bytes), SNAPSHOT_SEALS));
		bytes.p[i] ^= 1;
	}
	/* Cut short, with a head that agrees: a record is missing. */
	for (size_t n = sizeof(struct snapshot_head); n < size; n += 211) {
		struct str cut = STR_INIT(1 << 20);
		const uint64_t told = n;

		str_put(&cut, span_head(str_span(&bytes), n));
		memcpy(cut.p + offsetof(struct snapshot_head, size), &told, sizeof(told));
		fix_crc(&cut);
		assert_false(opens(str_span(&cut), SNAPSHOT_SEALS));
		str_free(&cut);
	}
	size++;
	str_putc(&bytes, '\0');
	memcpy(bytes.p + offsetof(struct snapshot_head, size), &size, sizeof(size));
	fix_crc(&bytes);
	assert_false(opens(str_span(&bytes), SNAPSHOT_SEALS));
	str_free(&bytes);
}

/* A wrong byte with a right checksum: lengths, names and values are looked at all the same. */
static void
test_forged(UNUSED void **state)
{
	static const struct {
		const char *find, *put;
	} rows[] = {
		{ "soft_bounce", "soft_bouncy" },
		{ "10240000", "1024000x" },
		{ "may", "nay" },
		{ "/spool", "xspool" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str bytes = STR_INIT(1 << 20);
		size_t at;

		load_snapshot(&bytes);
		at = span_find_span(str_span(&bytes), span_str(rows[i].find));
		assert_true(at < bytes.n);
		memcpy(bytes.p + at, rows[i].put, strlen(rows[i].put));
		fix_crc(&bytes);
		assert_false(opens(str_span(&bytes), SNAPSHOT_SEALS));
		str_free(&bytes);
	}
}

static void
test_no_memfd(UNUSED void **state)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct err err = ERR_NONE;
	struct conf conf;

	assert_int_equal(conf_snapshot_open(fd, &conf, &err), VERDICT_PERM);
	assert_int_equal(conf_snapshot_open(-1, &conf, &err), VERDICT_PERM);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_corrupted),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_no_memfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
