/*
 * dns: names of other hosts, for all daemons. Before the walls it reads resolv.conf and the trust
 * anchors and brings libunbound to where it needs no file; behind them it answers calls
 * (requests.c).
 */
#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/sys.h"
#include "dns/requests.h"
#include "dns/resolver.h"
#include "dns/servers.h"
#include "service/service.h"

#define RESOLV_CONF "/etc/resolv.conf"

static const struct ipc_permit permits[] = {
	{ &ipc_dns_query, dns_on_query },
	{ &ipc_dns_mx, dns_on_mx },
};
static const struct ipc_service asks = { "client", permits, ARRAY_LEN(permits), NULL, NULL };

static const struct service_role roles[] = {
	{ "smtp", &asks, NULL },
	{ "smtpd", &asks, NULL },
};

/* VERDICT_ABSENT when there is none. */
static enum verdict
read_file(const char *path, struct str *out, struct err *err)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	char *p = str_reserve(out, LIMIT_DNS_FILE);
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return VERDICT_ABSENT;
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	n = sys_pread_all(fd, p, LIMIT_DNS_FILE, 0);
	if (n >= 0)
		str_grew(out, (size_t)n);
	else
		err_sys(err, errno, "read %s", path);
	sys_close(fd);
	if (n == LIMIT_DNS_FILE)
		return err_set(err, VERDICT_PERM, "%s: %d bytes or more", path, LIMIT_DNS_FILE);
	return n < 0 ? VERDICT_TEMP : VERDICT_OK;
}

static enum verdict
read_anchors(const struct conf *conf, struct str *out, struct err *err)
{
	enum verdict v;

	if (conf->dns_trust_anchor_file.n == 0)
		return VERDICT_OK;
	v = read_file(conf->dns_trust_anchor_file.p, out, err);
	if (v != VERDICT_ABSENT)
		return v;
	log_event(LOG_LEVEL_WARNING,
	    "%s is not there (Debian: package dns-root-data): DNSSEC is not validated, "
	    "no answer counts as secure",
	    conf->dns_trust_anchor_file.p);
	return VERDICT_OK;
}

static enum verdict
dns_prepare(struct service_ctx *ctx, struct err *err)
{
	const struct conf *conf = service_conf(ctx);
	struct str resolv_conf = STR_INIT(LIMIT_DNS_FILE), anchors = STR_INIT(LIMIT_DNS_FILE);
	struct str servers = STR_INIT(4096);
	struct resolver *resolver;
	enum verdict v = read_file(RESOLV_CONF, &resolv_conf, err);

	if (v == VERDICT_OK || v == VERDICT_ABSENT)
		v = read_anchors(conf, &anchors, err);
	if (v == VERDICT_OK)
		v = servers_put(&servers, conf->dns_servers, str_span(&resolv_conf), err);
	if (v == VERDICT_OK) {
		struct resolver_settings settings = { .servers = str_span(&servers),
			.anchors = str_span(&anchors),
			.cache_size = conf->dns_cache_size,
			.timeout = conf->dns_query_timeout };
		v = resolver_new(&settings, &resolver, err);
	}
	if (v == VERDICT_OK)
		service_set_state(ctx, resolver);
	str_free(&resolv_conf);
	str_free(&anchors);
	str_free(&servers);
	return v;
}

static const struct service dns_service = {
	.kind = "dns",
	.prepare = dns_prepare,
	.roles = roles,
	.roles_n = ARRAY_LEN(roles),
};

int
main(int argc, char **argv)
{
	return service_main(&dns_service, argc, argv);
}
