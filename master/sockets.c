/*
 * Listening sockets: bound once, by root where the port asks for it, and kept over restarts of
 * processes and reloads. Addresses are numbers (conf has resolved names of services and
 * "localhost"): master asks no name service.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "master/master.h"

#define BACKLOG 1024

static bool
sockets_have_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Already bound to ADDR? Sockets are compared by what the kernel says of them. */
static int
socket_find(const struct mservice *s, const struct sockaddr_storage *addr, socklen_t len)
{
	for (unsigned i = 0; i < s->listen_n; i++) {
		struct sockaddr_storage have = { 0 };
		socklen_t n = sizeof(have);
		if (getsockname(s->listen_fds[i], (struct sockaddr *)&have, &n) == 0 && n == len &&
		    memcmp(&have, addr, len) == 0)
			return (int)i;
	}
	return -1;
}

static int
socket_listen(const struct sockaddr_storage *addr, socklen_t len)
{
	int one = 1;
	int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    (addr->ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
	    bind(fd, (const struct sockaddr *)addr, len) < 0 || listen(fd, BACKLOG) < 0) {
		int sys = errno;
		close(fd);
		errno = sys;
		return -1;
	}
	return fd;
}

/* The same, waiting for a master that has just died: its children leave as soon as they see it. */
static int
socket_listen_start(const struct master *m, const struct sockaddr_storage *addr, socklen_t len)
{
	const struct timespec pause = { .tv_nsec = 20 * (long)NS_PER_MS };
	int fd;

	while ((fd = socket_listen(addr, len)) < 0 && errno == EADDRINUSE &&
	       time_mono() < m->ports_until)
		nanosleep(&pause, NULL);
	return fd;
}

struct address_list {
	struct {
		struct sockaddr_storage addr;
		socklen_t len;
	} v[MASTER_MAX_LISTEN];
	unsigned n;
};

