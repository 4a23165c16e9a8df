/*
 * Password hashes, by libcrypt (crypt_rn, which every thread may call). Called by verify.c in
 * threads of the pool, and by whoever reads the passwd file. Scheme names are Dovecot's; without
 * one the hash is taken as crypt(3) writes it. Owns nothing beyond a call; copies of passwords are
 * wiped.
 */
#include "authd/password.h"

#include <crypt.h>
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"

struct scheme {
	struct span name;
	struct span starts[3]; /* how hashes of it begin; none given: anyhow */
	enum verdict (*check)(struct span hash, struct span password, struct err *err);
};

static enum verdict
plain_check(struct span hash, struct span password, struct err *err)
{
	(void)err;
	return hash.n == password.n && mem_eq_secret(hash.p, password.p, hash.n) ? VERDICT_OK
										 : VERDICT_ABSENT;
}

static enum verdict
crypt_run(const char *hash, const char *password, struct err *err)
{
	struct crypt_data *work = mem_alloc(sizeof(*work));
	enum verdict v = VERDICT_ABSENT;
	size_t n = strlen(hash);
	const char *made;

	errno = 0;
	made = crypt_rn(password, hash, work, (int)sizeof(*work));
	if (!made)
		v = errno == ENOMEM ? err_set(err, VERDICT_TEMP, "no memory for a password's hash")
				    : err_set(err, VERDICT_PERM, "no hash that crypt(3) knows");
	else if (strlen(made) == n && mem_eq_secret(made, hash, n))
		v = VERDICT_OK;
	mem_wipe(work, sizeof(*work));
	mem_free(work);
	return v;
}

static enum verdict
crypt_check(struct span hash, struct span password, struct err *err)
{
	char *phrase = mem_strdup(password), *setting = mem_strdup(hash);
	enum verdict v = crypt_run(setting, phrase, err);

	/* What crypt(3) would cut short is not the password. */
	if (v == VERDICT_OK && strlen(phrase) != password.n)
		v = VERDICT_ABSENT;
	mem_wipe(phrase, password.n);
	mem_wipe(setting, hash.n);
	mem_free(phrase);
	mem_free(setting);
	return v;
}

static const struct scheme schemes[] = {
	{ SPAN("CRYPT"), { { NULL, 0 } }, crypt_check },
	{ SPAN("YESCRYPT"), { SPAN("$y$") }, crypt_check },
	{ SPAN("BLF-CRYPT"), { SPAN("$2y$"), SPAN("$2b$"), SPAN("$2a$") }, crypt_check },
	{ SPAN("SHA512-CRYPT"), { SPAN("$6$") }, crypt_check },
	{ SPAN("SHA256-CRYPT"), { SPAN("$5$") }, crypt_check },
	{ SPAN("PLAIN"), { { NULL, 0 } }, plain_check },
};

/* Cuts "{SCHEME}" off. NULL with ERR filled when it is none of ours. */
static const struct scheme *
scheme_find(struct span stored, struct span *hash_out, struct err *err)
{
	struct span name = span_lit("CRYPT");

	*hash_out = stored;
	if (stored.n > 0 && stored.p[0] == '{') {
		span_cut(span_from(stored, 1), '}', &name, hash_out);
		name = span_head(name, 64);
	}
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (span_eq_nocase(schemes[i].name, name))
			return &schemes[i];
	err_set(err, VERDICT_PERM, "unknown password scheme {%.*s}", SPAN_ARG(name));
	return NULL;
}

static bool
hash_begins_right(const struct scheme *s, struct span hash)
{
	bool right = s->starts[0].n == 0;

	for (size_t i = 0; i < ARRAY_LEN(s->starts); i++)
		right = right || (s->starts[i].n > 0 && span_starts(hash, s->starts[i]));
	return right;
}

enum verdict
password_known(struct span stored, struct err *err)
{
	struct span hash;
	const struct scheme *s = scheme_find(stored, &hash, err);

	if (!s)
		return VERDICT_PERM;
	if (!hash_begins_right(s, hash))
		return err_set(
		    err, VERDICT_PERM, "what follows {%.*s} is no such hash", SPAN_ARG(s->name));
	return VERDICT_OK;
}

enum verdict
password_check(struct span stored, struct span password, struct err *err)
{
	enum verdict v = password_known(stored, err);
	struct span hash;

	if (v != VERDICT_OK)
		return v;
	return scheme_find(stored, &hash, err)->check(hash, password, err);
}

bool
password_dummy(char *out, size_t size)
{
	return crypt_gensalt_rn("$y$", 0, NULL, 0, out, (int)size) != NULL;
}
