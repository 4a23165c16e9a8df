/*
 * The front of a login half: settings and TLS, connections as they come, the life of each. Called
 * by imapd and pop3d. Owns the TLS context and every struct login. A client that has too many
 * connections is told so and left; at a shutdown those in the dialogue are cancelled, those that
 * are carried are told to end.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/sys.h"
#include "login/login_impl.h"

#define GOODBYE_S 5 /* for what is written last */
#define COUNT_S	  2 /* for anvil, which answers at once or not at all */

/* The keys that all workers share; without them each has its own, and resumption rarely works. */
static void
front_take_keys(struct login_front *f)
{
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	int fd = service_fd(f->ctx, BIRTH_FD_KEYS, 0);

	if (fd >= 0 && sys_pread_all(fd, keys, sizeof(keys), 0) == (ssize_t)sizeof(keys))
		tls_context_set_ticket_keys(f->tls, keys);
	mem_wipe(keys, sizeof(keys));
}

static enum verdict
front_make_tls(struct login_front *f, struct err *err)
{
	const struct conf *conf = service_conf(f->ctx);
	char *protocols = mem_strdup(conf->smtpd_tls_protocols);
	const struct tls_settings settings = {
		.service = f->settings.service,
		.chain_fd = service_fd(f->ctx, BIRTH_FD_CHAIN, 0),
		.ca_fd = -1,
		.protocols = protocols,
	};
	enum verdict v = VERDICT_OK;

	if (settings.chain_fd >= 0)
		v = tls_context_new_server(&settings, &f->tls, err);
	mem_free(protocols);
	if (v == VERDICT_OK && f->tls)
		front_take_keys(f);
	return v;
}

enum verdict
login_front_new(struct service_ctx *ctx, const struct login_settings *settings,
    struct login_front **out, struct err *err)
{
	struct login_front *f = mem_alloc(sizeof(*f));
	enum verdict v;

	f->ctx = ctx;
	f->settings = *settings;
	list_init(&f->logins);
	v = front_make_tls(f, err);
	if (v == VERDICT_OK && !f->tls && (settings->tls_wrapper || settings->tls_needed))
		log_event(LOG_LEVEL_WARNING, "no certificate: %s has no TLS to offer",
		    settings->tls_wrapper ? "a service that begins with TLS" : settings->service);
	if (v == VERDICT_OK)
		*out = f;
	else
		mem_free(f);
	return v;
}

void
login_front_free(struct login_front *front)
{
	assert(list_empty(&front->logins));
	tls_context_free(front->tls);
	mem_free(front);
}

const char *
login_peer(const struct login *l)
{
	struct str name = STR_INIT(64);
	const char *text;

	str_printf(&name, "%s[%s]", l->loopback ? "localhost" : "unknown", l->client);
	text = log_escape(str_span(&name));
	str_free(&name);
	return text;
}

void
login_hold(struct login *l)
{
	l->holders++;
}

static void
uncount(struct login *l)
{
	const struct msg_anvil_note note = { .service = span_str(service_name(l->front->ctx)),
		.key = span_str(l->client),
		.kind = ANVIL_DISCONNECT,
		.n = 1 };

	if (l->counted)
		service_note(l->front->ctx, "anvil", l->trace, &ipc_anvil_note, &note);
}

void
login_release(struct login *l)
{
	struct service_ctx *ctx = l->front->ctx;

	if (--l->holders > 0)
		return;
	log_event(LOG_LEVEL_INFO, "disconnect from %s", login_peer(l));
	uncount(l);
	login_forget(l);
	list_remove(&l->node);
	if (l->inner)
		stream_free(l->inner);
	if (l->io)
		stream_free(l->io);
	if (l->fd >= 0)
		close(l->fd);
	if (l->state) {
		mem_wipe(l->state, l->state_n);
		mem_free(l->state);
	}
	str_free(&l->record);
	service_session_over(ctx, l->listener);
	mem_free(l);
	service_idle(ctx);
}