/* HOST is a numeric address, "all" or "localhost" having become numbers before. */
static bool
address_add(struct address_list *list, struct span host, uint16_t port)
{
	char text[INET6_ADDRSTRLEN] = { 0 };
	struct sockaddr_storage *to = &list->v[list->n].addr;
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	if (list->n == MASTER_MAX_LISTEN || host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		list->v[list->n++].len = sizeof(*in4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	list->v[list->n++].len = sizeof(*in6);
	return true;
}

static bool
protocol_wanted(const struct master *m, const char *name)
{
	struct span rest = conf_choice_word(CONF_SET_inet_protocols, m->conf.inet_protocols), token;

	while (conf_list_next(&rest, &token))
		if (span_eq_nocase(token, span_str(name)) || span_eq_nocase(token, span_lit("all")))
			return true;
	return false;
}

/* inet_interfaces: all, loopback-only, or addresses. */
static bool
addresses_of_interfaces(const struct master *m, uint16_t port, struct address_list *list)
{
	struct span rest = m->conf.inet_interfaces, token;
	bool v4 = protocol_wanted(m, "ipv4"),
	     v6 = protocol_wanted(m, "ipv6") && sockets_have_ipv6();

	while (conf_list_next(&rest, &token)) {
		bool all = span_eq_nocase(token, span_lit("all"));
		if (!all && !span_eq_nocase(token, span_lit("loopback-only")) &&
		    !span_eq_nocase(token, span_lit("localhost"))) {
			if (!address_add(list, token, port))
				return false;
			continue;
		}
		if (v4)
			address_add(list, all ? span_lit("0.0.0.0") : span_lit("127.0.0.1"), port);
		if (v6)
			address_add(list, all ? span_lit("::") : span_lit("::1"), port);
	}
	return list->n > 0;
}

static enum verdict
sockets_addresses(
    const struct master *m, const struct mservice *s, struct address_list *list, struct err *err)
{
	struct span hosts[2];
	size_t n = conf_service_hosts(s->row, hosts);
	bool good = n > 0 || addresses_of_interfaces(m, s->row->port, list);

	for (size_t i = 0; i < n; i++)
		if (!span_eq(hosts[i], span_lit("::1")) || n == 1 || sockets_have_ipv6())
			good = good && address_add(list, hosts[i], s->row->port);
	if (!good)
		return err_set(err, VERDICT_PERM,
		    "master.cf line %u: service \"%s\": no address to listen on: inet_interfaces "
		    "must be all, "
		    "loopback-only or numeric addresses, at most %u",
		    s->row->line, s->name, MASTER_MAX_LISTEN);
	return VERDICT_OK;
}

static enum verdict
sockets_bind_inet(const struct master *m, struct mservice *s, struct err *err)
{
	struct address_list list = { .n = 0 };
	int fresh[MASTER_MAX_LISTEN];
	unsigned n = 0;
	enum verdict v = sockets_addresses(m, s, &list, err);

	for (unsigned i = 0; v == VERDICT_OK && i < list.n; i++) {
		int have = socket_find(s, &list.v[i].addr, list.v[i].len);
		if (have >= 0) {
			fresh[n++] = s->listen_fds[have];
			s->listen_fds[have] = s->listen_fds[--s->listen_n];
			continue;
		}
		fresh[n] = socket_listen_start(m, &list.v[i].addr, list.v[i].len);
		if (fresh[n] >= 0)
			n++;
		else
			v = err_sys(err, errno,
			    "master.cf line %u: service \"%s\": cannot listen on port %u",
			    s->row->line, s->name, s->row->port);
	}
	/* What is left belongs to addresses that are no longer wanted, unless this went wrong. */
	while (v == VERDICT_OK && s->listen_n > 0)
		close(s->listen_fds[--s->listen_n]);
	while (n > 0 && s->listen_n < MASTER_MAX_LISTEN)
		s->listen_fds[s->listen_n++] = fresh[--n];
	return v;
}

/* A Unix socket at PATH, for anybody who can reach its directory. */
static int
socket_listen_unix(const char *path, mode_t mode)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	sys_unlinkat(AT_FDCWD, path, 0);
	mode_t before = umask(0777 & ~mode);
	bool bound = bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0;
	umask(before);
	if (!bound || listen(fd, BACKLOG) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static enum verdict
sockets_bind_public(struct master *m, struct mservice *s, struct err *err)
{
	struct str path = STR_INIT(4096);

	if (s->public_fd >= 0)
		return VERDICT_OK;
	str_printf(&path, "%.*s/public/%s", SPAN_ARG(m->conf.queue_directory), s->name);
	s->public_fd = socket_listen_unix(str_cstr(&path), 0666);
	if (s->public_fd < 0)
		err_sys(err, errno, "cannot listen on %s", str_cstr(&path));
	str_free(&path);
	return s->public_fd >= 0 ? VERDICT_OK : VERDICT_PERM;
}

/* A unix row of a front door (LMTP) listens at a path: absolute, or below queue_directory/public.
 */
static enum verdict
sockets_bind_front_unix(struct master *m, struct mservice *s, struct err *err)
{
	struct str path = STR_INIT(4096);

	if (s->listen_n > 0)
		return VERDICT_OK;
	str_printf(&path, "%.*s/public/%s", SPAN_ARG(m->conf.queue_directory), s->name);
	int fd = socket_listen_unix(str_cstr(&path), 0660);
	if (fd >= 0)
		s->listen_fds[s->listen_n++] = fd;
	else
		err_sys(err, errno, "cannot listen on %s", str_cstr(&path));
	str_free(&path);
	return fd >= 0 ? VERDICT_OK : VERDICT_PERM;
}

enum verdict
sockets_bind(struct master *m, struct mservice *s, struct err *err)
{
	if (s->row->type == CONF_INET)
		return sockets_bind_inet(m, s, err);
	if (s->kind->needs & BIRTH_QUEUE_SOCKET)
		return sockets_bind_public(m, s, err);
	if (s->kind->count == PROCESS_FRONT)
		return sockets_bind_front_unix(m, s, err);
	return VERDICT_OK;
}

void
sockets_close(struct mservice *s)
{
	while (s->listen_n > 0)
		close(s->listen_fds[--s->listen_n]);
	if (s->public_fd >= 0)
		close(s->public_fd);
	s->public_fd = -1;
}
