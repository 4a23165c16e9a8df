/*
 * STARTTLS and AUTH: every level against servers that offer, refuse or spoil it, that say something
 * in clear behind it, with certificates good and bad; logins over TLS and in clear.
 */
#include "config.h"

#include <fnmatch.h>

#include "tests/unit/event_tls/pki.h"
#include "tests/unit/smtp/stage.h"

#define HI    "> 220 h\n< EHLO me.example\n> 250-h\n> 250 STARTTLS\n"
#define START "< STARTTLS\n> 220 go\ntls\n"
#define AGAIN "< EHLO me.example\n> 250 h\n"
#define MAIL                                                                           \
	"< MAIL\n> 250 Ok\n< RCPT\n> 250 Ok\n< DATA\n> 354 go\ndata\n> 250 2.0.0 Ok\n" \
	"< QUIT\neof\n"
#define PLAIN	     "> 220 h\n< EHLO\n> 250 h\n"
#define OK	     "0 sent 2.0.0 250 2.0.0 Ok\n"
#define OFFER(mechs) "< EHLO me.example\n> 250-h\n> 250 AUTH " mechs "\n"

/* base64 of "\0anna\0secret", "anna", "secret". */
#define ANNA_PLAIN "AGFubmEAc2VjcmV0"
#define ANNA	   "YW5uYQ=="
#define SECRET	   "c2VjcmV0"

enum which { CERT_GOOD, CERT_EXPIRED, CERT_OTHER };

struct row {
	const char *name;
	enum conf_tls_client_level level;
	enum which cert;
	const char *scripts[2];
	const char *user;
	const char *want;
	void (*set)(struct stage *s);
};

static void
wrapper(struct stage *s)
{
	s->conf.smtp_tls_wrappermode = true;
}

static void
by_nexthop(struct stage *s)
{
	s->conf.smtp_tls_verify_cert_match = span_lit("nexthop");
}

static void
plaintext_allowed(struct stage *s)
{
	s->conf.smtp_sasl_security_options = span_lit("noanonymous");
}

