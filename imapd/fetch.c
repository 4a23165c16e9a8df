/*
 * The answer to FETCH for one message: RFC 9051 7.5.2, from what the index, the cache and the file
 * know, in that order. Called by cmd_fetch.c. Owns the job: a letter, and the answers that are not
 * sent yet, which leave in blocks of SEND_AT bytes. A message that turns out to be gone is not told
 * of at all, so what is gathered of it is cut off again.
 */
#include "config.h"

#include "imapd/fetch.h"

#include <sys/socket.h>

#include "message/date.h"
#include "message/envelope.h"

#define SEND_AT 32768 /* bytes: what a stream sends at once */

static enum verdict
put_flags(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err UNUSED)
{
	str_puts(&job->out, "FLAGS ");
	flags_put(&job->out, job->session->view, &job->letter.mail);
	return VERDICT_OK;
}

static enum verdict
put_date(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err UNUSED)
{
	str_puts(&job->out, "INTERNALDATE \"");
	date_put_imap(&job->out, (struct date){ job->letter.mail.date, 0 });
	str_putc(&job->out, '"');
	return VERDICT_OK;
}

static enum verdict
put_size(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err)
{
	uint64_t size;
	enum verdict v = letter_vsize(&job->letter, &size, err);

	str_puts(&job->out, "RFC822.SIZE ");
	str_put_u64(&job->out, size);
	return v;
}

static enum verdict
put_modseq(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err UNUSED)
{
	str_puts(&job->out, "MODSEQ (");
	str_put_u64(&job->out, job->letter.mail.modseq);
	str_putc(&job->out, ')');
	return VERDICT_OK;
}

/* RFC 8474 5.1, 5.2. */
static enum verdict
put_email_id(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err UNUSED)
{
	str_printf(&job->out, "EMAILID (M%016llx)", (unsigned long long)job->letter.mail.id);
	return VERDICT_OK;
}

static enum verdict
put_thread_id(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err UNUSED)
{
	str_puts(&job->out, "THREADID NIL");
	return VERDICT_OK;
}

static enum verdict
put_envelope(struct fetch_job *job, const struct fetch_item *item UNUSED, struct err *err)
{
	const struct mime_part *root;
	enum verdict v = letter_parts(&job->letter, &root, err);

	if (v == VERDICT_OK && root->envelope) {
		str_puts(&job->out, "ENVELOPE ");
		envelope_put(&job->out, root);
	}
	return v;
}

static enum verdict
put_structure(struct fetch_job *job, const struct fetch_item *item, struct err *err)
{
	const struct mime_part *root;
	enum verdict v = letter_parts(&job->letter, &root, err);

	if (v == VERDICT_OK) {
		str_put(&job->out, item->kind->name);
		str_putc(&job->out, ' ');
		body_put(&job->out, root, span_eq(item->kind->name, span_lit("BODYSTRUCTURE")));
	}
	return v;
}

#define BODY_TRAITS   (FETCH_SECTION | FETCH_TEXTS | FETCH_PARTIAL)
#define BINARY_TRAITS (FETCH_SECTION | FETCH_PARTIAL)

static const struct fetch_kind kinds[] = {
	{ SPAN("FLAGS"), SPAN(""), FETCH_FLAGS, SECTION_ALL, put_flags },
	{ SPAN("UID"), SPAN(""), 0, SECTION_ALL, NULL },
	{ SPAN("RFC822.SIZE"), SPAN(""), 0, SECTION_ALL, put_size },
	{ SPAN("INTERNALDATE"), SPAN(""), 0, SECTION_ALL, put_date },
	{ SPAN("ENVELOPE"), SPAN(""), 0, SECTION_ALL, put_envelope },
	{ SPAN("BODYSTRUCTURE"), SPAN(""), 0, SECTION_ALL, put_structure },
	{ SPAN("BODY"), SPAN(""), 0, SECTION_ALL, put_structure },
	{ SPAN("BODY"), SPAN(""), BODY_TRAITS | FETCH_SEEN, SECTION_ALL, fetch_put_body },
	{ SPAN("BODY.PEEK"), SPAN("BODY"), BODY_TRAITS, SECTION_ALL, fetch_put_body },
	{ SPAN("RFC822"), SPAN(""), FETCH_SEEN, SECTION_ALL, fetch_put_body },
	{ SPAN("RFC822.HEADER"), SPAN(""), 0, SECTION_HEADER, fetch_put_body },
	{ SPAN("RFC822.TEXT"), SPAN(""), FETCH_SEEN, SECTION_TEXT, fetch_put_body },
	{ SPAN("BINARY"), SPAN(""), BINARY_TRAITS | FETCH_SEEN, SECTION_ALL, fetch_put_binary },
	{ SPAN("BINARY.PEEK"), SPAN("BINARY"), BINARY_TRAITS, SECTION_ALL, fetch_put_binary },
	{ SPAN("BINARY.SIZE"), SPAN(""), FETCH_SECTION, SECTION_ALL, fetch_put_binary_size },
	{ SPAN("MODSEQ"), SPAN(""), FETCH_CONDSTORE, SECTION_ALL, put_modseq },
	{ SPAN("EMAILID"), SPAN(""), 0, SECTION_ALL, put_email_id },
	{ SPAN("THREADID"), SPAN(""), 0, SECTION_ALL, put_thread_id },
};

