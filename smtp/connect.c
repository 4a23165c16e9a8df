/*
 * Connects to a hop, TCP or a local socket, without blocking. Called by session.c. The socket is
 * made non-blocking at birth: the cage does not let anybody change that later. Says what went wrong
 * in the words that log readers know.
 */
#include "config.h"

#include "smtp/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sys.h"

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

void
hop_put(struct str *out, const struct conf *conf, const struct hop *hop, bool port)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (hop->path.n) {
		str_printf(out, "%.*s[%.*s]", SPAN_ARG(conf->myhostname), SPAN_ARG(hop->path));
		return;
	}
	inet_ntop(hop->ip.size == 4 ? AF_INET : AF_INET6, hop->ip.byte, text, sizeof(text));
	str_printf(out, "%.*s[%s]", SPAN_ARG(hop->host), text);
	if (port)
		str_printf(out, ":%u", hop->port);
}

static bool
address_make(const struct hop *hop, union address *out, socklen_t *n_out)
{
	*out = (union address){ .any = { 0 } };
	if (hop->path.n) {
		if (hop->path.n >= sizeof(out->un.sun_path))
			return false;
		out->un.sun_family = AF_UNIX;
		memcpy(out->un.sun_path, hop->path.p, hop->path.n);
		*n_out = sizeof(out->un);
	} else if (hop->ip.size == 4) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(hop->port);
		memcpy(&out->in.sin_addr, hop->ip.byte, 4);
		*n_out = sizeof(out->in);
	} else {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(hop->port);
		memcpy(&out->in6.sin6_addr, hop->ip.byte, 16);
		*n_out = sizeof(out->in6);
	}
	return true;
}

/* 0 or errno. */
static int
bind_source(int fd, const struct conf *conf, const struct hop *hop)
{
	struct span text = hop->ip.size == 4 ? conf->smtp_bind_address : conf->smtp_bind_address6;
	struct hop source = { .port = 0 };
	union address address;
	socklen_t n;
	int on = 1;

	if (hop->path.n || text.n == 0)
		return 0;
	if (text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = span_of(text.p + 1, text.n - 2);
	if (!domain_ip_parse(text, &source.ip) || source.ip.size != hop->ip.size)
		return EADDRNOTAVAIL;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	address_make(&source, &address, &n);
	return bind(fd, &address.any, n) == 0 ? 0 : errno;
}

/* 0 or errno; the time is over: ETIMEDOUT. */
SUSPENDS
static int
await_connected(int fd, uint64_t deadline)
{
	struct fdwatch watch;
	socklen_t n = sizeof(int);
	enum verdict v;
	int error = 0;

	fdwatch_init(&watch, fd);
	watch.writable = false;
	v = fdwatch_wait_writable(&watch, deadline);
	fdwatch_fini(&watch);
	if (v != VERDICT_OK)
		return v == VERDICT_TIMEOUT ? ETIMEDOUT : ECANCELED;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}

SUSPENDS
static int
connect_socket(int fd, const struct conf *conf, const struct hop *hop, uint64_t deadline)
{
	union address address;
	socklen_t n = 0;
	int error = bind_source(fd, conf, hop);

	if (error)
		return error;
	if (!address_make(hop, &address, &n))
		return ENAMETOOLONG;
	if (connect(fd, &address.any, n) == 0)
		return 0;
	return errno == EINPROGRESS ? await_connected(fd, deadline) : errno;
}

SUSPENDS
enum verdict
connect_hop(
    const struct conf *conf, const struct hop *hop, uint64_t deadline, int *fd_out, struct err *err)
{
	int family = hop->path.n ? AF_UNIX : hop->ip.size == 4 ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? errno : connect_socket(fd, conf, hop, deadline);

	if (error == 0) {
		*fd_out = fd;
		return VERDICT_OK;
	}
	struct str name = STR_INIT(LIMIT_ERR_TEXT);
	hop_put(&name, conf, hop, true);
	err_mail(err, 451, "4.4.1", "connect to %s: %s", str_cstr(&name), strerrordesc_np(error));
	str_free(&name);
	if (fd >= 0)
		sys_close(fd);
	return VERDICT_TEMP;
}