static const struct row rows[] = {
	{ "none", CONF_TLS_NONE, CERT_GOOD, { HI MAIL }, NULL, OK, NULL },
	{ "may, offered", CONF_TLS_MAY, CERT_GOOD, { HI START AGAIN MAIL }, NULL, OK, NULL },
	{ "may, a bad certificate is better than none", CONF_TLS_MAY, CERT_EXPIRED,
	    { HI START AGAIN MAIL }, NULL, OK, NULL },
	{ "may, not offered", CONF_TLS_MAY, CERT_GOOD, { PLAIN MAIL }, NULL, OK, NULL },
	{ "may, refused", CONF_TLS_MAY, CERT_GOOD, { HI "< STARTTLS\n> 454 4.7.0 not now\n" MAIL },
	    NULL, OK, NULL },
	{ "may, the handshake fails", CONF_TLS_MAY, CERT_GOOD,
	    { HI "< STARTTLS\n> 220 go\nraw this is no TLS at all\\n\nstall\n", HI MAIL }, NULL, OK,
	    NULL },
	{ "may, the server hangs up", CONF_TLS_MAY, CERT_GOOD,
	    { HI "< STARTTLS\n> 220 go\nclose\n", HI MAIL }, NULL, OK, NULL },
	{ "what is said in clear behind 220 is dropped", CONF_TLS_MAY, CERT_GOOD,
	    { HI "< STARTTLS\nraw 220 go\\n250-h\\n250 AUTH PLAIN\\n\ntls\n" AGAIN MAIL }, "anna",
	    OK, NULL },
	{ "encrypt, offered", CONF_TLS_ENCRYPT, CERT_EXPIRED, { HI START AGAIN MAIL }, NULL, OK,
	    NULL },
	{ "encrypt, not offered", CONF_TLS_ENCRYPT, CERT_GOOD, { PLAIN "< QUIT\neof\n" }, NULL,
	    "0 deferred 4.7.4 TLS is required, but was not offered by host "
	    "h1.example\\[127.0.0.1\\]\n",
	    NULL },
	{ "encrypt, refused", CONF_TLS_ENCRYPT, CERT_GOOD,
	    { HI "< STARTTLS\n> 454 4.7.0 not now\n< QUIT\neof\n" }, NULL,
	    "0 deferred 4.7.4 TLS is required, but host * refused to start TLS: 454 4.7.0 not "
	    "now\n",
	    NULL },
	{ "encrypt, the handshake fails", CONF_TLS_ENCRYPT, CERT_GOOD,
	    { HI "< STARTTLS\n> 220 go\nclose\n", HI MAIL }, NULL,
	    "0 deferred 4.7.5 Cannot start TLS: *\n", NULL },
	{ "encrypt, HELO alone", CONF_TLS_ENCRYPT, CERT_GOOD,
	    { "> 220 h\n< EHLO\n> 502 what\n< HELO\n> 250 h\n< QUIT\neof\n" }, NULL,
	    "0 deferred 4.7.4 *\n", NULL },
	{ "verify, good", CONF_TLS_VERIFY, CERT_GOOD, { HI START AGAIN MAIL }, NULL, OK, NULL },
	{ "verify, expired", CONF_TLS_VERIFY, CERT_EXPIRED, { HI START }, NULL,
	    "0 deferred 4.7.5 Cannot start TLS: *\n", NULL },
	{ "verify, another's name", CONF_TLS_VERIFY, CERT_OTHER, { HI START }, NULL,
	    "0 deferred 4.7.5 Cannot start TLS: *\n", NULL },
	{ "verify, by the next hop", CONF_TLS_VERIFY, CERT_GOOD, { HI START }, NULL,
	    "0 deferred 4.7.5 Cannot start TLS: *\n", by_nexthop },
	{ "secure, the host's name is not enough", CONF_TLS_SECURE, CERT_GOOD, { HI START }, NULL,
	    "0 deferred 4.7.5 Cannot start TLS: *\n", NULL },
	{ "secure, the domain's name", CONF_TLS_SECURE, CERT_OTHER, { HI START AGAIN MAIL }, NULL,
	    OK, NULL },
	{ "wrapper", CONF_TLS_ENCRYPT, CERT_GOOD, { "tls\n> 220 h\n" AGAIN MAIL }, NULL, OK,
	    wrapper },

	{ "AUTH PLAIN over TLS", CONF_TLS_MAY, CERT_GOOD,
	    { HI START OFFER("LOGIN PLAIN") "< AUTH PLAIN " ANNA_PLAIN "\n> 235 2.7.0 Ok\n" MAIL },
	    "anna", OK, NULL },
	{ "AUTH LOGIN over TLS", CONF_TLS_MAY, CERT_GOOD,
	    { HI START OFFER("LOGIN") "< AUTH LOGIN\n> 334 VXNlcm5hbWU6\n< " ANNA
				      "\n> 334 UGFzc3dvcmQ6\n< " SECRET "\n> 235 Ok\n" MAIL },
	    "anna", OK, NULL },
	{ "AUTH offered, nobody to log in", CONF_TLS_MAY, CERT_GOOD,
	    { HI START OFFER("PLAIN") MAIL }, NULL, OK, NULL },
	{ "AUTH not offered", CONF_TLS_MAY, CERT_GOOD, { HI START AGAIN MAIL }, "anna", OK, NULL },
	{ "AUTH refused", CONF_TLS_MAY, CERT_GOOD,
	    { HI START OFFER("PLAIN") "< AUTH PLAIN\n> 535 5.7.8 wrong\n< QUIT\neof\n" }, "anna",
	    "0 deferred 4.7.8 SASL authentication failed; server h1.example\\[127.0.0.1\\] said: "
	    "535 5.7.8 "
	    "wrong\n",
	    NULL },
	{ "AUTH LOGIN that goes on for ever", CONF_TLS_MAY, CERT_GOOD,
	    { HI START OFFER("LOGIN") "< AUTH\n> 334 a\n< " ANNA "\n> 334 b\n< " SECRET
				      "\n> 334 c\n< QUIT\neof\n" },
	    "anna", "0 deferred 4.7.8 *said: 334 c\n", NULL },
	{ "no password in clear", CONF_TLS_NONE, CERT_GOOD,
	    { "> 220 h\n" OFFER("PLAIN LOGIN") "< QUIT\neof\n" }, "anna",
	    "0 deferred 4.7.0 SASL authentication failed: server * offered no compatible *\n",
	    NULL },
	{ "a password in clear, if told so", CONF_TLS_NONE, CERT_GOOD,
	    { "> 220 h\n" OFFER("PLAIN") "< AUTH PLAIN " ANNA_PLAIN "\n> 235 Ok\n" MAIL }, "anna",
	    OK, plaintext_allowed },
	{ "mechanisms that nobody knows", CONF_TLS_MAY, CERT_GOOD,
	    { HI START OFFER("CRAM-MD5 GSSAPI") "< QUIT\neof\n" }, "anna", "0 deferred 4.7.0 *\n",
	    NULL },
};

