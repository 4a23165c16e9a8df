/*
 * The table of profiles: the one place that says what each kind of process may do. Linked into the
 * daemons, into the tools that compare processes with it, and into genfilter, which makes the
 * seccomp filters of it at build. A new kind of process is one row here. Nobody keeps a capability;
 * master, which is root, has no row. Must never hold what depends on the configuration.
 */
#include "sandbox/profile.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define SLOT_ALL                                                                                \
	(SANDBOX_RIGHT_READ | SANDBOX_RIGHT_WRITE | SANDBOX_RIGHT_MAKE | SANDBOX_RIGHT_REMOVE | \
	    SANDBOX_RIGHT_DIRS | SANDBOX_RIGHT_REFER)
#define FILES_ALL (SANDBOX_FILE_READ | SANDBOX_FILE_WRITE)

/*
 * Memory: 10,000 fiber stacks take 2.5 GiB of address space, so those that carry sessions get 4
 * GiB. File size: more than any message; who writes logs or mail stores is bounded by quota, not
 * here. Threads are counted per uid, which user processes share, so that who has threads keeps the
 * limit it was born with.
 */
static const struct sandbox_profile profiles[] = {
	{ "log", SANDBOX_ROOT_GIVEN, FILES_ALL,
	    { { "log", SANDBOX_RIGHT_READ | SANDBOX_RIGHT_WRITE | SANDBOX_RIGHT_MAKE } },
	    { 1024, 256 * MIB, SANDBOX_LIMIT_KEEP, 0 } },
	{ "dns", SANDBOX_ROOT_EMPTY, SANDBOX_INET | SANDBOX_DGRAM | SANDBOX_BIND | SANDBOX_SETFL,
	    { { NULL, 0 } }, { 4096, 4 * GIB, GIB, 0 } },
	{ "smtpd", SANDBOX_ROOT_EMPTY, SANDBOX_ACCEPT, { { NULL, 0 } },
	    { 16384, 4 * GIB, 2 * GIB, 0 } },
	{ "qmgr", SANDBOX_ROOT_GIVEN, SANDBOX_THREADS | SANDBOX_ACCEPT_LOCAL | FILES_ALL,
	    { { "queue", SLOT_ALL }, { "procfd", 0 } },
	    { 32768, 16 * GIB, SANDBOX_LIMIT_KEEP, SANDBOX_LIMIT_KEEP } },
	{ "smtp", SANDBOX_ROOT_EMPTY, SANDBOX_INET | SANDBOX_BIND | SANDBOX_SENDFILE,
	    { { NULL, 0 } }, { 16384, 4 * GIB, GIB, 0 } },
	{ "local_router", SANDBOX_ROOT_EMPTY, 0, { { NULL, 0 } }, { 4096, 4 * GIB, GIB, 0 } },
	{ "deliverer", SANDBOX_ROOT_GIVEN, SANDBOX_THREADS | FILES_ALL,
	    { { "home", SLOT_ALL }, { "procfd", 0 } },
	    { 512, GIB, SANDBOX_LIMIT_KEEP, SANDBOX_LIMIT_KEEP } },
	{ "imapd_login", SANDBOX_ROOT_EMPTY, SANDBOX_ACCEPT, { { NULL, 0 } },
	    { 32768, 4 * GIB, GIB, 0 } },
	{ "imapd_user", SANDBOX_ROOT_GIVEN,
	    SANDBOX_THREADS | FILES_ALL | SANDBOX_FILE_WATCH | SANDBOX_SENDFILE,
	    { { "home", SLOT_ALL }, { "procfd", 0 } },
	    { 4096, 4 * GIB, SANDBOX_LIMIT_KEEP, SANDBOX_LIMIT_KEEP } },
	{ "pop3d_login", SANDBOX_ROOT_EMPTY, SANDBOX_ACCEPT, { { NULL, 0 } },
	    { 16384, 4 * GIB, GIB, 0 } },
	{ "pop3d_user", SANDBOX_ROOT_GIVEN, SANDBOX_THREADS | FILES_ALL | SANDBOX_SENDFILE,
	    { { "home", SLOT_ALL }, { "procfd", 0 } },
	    { 1024, GIB, SANDBOX_LIMIT_KEEP, SANDBOX_LIMIT_KEEP } },
	{ "authd", SANDBOX_ROOT_NONE,
	    SANDBOX_THREADS | SANDBOX_FILE_READ | SANDBOX_UNIX | SANDBOX_SETFL | SANDBOX_CODE_LOAD,
	    { { "users", SANDBOX_RIGHT_READ }, { "modules", SANDBOX_RIGHT_READ } },
	    { 4096, 4 * GIB, GIB, SANDBOX_LIMIT_KEEP } },
	{ "rewrite", SANDBOX_ROOT_NONE, SANDBOX_FILE_READ | SANDBOX_SETFL,
	    { { "tables", SANDBOX_RIGHT_READ } }, { 4096, 8 * GIB, GIB, 0 } },
	{ "bounce", SANDBOX_ROOT_EMPTY, 0, { { NULL, 0 } }, { 1024, 4 * GIB, 2 * GIB, 0 } },
	{ "pickup", SANDBOX_ROOT_GIVEN,
	    SANDBOX_FILE_READ | SANDBOX_FILE_REMOVE | SANDBOX_FILE_WATCH,
	    { { "maildrop", SANDBOX_RIGHT_READ | SANDBOX_RIGHT_REMOVE } },
	    { 1024, GIB, 2 * GIB, 0 } },
	{ "anvil", SANDBOX_ROOT_EMPTY, 0, { { NULL, 0 } }, { 4096, 4 * GIB, GIB, 0 } },
};

const struct sandbox_profile *
sandbox_profile_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

const struct sandbox_profile *
sandbox_profile_at(unsigned i)
{
	return i < ARRAY_LEN(profiles) ? &profiles[i] : NULL;
}

unsigned
sandbox_profile_index(const struct sandbox_profile *profile)
{
	assert(profile >= profiles && profile < profiles + ARRAY_LEN(profiles));
	return (unsigned)(profile - profiles);
}

const struct sandbox_slot *
sandbox_slot_find(const struct sandbox_profile *profile, const char *name)
{
	for (size_t i = 0; i < SANDBOX_SLOTS && profile->slots[i].name; i++) {
		if (strcmp(profile->slots[i].name, name) == 0)
			return &profile->slots[i];
	}
	return NULL;
}
