/*
 * Seals what a service is to know into a memfd: every parameter, expanded and checked, so that
 * daemons parse no files and all processes of a generation know the same. Called by master for each
 * service at start and reload, and by tools for themselves. snapshot.h has the layout; at most
 * LIMIT_CONF_SNAPSHOT bytes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/crc32c.h"
#include "base/sys.h"
#include "conf/snapshot.h"
#include "conf/source.h"

struct seal {
	const struct conf_source *source;
	const struct conf_service *service;
	struct snapshot_head head;
	struct str out;
	struct str value; /* the one at hand */
	struct err *err;
};

static void
put_record(struct seal *seal, struct span s)
{
	const uint32_t n = (uint32_t)s.n;

	str_put(&seal->out, span_of(&n, sizeof(n)));
	str_put(&seal->out, s);
	str_putc(&seal->out, '\0');
}

/* The value of NAME, which must be one of P's type; P is NULL for a parameter of the postmaster's
 * own. */
static enum verdict
put_value(struct seal *seal, const struct conf_param *p, struct span name)
{
	uint64_t number;
	enum verdict v;

	str_reset(&seal->value);
	v = conf_value(seal->source, seal->service, name, &seal->value, seal->err);
	if (v == VERDICT_OK && p) {
		v = conf_param_parse(p, str_span(&seal->value), &number, seal->err);
		if (v != VERDICT_OK)
			err_wrap(seal->err, "%.*s", SPAN_ARG(name));
	}
	put_record(seal, str_span(&seal->value));
	return v;
}

static enum verdict
put_params(struct seal *seal)
{
	size_t n;
	const struct conf_param *params = conf_params(&n);
	enum verdict v = VERDICT_OK;

	seal->head.params = (uint32_t)n;
	for (size_t i = 0; i < n && v == VERDICT_OK; i++) {
		put_record(seal, params[i].name);
		v = put_value(seal, &params[i], params[i].name);
	}
	return v;
}

/* The first transport has no name: its values are those that the defaults of all others refer to.
 */
static enum verdict
put_transport(struct seal *seal, struct span transport)
{
	const struct conf_param *p = conf_transport_params();
	struct str name = STR_INIT(LIMIT_CONF_NAME + LIMIT_SERVICE_NAME);
	enum verdict v = VERDICT_OK;

	seal->head.transports++;
	put_record(seal, transport);
	for (size_t i = 0; i < CONF_TRANSPORT_PARAMS && v == VERDICT_OK; i++) {
		str_reset(&name);
		if (transport.n == 0)
			str_put(&name, span_from(p[i].preset, 1));
		else
			str_printf(&name, "%.*s_%.*s", SPAN_ARG(transport), SPAN_ARG(p[i].name));
		v = put_value(seal, &p[i], str_span(&name));
	}
	str_free(&name);
	return v;
}

static enum verdict
put_transports(struct seal *seal)
{
	const struct conf_source *source = seal->source;
	enum verdict v = put_transport(seal, span_lit(""));

	for (size_t i = 0; i < source->services_n && v == VERDICT_OK; i++)
		if (source->services[i].type == CONF_UNIX)
			v = put_transport(seal, source->services[i].name);
	return v;
}

static bool
is_user(struct span name)
{
	struct span transport;

	return !conf_param_find(name) && !conf_param_find_transport(name, &transport) &&
	       !conf_unsupported_find(name);
}

static enum verdict
put_user(struct seal *seal, struct span name)
{
	if (!is_user(name))
		return VERDICT_OK;
	seal->head.users++;
	put_record(seal, name);
	return put_value(seal, NULL, name);
}

static enum verdict
put_users(struct seal *seal)
{
	const struct conf_source *source = seal->source;
	const struct conf_service *service = seal->service;
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < source->order_n && v == VERDICT_OK; i++)
		v = put_user(seal, source->order[i]->set.name);
	for (size_t i = 0; service && i < service->settings_n && v == VERDICT_OK; i++)
		if (!map_get(&source->defs, service->settings[i].name))
			v = put_user(seal, service->settings[i].name);
	return v;
}

static enum verdict
write_memfd(struct span bytes, int *memfd_out, struct err *err)
{
	const int fd = memfd_create("postern-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int saved;

	if (fd < 0)
		return err_sys(err, errno, "memfd_create");
	if (sys_write_all(fd, bytes.p, bytes.n) == 0 &&
	    fcntl(fd, F_ADD_SEALS, SNAPSHOT_SEALS) == 0) {
		*memfd_out = fd;
		return VERDICT_OK;
	}
	saved = errno;
	sys_close(fd);
	return err_sys(err, saved, "write a snapshot of the configuration");
}

static enum verdict
seal_write(struct seal *seal, int *memfd_out)
{
	const size_t covered = offsetof(struct snapshot_head, size);

	if (seal->out.full)
		return err_set(seal->err, VERDICT_LIMIT,
		    "the configuration is larger than %u bytes", LIMIT_CONF_SNAPSHOT);
	seal->head.size = seal->out.n;
	memcpy(seal->out.p, &seal->head, sizeof(seal->head));
	seal->head.crc = crc32c(0, span_from(str_span(&seal->out), covered));
	memcpy(seal->out.p, &seal->head, sizeof(seal->head));
	return write_memfd(str_span(&seal->out), memfd_out, seal->err);
}

enum verdict
conf_snapshot_seal(const struct conf_source *source, const struct conf_service *service,
    uint64_t generation, int *memfd_out, struct err *err)
{
	struct err ignored = ERR_NONE;
	struct seal seal = {
		.source = source,
		.service = service,
		.head = { .magic = SNAPSHOT_MAGIC,
		    .version = SNAPSHOT_VERSION,
		    .generation = generation },
		.out = STR_INIT(LIMIT_CONF_SNAPSHOT),
		.value = STR_INIT(LIMIT_CONF_VALUE),
		.err = err ? err : &ignored,
	};
	enum verdict v;

	*memfd_out = -1;
	str_put(&seal.out, span_of(&seal.head, sizeof(seal.head)));
	v = put_params(&seal);
	if (v == VERDICT_OK)
		v = put_transports(&seal);
	if (v == VERDICT_OK)
		v = put_users(&seal);
	if (v == VERDICT_OK)
		v = seal_write(&seal, memfd_out);
	str_free(&seal.out);
	str_free(&seal.value);
	return v;
}
