/*
 * Opens a sealed snapshot into struct conf: the only way a daemon comes by its configuration.
 * Strict: the seals, the head, the checksum, each record's length and place, each value's type;
 * what is wrong anywhere opens nothing. Owns the mapping and two tables until conf_snapshot_close.
 * Reads nothing but the descriptor it is given.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/snapshot.h"

static enum verdict
bad_snapshot(struct err *err, const char *why)
{
	return err_set(err, VERDICT_PERM, "the snapshot of the configuration is not one: %s", why);
}

static enum verdict
map_snapshot(int fd, struct conf *conf, struct err *err)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	/* Without its seals the mapping could change, or vanish, under us. */
	if (seals < 0 || (seals & SNAPSHOT_SEALS) != SNAPSHOT_SEALS)
		return bad_snapshot(err, "it is not sealed");
	if (fstat(fd, &st) != 0)
		return err_sys(err, errno, "fstat of a snapshot");
	if (st.st_size < (off_t)sizeof(struct snapshot_head) ||
	    st.st_size > (off_t)LIMIT_CONF_SNAPSHOT)
		return bad_snapshot(err, "its size");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(err, errno, "mmap of a snapshot");
	conf->mapping = p;
	conf->mapping_n = (size_t)st.st_size;
	return VERDICT_OK;
}

static enum verdict
check_head(struct span bytes, struct snapshot_head *head, struct err *err)
{
	size_t params;

	memcpy(head, bytes.p, sizeof(*head));
	conf_params(&params);
	if (memcmp(head->magic, SNAPSHOT_MAGIC, sizeof(head->magic)) != 0)
		return bad_snapshot(err, "its first bytes");
	if (head->version != SNAPSHOT_VERSION || head->params != params)
		return bad_snapshot(err, "another version of Postern made it: restart Postern");
	if (head->size != bytes.n || head->reserved != 0)
		return bad_snapshot(err, "its head");
	if (crc32c(0, span_from(bytes, offsetof(struct snapshot_head, size))) != head->crc)
		return bad_snapshot(err, "its checksum");
	return VERDICT_OK;
}

static bool
take_record(struct cursor *c, struct span *out)
{
	struct span length;
	uint32_t n;

	if (!cursor_take(c, sizeof(n), &length))
		return false;
	memcpy(&n, length.p, sizeof(n));
	return n <= LIMIT_CONF_VALUE && cursor_take(c, n, out) && cursor_skip(c, '\0');
}

static enum verdict
take_params(struct cursor *c, struct conf *conf, struct err *err)
{
	size_t n;
	const struct conf_param *params = conf_params(&n);
	struct span name, value;

	for (size_t i = 0; i < n; i++) {
		if (!take_record(c, &name) || !take_record(c, &value))
			return bad_snapshot(err, "it is too short");
		if (!span_eq(name, params[i].name))
			return bad_snapshot(
			    err, "another version of Postern made it: restart Postern");
		if (conf_param_store(&params[i], value, conf, err) != VERDICT_OK)
			return err_wrap(err, "%.*s", SPAN_ARG(name));
	}
	return VERDICT_OK;
}

static enum verdict
take_transports(struct cursor *c, struct conf *conf, size_t n, struct err *err)
{
	const struct conf_param *params = conf_transport_params();
	struct span value;

	if (n == 0 || n > LIMIT_CONF_SERVICES + 1)
		return bad_snapshot(err, "its number of transports");
	conf->transports = mem_alloc_array(n, sizeof(*conf->transports));
	conf->transports_n = n;
	for (size_t i = 0; i < n; i++) {
		struct conf_transport *transport = &conf->transports[i];

		if (!take_record(c, &transport->name) || (i == 0) != (transport->name.n == 0))
			return bad_snapshot(err, "a transport");
		for (size_t j = 0; j < CONF_TRANSPORT_PARAMS; j++) {
			if (!take_record(c, &value))
				return bad_snapshot(err, "it is too short");
			if (conf_param_parse(&params[j], value, &transport->v[j], err) !=
			    VERDICT_OK)
				return err_wrap(err, "%.*s_%.*s", SPAN_ARG(transport->name),
				    SPAN_ARG(params[j].name));
		}
	}
	return VERDICT_OK;
}

static enum verdict
take_users(struct cursor *c, struct conf *conf, size_t n, struct err *err)
{
	/* Each takes two lengths and two NULs at least. */
	if (n > cursor_left(c) / (2 * (sizeof(uint32_t) + 1)))
		return bad_snapshot(err, "its number of parameters");
	conf->users = mem_alloc_array(n, sizeof(*conf->users));
	conf->users_n = n;
	for (size_t i = 0; i < n; i++)
		if (!take_record(c, &conf->users[i].name) || !take_record(c, &conf->users[i].value))
			return bad_snapshot(err, "it is too short");
	return cursor_done(c) ? VERDICT_OK : bad_snapshot(err, "it is too long");
}

enum verdict
conf_snapshot_open(int fd, struct conf *out, struct err *err)
{
	struct err ignored = ERR_NONE;
	struct snapshot_head head = { .version = 0 };
	struct cursor c = { NULL, NULL };
	enum verdict v;

	err = err ? err : &ignored;
	memset(out, 0, sizeof(*out));
	v = map_snapshot(fd, out, err);
	if (v == VERDICT_OK)
		v = check_head(span_of(out->mapping, out->mapping_n), &head, err);
	if (v == VERDICT_OK)
		c = cursor_of(span_from(span_of(out->mapping, out->mapping_n), sizeof(head)));
	if (v == VERDICT_OK)
		v = take_params(&c, out, err);
	if (v == VERDICT_OK)
		v = take_transports(&c, out, head.transports, err);
	if (v == VERDICT_OK)
		v = take_users(&c, out, head.users, err);
	out->generation = head.generation;
	if (v != VERDICT_OK)
		conf_snapshot_close(out);
	return v;
}

void
conf_snapshot_close(struct conf *conf)
{
	if (conf->mapping)
		munmap(conf->mapping, conf->mapping_n);
	mem_free(conf->transports);
	mem_free(conf->users);
	memset(conf, 0, sizeof(*conf));
}

uint64_t
conf_transport_value(
    const struct conf *conf, struct span transport, enum conf_transport_param param)
{
	for (size_t i = 1; i < conf->transports_n; i++)
		if (span_eq(conf->transports[i].name, transport))
			return conf->transports[i].v[param];
	return conf->transports[0].v[param];
}

bool
conf_user(const struct conf *conf, struct span name, struct span *value_out)
{
	for (size_t i = 0; i < conf->users_n; i++)
		if (span_eq(conf->users[i].name, name)) {
			*value_out = conf->users[i].value;
			return true;
		}
	return false;
}