struct keys {
	struct cert root;
	struct cert host, expired, domain;
	int ca_fd;
	int fds[3];
};

static void
keys_make(struct keys *k)
{
	struct cert_plan root = { .subject = "root", .ca = true };
	struct cert_plan host = { .subject = "h1", .names = "DNS:h1.example" };
	struct cert_plan old = { .subject = "h1", .names = "DNS:h1.example", .expired = true };
	struct cert_plan domain = { .subject = "d", .names = "DNS:dest.example" };

	k->root = pki_cert(pki_key_p256(), &root, NULL);
	k->host = pki_cert(pki_key_p256(), &host, &k->root);
	k->expired = pki_cert(pki_key_p256(), &old, &k->root);
	k->domain = pki_cert(pki_key_p256(), &domain, &k->root);
	k->ca_fd = pki_file();
	pki_put_cert(k->ca_fd, &k->root);
	k->fds[CERT_GOOD] = pki_chain_file(&k->host);
	k->fds[CERT_EXPIRED] = pki_chain_file(&k->expired);
	k->fds[CERT_OTHER] = pki_chain_file(&k->domain);
}

static void
keys_free(struct keys *k)
{
	pki_cert_free(&k->root);
	pki_cert_free(&k->host);
	pki_cert_free(&k->expired);
	pki_cert_free(&k->domain);
}

static struct tls_context *
server_context(int chain_fd)
{
	struct tls_settings settings = {
		.service = "test", .chain_fd = chain_fd, .ca_fd = -1, .protocols = ">=TLSv1.2"
	};
	struct tls_context *ctx;
	struct err err = ERR_NONE;

	if (tls_context_new_server(&settings, &ctx, &err) != VERDICT_OK)
		fail_msg("%s", err.text);
	return ctx;
}

SUSPENDS
static void
deliver(struct stage *s)
{
	stage_deliver(s);
}

static bool
check_row(const struct row *row, const struct stage *s, const char *results)
{
	struct span heard = str_span(&s->peers[0].heard);

	if (fnmatch(row->want, results, 0) == 0 &&
	    span_find_span(heard, span_lit("?? ")) == heard.n)
		return true;
	print_error(
	    "%s:\ngot:  %swant: %sheard: %.*s", row->name, results, row->want, SPAN_ARG(heard));
	return false;
}

static void
levels_are_held(void **state UNUSED)
{
	static struct stage s;
	struct keys keys;
	unsigned bad = 0;

	keys_make(&keys);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct err err = ERR_NONE;
		loop_init();
		stage_set(&s);
		s.conf.smtp_tls_security_level = row->level;
		s.conf.smtp_sasl_auth_enable = true;
		s.user = row->user;
		if (row->set)
			row->set(&s);
		if (tls_prepare(&s.client, keys.ca_fd, &err) != VERDICT_OK)
			fail_msg("%s: %s", row->name, err.text);
		s.peers[0].tls = server_context(keys.fds[row->cert]);
		s.peers[0].scripts[0] = row->scripts[0];
		s.peers[0].scripts[1] = row->scripts[1];
		stage_run(&s, deliver);
		bad += !check_row(row, &s, str_cstr(&s.results));
		tls_context_free(s.peers[0].tls);
		stage_free(&s);
	}
	keys_free(&keys);
	assert_int_equal(bad, 0);
}

static void
levels_that_cannot_be_had_are_refused(void **state UNUSED)
{
	static const struct {
		enum conf_tls_client_level level;
		bool wrapper;
	} refused[] = {
		{ CONF_TLS_DANE, false },
		{ CONF_TLS_DANE_ONLY, false },
		{ CONF_TLS_VERIFY, false }, /* no CA file */
		{ CONF_TLS_MAY, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct conf conf = { .smtp_tls_security_level = refused[i].level,
			.smtp_tls_wrappermode = refused[i].wrapper,
			.smtp_tls_protocols = SPAN(""),
			.smtp_tls_mandatory_protocols = SPAN("") };
		struct client c = { .conf = &conf };
		struct err err = ERR_NONE;
		expect_number("level", tls_prepare(&c, -1, &err), VERDICT_PERM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_held),
		cmocka_unit_test(levels_that_cannot_be_had_are_refused),
	};

	return cmocka_run_group_tests_name("secure", tests, NULL, NULL);
}