/* Its address as text; IPv4 in IPv6's clothes as IPv4. */
static void
learn_client(struct login *l)
{
	struct sockaddr_storage addr = { 0 };
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&addr;
	const void *ip = &((const struct sockaddr_in *)&addr)->sin_addr;
	socklen_t len = sizeof(addr);
	int family;

	memcpy(l->client, "unknown", sizeof("unknown"));
	if (getpeername(stream_fd(l->io), (struct sockaddr *)&addr, &len) < 0)
		return;
	family = addr.ss_family;
	if (family == AF_INET6) {
		ip = &six->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
			ip = &six->sin6_addr.s6_addr[12];
			family = AF_INET;
		}
	} else if (family != AF_INET) {
		return;
	}
	inet_ntop(family, ip, l->client, sizeof(l->client));
	l->loopback = strncmp(l->client, "127.", 4) == 0 || strcmp(l->client, "::1") == 0;
}

/* Asks anvil; who cannot be counted may come in. */
SUSPENDS
static bool
client_has_too_many(struct login *l)
{
	struct login_front *f = l->front;
	const struct msg_anvil_count ask = { .service = span_str(service_name(f->ctx)),
		.key = span_str(l->client),
		.kind = ANVIL_CONNECT,
		.n = 1 };
	struct msg_anvil_counted counted;
	struct arena arena;
	enum verdict v;

	if (f->settings.client_max == 0 || l->loopback)
		return false;
	arena_init(&arena, 1024);
	v = service_call(f->ctx, "anvil", l->trace, &ipc_anvil_count, &ask, &ipc_anvil_counted,
	    &counted, &arena, deadline_after_s(COUNT_S), NULL);
	arena_free(&arena);
	l->counted = v == VERDICT_OK;
	if (v != VERDICT_OK || counted.open <= f->settings.client_max)
		return false;
	log_event(LOG_LEVEL_WARNING,
	    "Connection concurrency limit exceeded: %u from %s for service %s", counted.open,
	    login_peer(l), service_name(f->ctx));
	return true;
}

SUSPENDS
static void
login_serve(struct login *l)
{
	const struct login_settings *settings = &l->front->settings;

	if (settings->tls_wrapper && login_start_tls(l) != VERDICT_OK)
		return;
	if (client_has_too_many(l))
		settings->refuse(l, span_lit("too many connections from your address"));
	else
		settings->dialogue(l);
	if (l->io)
		(void)stream_flush(l->io, deadline_after_s(GOODBYE_S));
}

FIBER_MAIN
static void
login_run(void *arg)
{
	struct login *l = arg;

	learn_client(l);
	log_event(LOG_LEVEL_INFO, "connect from %s", login_peer(l));
	login_serve(l);
	l->fiber = NULL;
	login_release(l);
}

void
login_accept(struct login_front *front, int fd, unsigned listener)
{
	struct login *l = mem_alloc(sizeof(*l));

	l->front = front;
	l->listener = listener;
	l->holders = 1;
	l->fd = -1;
	l->trace = rand_u64();
	l->until = time_mono() + front->settings.timeout;
	str_init(&l->name, LIMIT_ADDRESS);
	str_init(&l->record, LIMIT_LOGIN_STATE);
	waitq_init(&l->changed);
	l->io = stream_new(fd);
	stream_set_write_timeout(l->io, LIMIT_LOGIN_STALL * UINT64_C(1000));
	l->fiber = fiber_spawn("login", login_run, l);
	if (!l->fiber) {
		stream_free(l->io);
		mem_free(l);
		service_session_over(front->ctx, listener);
		return;
	}
	list_push(&front->logins, &l->node);
	service_busy(front->ctx);
}

void
login_front_stop(struct login_front *front)
{
	if (!service_shutdown(front->ctx))
		return;
	list_foreach (node, after, &front->logins) {
		struct login *l = LIST_ITEM(node, struct login, node);

		if (l->channel)
			carry_end(l);
		else if (l->fiber)
			fiber_cancel(l->fiber);
	}
}
