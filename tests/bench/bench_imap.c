/*
 * Measures imapd's FETCH and SEARCH: a mailbox of messages as a deliverer writes them, asked for
 * one thing after another over a pair of sockets, by a client that only reads. Usage: bench_imap
 * [MESSAGES [KEEP]]; KEEP: a file's name, where the Maildir's place is written and left to be
 * measured with another server. Prints one figure a line.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "tests/unit/imapd/rig.h"

#define BATCH  100
#define LINES  50
#define BODY   "This is a line of an ordinary message, of about the usual length of a line.\r\n"
#define NUMBER "MESSAGES is a number from 1 to 1000000\n"

static void
message_put(struct str *out, unsigned i)
{
	str_reset(out);
	str_printf(out,
	    "Return-Path: <sender%u@example.org>\r\nReceived: from mx%u.example.org "
	    "(mx.example.org "
	    "[192.0.2.%u])\r\n\tby mail.example.com (Postern) with ESMTPS id %08x\r\n\tfor "
	    "<anna@example.com>; Mon, 23 Nov 2026 08:00:00 +0100\r\n",
	    i % 997, i % 13, i % 251, i);
	str_printf(out,
	    "From: Somebody Number %u <sender%u@example.org>\r\nTo: Anna <anna@example.com>, "
	    "bert@example.com\r\nSubject: =?utf-8?q?A_message_of_the_usual_kind_=E2=80=93?= %u\r\n",
	    i % 997, i % 997, i);
	str_printf(out,
	    "Date: Mon, 23 Nov 2026 08:%02u:%02u +0100\r\nMessage-ID: "
	    "<%u.1234567890@example.org>\r\n"
	    "References: <%u.1234567890@example.org>\r\nMIME-Version: 1.0\r\n",
	    i / 60 % 60, i % 60, i, i - 1);
	str_puts(out, "Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	for (unsigned k = 0; k < LINES / 2; k++)
		str_puts(out, BODY);
	str_printf(out, "needle%u\r\n", i % 1000);
	str_puts(out, "--=_b\r\nContent-Type: text/html; charset=utf-8\r\n"
		      "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	for (unsigned k = 0; k < LINES / 2; k++)
		str_puts(out, BODY);
	str_puts(out, "--=_b--\r\n");
}

static void
must(enum verdict v, const struct err *err)
{
	if (v == VERDICT_OK)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static void
fill(struct mailbox *mb, unsigned from, unsigned n)
{
	static struct mailbox_addition v[BATCH];
	static struct draft drafts[BATCH];
	struct str text = STR_INIT(1u << 16);
	struct err err = ERR_NONE;

	for (unsigned i = 0; i < n; i++) {
		message_put(&text, from + i);
		must(draft_begin(&drafts[i], mailbox_maildir(mb), mailbox_folder(mb), &err), &err);
		must(draft_put(&drafts[i], str_span(&text), &err), &err);
		must(draft_sync(&drafts[i], 0, &err), &err);
		v[i] = (struct mailbox_addition){ .draft = &drafts[i],
			.flags = i % 3 ? MAIL_SEEN : MAIL_FLAGGED };
	}
	mailbox_add(mb, v, n);
	for (unsigned i = 0; i < n; i++)
		draft_end(&drafts[i]);
	str_free(&text);
}

static const char *const commands[] = {
	"FETCH 1:* FLAGS",
	"UID FETCH 1:* (FLAGS)",
	"UID FETCH 1:* (UID RFC822.SIZE INTERNALDATE FLAGS)",
	"FETCH 1:* ENVELOPE",
	"FETCH 1:* BODYSTRUCTURE",
	"UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date)])",
	"FETCH 1:* BODY.PEEK[HEADER]",
	"FETCH 1:* BODY.PEEK[1]",
	"FETCH 1:* BODY.PEEK[]",
	"SEARCH UNSEEN",
	"SEARCH SUBJECT \"kind\"",
	"SEARCH FROM \"sender5@\"",
	"SEARCH BODY needle5",
	"SEARCH TEXT \"no such words\"",
};

static void
measure_one(struct rig *r, const char *command, const char *how)
{
	uint64_t begun = time_mono(), ns;

	rig_run(r, command);
	ns = time_mono() - begun;
	printf("%10.3f ms %8.3f us each  %.60s%s\n", (double)ns / 1e6,
	    (double)ns / 1e3 / (double)view_count(r->s.view), command, how);
	fflush(stdout);
}

static void
measure(struct rig *r)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		measure_one(r, commands[i], "");
	foreign_remove(r->place, "postern.cache");
	measure_one(r, "FETCH 1:* ENVELOPE", " (nothing is cached)");
}

int
main(int argc, char **argv)
{
	struct rig *r;
	void *state;
	uint64_t n = 10000;

	if (argc > 1 && !num_parse_u64(span_str(argv[1]), 1000000, &n)) {
		fprintf(stderr, NUMBER);
		return 1;
	}
	if (rig_make(&state) != 0)
		return 1;
	r = state;
	for (uint64_t i = 0; i < n; i += BATCH)
		fill(r->mb, (unsigned)i, (unsigned)size_min(BATCH, n - i));
	rig_select(r, false);
	r->discard = true;
	measure(r);
	if (argc > 2) {
		FILE *f = fopen(argv[2], "w");

		if (f)
			fprintf(f, "%s\n", str_cstr(&r->place->path));
		return f && fclose(f) == 0 ? 0 : 1;
	}
	return rig_remove(&state);
}
