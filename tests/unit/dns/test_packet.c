/*
 * The reader of DNS answers against packets that a server would send and packets that nobody should
 * (ABUSE 36): short data, lengths that lie, pointers in circles, names with bytes that mean
 * something else in text.
 */
#include "config.h"

#include "base/str.h"
#include "dns/packet.h"
#include "tests/unit/unit.h"

#define Q_MX   "\x00\x0f\x00\x01"
#define Q_A    "\x00\x01\x00\x01"
#define Q_TXT  "\x00\x10\x00\x01"
#define Q_TLSA "\x00\x34\x00\x01"
/* a.b asked at offset 12: a pointer to it is c00c; the question ends at 12 + 5 + 4 = 21. */
#define NAME	      "\x01"
#define AB	      "\x01\x61\x01\x62\x00"
#define HEAD(answers) "\x12\x34\x81\x80\x00\x01\x00" answers "\x00\x00\x00\x00"
#define TTL60	      "\x00\x00\x00\x3c"
#define RR_MX	      "\xc0\x0c\x00\x0f\x00\x01" TTL60
#define RR_A	      "\xc0\x0c\x00\x01\x00\x01" TTL60
#define RR_TXT	      "\xc0\x0c\x00\x10\x00\x01" TTL60
#define RR_TLSA	      "\xc0\x0c\x00\x34\x00\x01" TTL60
#define RR_CNAME      "\xc0\x0c\x00\x05\x00\x01" TTL60

