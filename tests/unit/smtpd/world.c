/*
 * The servers around smtpd, made up: each is a channel in this process whose handlers answer at
 * once from a few rules and from the plan's tables. Messages end up in a memory file and as a line
 * of text. Nothing here is smtpd's; it is what the tests of smtpd stand on.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "tests/unit/smtpd/world.h"
#include "tests/unit/unit.h"

#define TEXT_MAX (64u << 20)

static bool
ends(struct span s, const char *suffix)
{
	return span_ends(s, span_str(suffix));
}

static void
fake_resolve(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_resolve *ask = msg;
	struct item_recipient one[2] = { { .address = ask->address,
	    .transport = span_lit("local"),
	    .nexthop = span_lit("example.test") } };
	struct msg_resolved reply = { .class = ADDRESS_DEFAULT, .recipients = { one, 1 } };
	struct err err = ERR_NONE;

	(void)arg;
	if (ends(ask->address, "@example.test") || span_find(ask->address, '@') == ask->address.n)
		reply.class = ADDRESS_LOCAL;
	else if (ends(ask->address, "@relay.test"))
		reply.class = ADDRESS_RELAY;
	if (reply.class != ADDRESS_DEFAULT && span_starts(ask->address, span_lit("unknown"))) {
		err_mail(&err, 550, "5.1.1",
		    "<%.*s>: Recipient address rejected: User unknown in local recipient table",
		    SPAN_ARG(ask->address));
		ipc_fail(req, &err);
	} else if (span_starts(ask->address, span_lit("temp"))) {
		err_mail(
		    &err, 451, "4.3.0", "<%.*s>: Temporary lookup failure", SPAN_ARG(ask->address));
		ipc_fail(req, &err);
	} else {
		if (span_starts(ask->address, span_lit("team@"))) {
			one[1] = one[0];
			one[0].address = span_lit("a@example.test");
			one[1].address = span_lit("b@example.test");
			reply.recipients.n = 2;
		}
		ipc_reply(req, &ipc_resolved, &reply);
	}
}

/* Who is old is new; what is unknown* of ours is not there. */
static void
fake_sender(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_rewrite_sender *ask = msg;
	struct msg_sender_rewritten reply = { .address = ask->address, .class = ADDRESS_DEFAULT };
	struct err err = ERR_NONE;

	(void)arg;
	if (ends(ask->address, "@example.test")) {
		reply.class = ADDRESS_LOCAL;
		reply.unknown = span_starts(ask->address, span_lit("unknown"));
	}
	if (span_eq(ask->address, span_lit("old@b.test")))
		reply.address = span_lit("new@b.test");
	if (span_starts(ask->address, span_lit("temp"))) {
		err_set(&err, VERDICT_TEMP, "a table is away");
		ipc_fail(req, &err);
	} else {
		ipc_reply(req, &ipc_sender_rewritten, &reply);
	}
}

static void
fake_lookup(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_lookup *ask = msg;
	struct world *w = arg;
	struct msg_looked_up reply = {
		{ mem_alloc_array(ask->questions.n, sizeof(struct item_finding)), ask->questions.n }
	};

	w->lookups++;
	for (uint32_t i = 0; i < ask->questions.n; i++) {
		const struct item_question *q = &ask->questions.v[i];
		reply.findings.v[i].status = LOOKUP_ABSENT;
		for (size_t k = 0; k < w->plan->entries_n; k++) {
			const struct world_entry *e = &w->plan->entries[k];
			if (!span_eq(q->table, span_str(e->table)) ||
			    !span_eq(q->key, span_str(e->key)))
				continue;
			reply.findings.v[i].status =
			    e->value[0] == '!' ? LOOKUP_FAILED : LOOKUP_FOUND;
			reply.findings.v[i].value = span_str(e->value);
			break;
		}
	}
	ipc_reply(req, &ipc_looked_up, &reply);
	mem_free(reply.findings.v);
}

