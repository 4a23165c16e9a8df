/*
 * Capabilities of the calling process by the raw system calls (capabilities(7)), since libcap is
 * not worth a dependency. Called by identity.c, enter.c and prove.c. Owns nothing and allocates
 * nothing: runs in forked children. Must never be used with threads: capset changes the calling one
 * alone.
 */
#include "config.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/walls.h"

int
caps_get(struct caps *out)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

	if (syscall(SYS_capget, &head, data) != 0)
		return -1;
	out->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	out->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	out->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
	return 0;
}

int
caps_set(const struct caps *caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ (uint32_t)caps->effective, (uint32_t)caps->permitted,
		    (uint32_t)caps->inheritable },
		{ (uint32_t)(caps->effective >> 32), (uint32_t)(caps->permitted >> 32),
		    (uint32_t)(caps->inheritable >> 32) },
	};

	return (int)syscall(SYS_capset, &head, data);
}

unsigned
caps_last(void)
{
	unsigned cap = 0;

	while (cap < 63 && prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
		cap++;
	return cap;
}

uint64_t
caps_bounding(void)
{
	unsigned last = caps_last();
	uint64_t set = 0;

	for (unsigned cap = 0; cap <= last; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			set |= UINT64_C(1) << cap;
	}
	return set;
}

uint64_t
caps_ambient(void)
{
	unsigned last = caps_last();
	uint64_t set = 0;

	for (unsigned cap = 0; cap <= last; cap++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			set |= UINT64_C(1) << cap;
	}
	return set;
}