static const struct {
	const char *name;
	uint16_t type;
	struct span packet;
	enum dns_status status;
	unsigned records;
	bool malformed;
	struct span text; /* name or data of the first record */
} cases[] = {
	{ "MX, name compressed", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x06\x00\x0a\x01\x4d\xc0\x0c"), DNS_FOUND, 1,
	    false, SPAN("m.a.b") },
	{ "MX: the root", DNS_MX, SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x03\x00\x00\x00"),
	    DNS_FOUND, 1, false, SPAN("") },
	{ "MX of no bytes", DNS_MX, SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x00"), DNS_SERVFAIL, 0,
	    true, SPAN("") },
	{ "MX of one byte", DNS_MX, SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x01\x00"), DNS_SERVFAIL,
	    0, true, SPAN("") },
	{ "MX without a name", DNS_MX, SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x02\x00\x0a"),
	    DNS_SERVFAIL, 0, true, SPAN("") },
	{ "MX whose name ends after its data", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x04\x00\x0a\x01\x4d\x00"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "MX whose name ends before its data", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x04\x00\x0a\x00\x00"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "a bad MX beside a good one", DNS_MX,
	    SPAN(HEAD("\x02") AB Q_MX RR_MX "\x00\x01\x00" RR_MX "\x00\x04\x00\x01\xc0\x0c"),
	    DNS_FOUND, 1, true, SPAN("a.b") },
	{ "MX: a dot within a label", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x06\x00\x0a\x02\x2e\x6d\x00"), DNS_SERVFAIL, 0,
	    true, SPAN("") },
	{ "MX: a blank in a label", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x06\x00\x0a\x02\x20\x6d\x00"), DNS_SERVFAIL, 0,
	    true, SPAN("") },
	{ "MX: a pointer to itself", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x04\x00\x0a\xc0\x23"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "MX: a pointer forward", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x04\x00\x0a\xc0\x40"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "MX: a label that points back to itself", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x06\x00\x0a\x01\x6d\xc0\x23"), DNS_SERVFAIL, 0,
	    true, SPAN("") },
	{ "MX: a label of a kind that is none", DNS_MX,
	    SPAN(HEAD("\x01") AB Q_MX RR_MX "\x00\x04\x00\x0a\x41\x00"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "A", DNS_A, SPAN(HEAD("\x01") AB Q_A RR_A "\x00\x04\xc0\x00\x02\x01"), DNS_FOUND, 1,
	    false, SPAN("\xc0\x00\x02\x01") },
	{ "A of three bytes", DNS_A, SPAN(HEAD("\x01") AB Q_A RR_A "\x00\x03\xc0\x00\x02"),
	    DNS_SERVFAIL, 0, true, SPAN("") },
	{ "A of another name", DNS_A,
	    SPAN(HEAD("\x01") AB Q_A "\xc0\x0e\x00\x01\x00\x01" TTL60 "\x00\x04\xc0\x00\x02\x01"),
	    DNS_NODATA, 0, false, SPAN("") },
	{ "A behind a CNAME", DNS_A,
	    SPAN(HEAD("\x02") AB Q_A RR_CNAME "\x00\x03\x01\x78\x00"
					      "\x01\x58\x00\x00\x01\x00\x01" TTL60
					      "\x00\x04\xc0\x00\x02\x01"),
	    DNS_FOUND, 1, false, SPAN("\xc0\x00\x02\x01") },
	{ "a CNAME that leads nowhere", DNS_A,
	    SPAN(HEAD("\x01") AB Q_A RR_CNAME "\x00\x03\x01\x78\x00"), DNS_NODATA, 0, false,
	    SPAN("") },
	{ "a CNAME of two names", DNS_A,
	    SPAN(HEAD("\x01") AB Q_A RR_CNAME "\x00\x04\x01\x78\x00\x00"), DNS_SERVFAIL, 0, false,
	    SPAN("") },
	{ "CNAMEs in a circle end", DNS_A,
	    SPAN(HEAD("\x12") AB Q_A RR_CNAME
		"\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME
		"\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME
		"\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME
		"\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME
		"\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME
		"\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c" RR_CNAME "\x00\x02\xc0\x0c"),
	    DNS_SERVFAIL, 0, false, SPAN("") },
	{ "TXT, strings joined", DNS_TXT,
	    SPAN(HEAD("\x01") AB Q_TXT RR_TXT "\x00\x06\x02\x76\x3d\x00\x01\x31"), DNS_FOUND, 1,
	    false, SPAN("v=1") },
	{ "TXT whose string is longer than its data", DNS_TXT,
	    SPAN(HEAD("\x01") AB Q_TXT RR_TXT "\x00\x02\x02\x76"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "TXT of no string", DNS_TXT, SPAN(HEAD("\x01") AB Q_TXT RR_TXT "\x00\x00"), DNS_SERVFAIL,
	    0, true, SPAN("") },
	{ "TLSA", DNS_TLSA, SPAN(HEAD("\x01") AB Q_TLSA RR_TLSA "\x00\x05\x03\x01\x01\xaa\xbb"),
	    DNS_FOUND, 1, false, SPAN("\xaa\xbb") },
	{ "TLSA of three bytes", DNS_TLSA,
	    SPAN(HEAD("\x01") AB Q_TLSA RR_TLSA "\x00\x03\x03\x01\x01"), DNS_SERVFAIL, 0, true,
	    SPAN("") },
	{ "TLSA of no bytes", DNS_TLSA, SPAN(HEAD("\x01") AB Q_TLSA RR_TLSA "\x00\x00"),
	    DNS_SERVFAIL, 0, true, SPAN("") },
	{ "no records", DNS_A, SPAN(HEAD("\x00") AB Q_A), DNS_NODATA, 0, false, SPAN("") },
	{ "fewer records than announced", DNS_A,
	    SPAN(HEAD("\x02") AB Q_A RR_A "\x00\x04\xc0\x00\x02\x01"), DNS_SERVFAIL, 0, false,
	    SPAN("") },
	{ "data longer than the packet", DNS_A,
	    SPAN(HEAD("\x01") AB Q_A RR_A "\x00\x08\xc0\x00\x02\x01"), DNS_SERVFAIL, 0, false,
	    SPAN("") },
	{ "NXDOMAIN", DNS_A, SPAN("\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00" AB Q_A),
	    DNS_NXDOMAIN, 0, false, SPAN("") },
	{ "REFUSED", DNS_A, SPAN("\x12\x34\x81\x85\x00\x01\x00\x00\x00\x00\x00\x00" AB Q_A),
	    DNS_SERVFAIL, 0, false, SPAN("") },
	{ "no question", DNS_A, SPAN("\x12\x34\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00"),
	    DNS_SERVFAIL, 0, false, SPAN("") },
	{ "a head alone", DNS_A, SPAN("\x12\x34\x81\x80\x00\x01\x00\x00"), DNS_SERVFAIL, 0, false,
	    SPAN("") },
	{ "a type that nobody reads", 99,
	    SPAN(HEAD("\x01") AB "\x00\x63\x00\x01"
				 "\xc0\x0c\x00\x63\x00\x01" TTL60 "\x00\x01\x00"),
	    DNS_SERVFAIL, 0, true, SPAN("") },
	{ "nothing", DNS_A, SPAN(""), DNS_SERVFAIL, 0, false, SPAN("") },
};

static void
packets_are_read(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct msg_dns_answer answer;
		struct arena arena;

		arena_init(&arena, LIMIT_DNS_ANSWER);
		packet_read(cases[i].packet, cases[i].type, &arena, &answer);
		expect_number(cases[i].name, answer.status, cases[i].status);
		expect_number(cases[i].name, answer.records.n, cases[i].records);
		expect_number(cases[i].name, answer.malformed, cases[i].malformed);
		if (answer.records.n) {
			const struct item_dns_record *r = &answer.records.v[0];
			expect_span(cases[i].name, r->data.n ? r->data : r->name, cases[i].text);
			expect_number(cases[i].name, answer.ttl, 60);
		}
		arena_free(&arena);
	}
}

/* Every prefix of a good packet, in memory that ends with it. */
static void
cut_packets_are_refused(void **state UNUSED)
{
	const struct span whole = SPAN(
	    HEAD("\x02") AB Q_MX RR_MX "\x00\x04\x00\x0a\xc0\x0c" RR_MX "\x00\x03\x00\x01\x00");

	for (size_t n = 0; n < whole.n; n++) {
		struct msg_dns_answer answer;
		struct arena arena, copy;

		arena_init(&arena, LIMIT_DNS_ANSWER);
		arena_init(&copy, LIMIT_DNS_ANSWER);
		char *p = arena_alloc(&copy, n);
		memcpy(p, whole.p, n);
		packet_read(span_of(p, n), DNS_MX, &arena, &answer);
		expect_number("cut", answer.status, DNS_SERVFAIL);
		arena_free(&arena);
		arena_free(&copy);
	}
}

static void
negative_answers_have_a_time(void **state UNUSED)
{
	const struct span packet =
	    SPAN("\x12\x34\x81\x83\x00\x01\x00\x00\x00\x01\x00\x00" AB Q_A
		 "\x00\x00\x06\x00\x01\x00\x00\x0e\x10\x00\x16\x00\x00"
		 "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01"
		 "\x00\x00\x00\x1e");
	struct msg_dns_answer answer;
	struct arena arena;

	arena_init(&arena, LIMIT_DNS_ANSWER);
	packet_read(packet, DNS_A, &arena, &answer);
	assert_int_equal(answer.status, DNS_NXDOMAIN);
	assert_int_equal(answer.ttl, 30);
	expect_text("canonical", answer.canonical, "a.b");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_read),
		cmocka_unit_test(cut_packets_are_refused),
		cmocka_unit_test(negative_answers_have_a_time),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