static void
fake_open(struct ipc_request *req, const void *msg, void *arg)
{
	struct world *w = arg;
	struct msg_queue_opened reply = { .handle = ++w->next_handle, .content_at = 0 };
	struct err err = ERR_NONE;

	(void)msg;
	if (w->plan->open_fails) {
		err_mail(&err, 452, "4.3.1", "Insufficient system storage");
		ipc_fail(req, &err);
		return;
	}
	reply.content = memfd_create("content", MFD_CLOEXEC);
	if (w->content_fd >= 0)
		close(w->content_fd);
	w->content_fd = dup(reply.content);
	ipc_reply(req, &ipc_queue_opened, &reply);
	close(reply.content);
}

static void
commit_put(struct world *w, const struct msg_queue_commit *m)
{
	struct str *out = &w->committed;
	char *p;

	str_printf(out, "from=<%.*s> login=%.*s envid=%.*s ret=%u flags=%u client=%.*s",
	    SPAN_ARG(m->sender), SPAN_ARG(m->login), SPAN_ARG(m->envid), m->ret, m->flags,
	    SPAN_ARG(m->client));
	for (uint32_t i = 0; i < m->recipients.n; i++) {
		const struct item_recipient *r = &m->recipients.v[i];
		str_printf(out, " to=<%.*s>", SPAN_ARG(r->address));
		if (!span_eq(r->original, r->address))
			str_printf(out, "(%.*s)", SPAN_ARG(r->original));
		if (r->orcpt.n || r->notify)
			str_printf(out, "[%.*s %u]", SPAN_ARG(r->orcpt), r->notify);
	}
	str_putc(out, '\n');
	assert_int_equal(m->extents.n, 1);
	p = str_reserve(out, m->extents.v[0].size);
	assert_non_null(p);
	assert_int_equal(
	    sys_pread_all(w->content_fd, p, m->extents.v[0].size, 0), m->extents.v[0].size);
	str_grew(out, m->extents.v[0].size);
}

static void
fake_commit(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_queue_commit *m = msg;
	struct world *w = arg;
	struct msg_queue_committed reply = { m->queue_id };
	struct err err = ERR_NONE;

	if (w->plan->commit_fails) {
		err_mail(&err, 452, "4.3.1", "queue file write error");
		ipc_fail(req, &err);
		return;
	}
	w->commits++;
	commit_put(w, m);
	ipc_reply(req, &ipc_queue_committed, &reply);
}

static void
fake_abort(struct ipc_request *req, const void *msg, void *arg)
{
	struct world *w = arg;

	(void)msg;
	w->aborts++;
	ipc_done(req);
}

static void
record_put(const struct world_record *r, struct item_dns_record *out, char data[16])
{
	*out = (struct item_dns_record){ .preference = 10 };
	if (r->type == DNS_A || r->type == DNS_AAAA) {
		inet_pton(r->type == DNS_A ? AF_INET : AF_INET6, r->data, data);
		out->data = span_of(data, r->type == DNS_A ? 4 : 16);
	} else if (r->type == DNS_TXT) {
		out->data = span_str(r->data);
	} else {
		out->name = span_str(r->data);
	}
}

static void
fake_dns(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_dns_query *ask = msg;
	struct world *w = arg;
	struct item_dns_record records[8];
	char data[8][16];
	struct msg_dns_answer reply = { .status = DNS_NXDOMAIN, .records = { records, 0 } };

	w->dns_queries++;
	for (size_t i = 0; i < w->plan->records_n && reply.records.n < 8; i++) {
		const struct world_record *r = &w->plan->records[i];
		if (!span_eq_nocase(ask->name, span_str(r->name)))
			continue;
		if (reply.status == DNS_NXDOMAIN)
			reply.status = DNS_NODATA;
		if (r->data[0] == '!' && r->data[1] == '\0')
			reply.status = DNS_SERVFAIL;
		else if (r->type == ask->type) {
			record_put(r, &records[reply.records.n], data[reply.records.n]);
			reply.records.n++;
			reply.status = DNS_FOUND;
		}
	}
	ipc_reply(req, &ipc_dns_answer, &reply);
}