const struct fetch_kind *
fetch_kind_find(struct span name, bool section)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (section == ((kinds[i].traits & FETCH_SECTION) != 0) &&
		    span_eq_nocase(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

void
fetch_begin(struct fetch_job *job, struct session *s, const struct fetch *fetch)
{
	job->session = s;
	job->fetch = fetch;
	job->begin = 0;
	job->cut = false;
	letter_init(&job->letter, view_mailbox(s->view));
	str_init(&job->out, LIMIT_IMAP_ANSWER);
	str_init(&job->scratch, LIMIT_HEADER_BLOCK);
}

/* All that has gathered. What is sent of a message cannot be taken back. */
SUSPENDS
enum verdict
fetch_send(struct fetch_job *job)
{
	bool here = session_put(job->session, str_span(&job->out));

	if (job->begin < job->out.n)
		job->cut = true;
	job->begin = 0;
	str_reset(&job->out);
	return here ? VERDICT_OK : VERDICT_EOF;
}

SUSPENDS
enum verdict
fetch_flush(struct fetch_job *job)
{
	return job->out.n >= SEND_AT ? fetch_send(job) : VERDICT_OK;
}

SUSPENDS
bool
fetch_end(struct fetch_job *job)
{
	bool here = job->out.n == 0 || fetch_send(job) == VERDICT_OK;

	letter_free(&job->letter);
	str_free(&job->out);
	str_free(&job->scratch);
	return here;
}

/* The items, with a blank before each but the first. */
SUSPENDS
static enum verdict
put_items(struct fetch_job *job, bool seen, struct err *err)
{
	const struct fetch *f = job->fetch;
	enum verdict v = VERDICT_OK;
	size_t shown = 0;

	if (f->uid) {
		str_puts(&job->out, "UID ");
		str_put_u64(&job->out, job->letter.mail.uid);
		shown++;
	}
	for (size_t i = 0; i < f->n && v == VERDICT_OK; i++) {
		if (shown++ > 0)
			str_putc(&job->out, ' ');
		v = f->item[i].kind->put(job, &f->item[i], err);
	}
	if (v == VERDICT_OK && seen && !f->flags) {
		str_puts(&job->out, shown > 0 ? " " : "");
		(void)put_flags(job, NULL, err);
	}
	/* Half an answer is none. */
	if (v == VERDICT_OK && job->out.full)
		v = err_set(err, VERDICT_LIMIT, "the answer is too long");
	return v;
}

/* The client has half an answer, which cannot be ended. What it gets no end of it will ask for
 * again. */
static enum verdict
leave(struct fetch_job *job)
{
	job->session->quit = true;
	(void)shutdown(stream_fd(job->session->io), SHUT_RDWR);
	return VERDICT_EOF;
}

SUSPENDS
enum verdict
fetch_message(struct fetch_job *job, size_t i, const struct mail *mail, bool seen, struct err *err)
{
	enum verdict v;

	job->begin = job->out.n;
	job->cut = false;
	letter_begin(&job->letter, mail);
	str_puts(&job->out, "* ");
	str_put_u64(&job->out, i + 1);
	str_puts(&job->out, " FETCH (");
	v = put_items(job, seen, err);
	if (v == VERDICT_OK) {
		str_puts(&job->out, ")\r\n");
		job->begin = job->out.n;
		return fetch_flush(job);
	}
	if (job->cut)
		v = leave(job);
	job->out.full = false;
	str_cut(&job->out, job->begin);
	return v;
}