static void
fake_verify(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_auth_verify *m = msg;
	struct world *w = arg;
	struct msg_auth_result reply = { .login = m->user, .account = m->user };
	struct err err = ERR_NONE;

	str_printf(&w->asked, "%.*s %.*s %.*s [%.*s] tls=%d\n", SPAN_ARG(m->mechanism),
	    SPAN_ARG(m->user), SPAN_ARG(m->password), SPAN_ARG(m->act_as), m->tls);
	if (span_starts(m->user, span_lit("temp")))
		err_mail(&err, 454, "4.7.0", "the database is away");
	else if (!span_eq(m->password, span_lit("secret")))
		err_mail(&err, 535, "5.7.8", "authentication failure");
	if (err.reply)
		ipc_fail(req, &err);
	else
		ipc_reply(req, &ipc_auth_result, &reply);
}

static void
fake_count(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_anvil_count *m = msg;
	struct world *w = arg;
	struct msg_anvil_counted reply = { .open = w->plan->open_limit };

	w->anvil[m->kind] += m->n;
	reply.rate = w->anvil[m->kind];
	ipc_reply(req, &ipc_anvil_counted, &reply);
}

static void
fake_note(struct ipc_request *req, const void *msg, void *arg)
{
	const struct msg_anvil_note *m = msg;
	struct world *w = arg;

	w->anvil[m->kind] += m->n;
	ipc_done(req);
}

static const struct ipc_permit permits[] = {
	{ &ipc_resolve, fake_resolve },
	{ &ipc_lookup, fake_lookup },
	{ &ipc_rewrite_sender, fake_sender },
	{ &ipc_queue_open, fake_open },
	{ &ipc_queue_commit, fake_commit },
	{ &ipc_queue_abort, fake_abort },
	{ &ipc_dns_query, fake_dns },
	{ &ipc_auth_verify, fake_verify },
	{ &ipc_anvil_count, fake_count },
	{ &ipc_anvil_note, fake_note },
};
static const struct ipc_service serves = { "smtpd", permits, ARRAY_LEN(permits), NULL, NULL };
static const struct ipc_service asks_nothing = { .name = "server" };

static const char *const servers[WORLD_SERVERS] = { "rewrite", "qmgr", "dns", "authd", "anvil" };

/* As service_channel finds it; without the channel it is one that master refuses. */
static void
server_add(struct world *w, size_t i)
{
	struct service_peer *p = mem_alloc(sizeof(*p));
	bool absent = (w->plan->no_dns && i == 2) || (w->plan->no_anvil && i == 4);
	int fds[2];

	memcpy(p->name, servers[i], strlen(servers[i]));
	p->ctx = &w->ctx;
	waitq_init(&p->waiting);
	list_push(&w->ctx.peers, &p->node);
	if (absent)
		return;
	assert_int_equal(ipc_pair(fds), 0);
	w->server_end[i] = ipc_open(w->ctx.ipc, fds[0], &serves, w);
	p->channel = w->client_end[i] = ipc_open(w->ctx.ipc, fds[1], &asks_nothing, NULL);
}

static void
conf_make(struct world *w)
{
	const struct conf_host host = { .name = SPAN("mx.example.test") };
	struct conf_problems *problems = conf_problems_new();
	struct str text = STR_INIT(TEXT_MAX);
	struct conf_source *source;
	struct err err = ERR_NONE;

	str_puts(&text, "myhostname = mx.example.test\nmynetworks = 10.0.0.0/8\n"
			"smtpd_error_sleep_time = 0\n");
	str_puts(&text, w->plan->main_cf ? w->plan->main_cf : "");
	source = conf_parse("/etc/postern", str_span(&text), span_lit(""), &host, problems);
	for (size_t i = 0; i < 5 && conf_problems_get(problems, i); i++)
		print_message("%.*s\n", SPAN_ARG(conf_problems_get(problems, i)->text));
	assert_int_equal(conf_snapshot_seal(source, NULL, 1, &w->conf_fd, &err), VERDICT_OK);
	assert_int_equal(conf_snapshot_open(w->conf_fd, &w->ctx.conf, &err), VERDICT_OK);
	conf_free(source);
	conf_problems_free(problems);
	str_free(&text);
}

static void
listen_make(struct world *w)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(w->listen_fd, 16), 0);
}

static void
came(int fd, void *arg)
{
	struct world *w = arg;

	w->sessions++;
	smtpd_accept(&w->ctx, fd, 0);
}

bool
world_begin(struct world *w, const struct world_plan *plan)
{
	enum verdict v;

	*w = (struct world){ .plan = plan, .content_fd = -1, .conf_fd = -1 };
	str_init(&w->committed, TEXT_MAX);
	str_init(&w->asked, TEXT_MAX);
	str_init(&w->log, TEXT_MAX);
	w->log_fd = memfd_create("log", MFD_CLOEXEC);
	log_open("smtpd", w->log_fd, true);
	list_init(&w->ctx.peers);
	list_init(&w->ctx.requests);
	control_set_name(&w->ctx.birth.msg, plan->service ? plan->service : "smtp");
	if (plan->chain_fd > 0) {
		w->ctx.birth.msg.fd_kinds[0] = BIRTH_FD_CHAIN;
		w->ctx.birth.fds[0] = plan->chain_fd;
		w->ctx.birth.fds_n = 1;
	}
	conf_make(w);
	loop_init();
	w->ctx.ipc = ipc_new(1);
	for (size_t i = 0; i < WORLD_SERVERS; i++)
		server_add(w, i);
	listen_make(w);
	w->ctx.control.fd = -1;
	v = smtpd_prepare(&w->ctx, &w->err);
	w->smtpd = service_state(&w->ctx);
	w->ctx.listeners[0] = listener_start(w->listen_fd, 100, came, w);
	return v == VERDICT_OK;
}

void
world_end(struct world *w)
{
	listener_stop(w->ctx.listeners[0]);
	loop_fini();
	listener_free(w->ctx.listeners[0]);
	ipc_free(w->ctx.ipc);
	smtpd_free(w->smtpd);
	conf_snapshot_close(&w->ctx.conf);
	for (struct list *node; (node = list_pop(&w->ctx.peers)) != NULL;)
		mem_free(LIST_ITEM(node, struct service_peer, node));
	if (w->content_fd >= 0)
		close(w->content_fd);
	close(w->listen_fd);
	close(w->conf_fd);
	log_open("test", STDERR_FILENO, true);
	close(w->log_fd);
	str_free(&w->committed);
	str_free(&w->asked);
	str_free(&w->log);
}

int
world_connect(struct world *w)
{
	int fd = world_connect_from(w, INADDR_LOOPBACK + 1);

	assert_true(fd >= 0);
	return fd;
}

int
world_connect_from(struct world *w, uint32_t address)
{
	struct sockaddr_in own = { .sin_family = AF_INET }, server;
	socklen_t len = sizeof(server);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	own.sin_addr.s_addr = htonl(address);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(getsockname(w->listen_fd, (struct sockaddr *)&server, &len), 0);
	if (connect(fd, (struct sockaddr *)&server, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
log_take(struct world *w)
{
	off_t size;
	char *p;

	log_flush();
	size = lseek(w->log_fd, 0, SEEK_END);
	str_reset(&w->log);
	p = str_reserve(&w->log, (size_t)size);
	assert_int_equal(sys_pread_all(w->log_fd, p, (size_t)size, 0), size);
	str_grew(&w->log, (size_t)size);
}

static bool
logged(struct world *w, const char *text)
{
	log_take(w);
	return span_find_span(str_span(&w->log), span_str(text)) < w->log.n;
}

void
expect_logged(struct world *w, const char *name, const char *text)
{
	if (!logged(w, text))
		fail_msg("%s: not logged: \"%s\", but:\n%s", name, text, str_cstr(&w->log));
}

void
expect_not_logged(struct world *w, const char *name, const char *text)
{
	if (logged(w, text))
		fail_msg("%s: logged: \"%s\":\n%s", name, text, str_cstr(&w->log));
}
