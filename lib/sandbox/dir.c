/*
 * Listing directories: what a process has open (/proc/PID/fd), and whether a root is empty. Called
 * by enter.c, process.c and root.c. Owns a copy of the caller's descriptor while it reads. Must
 * never follow what it lists.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/sys.h"
#include "sandbox/walls.h"

bool
dir_walk(int dir, dir_walk_fn *fn, void *arg)
{
	int fd = sys_openat(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool go_on = true;
	int sys;

	if (!d) {
		sys = errno;
		if (fd >= 0)
			sys_close(fd);
		errno = sys;
		return false;
	}
	errno = 0;
	while (go_on && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			go_on = fn(dir, entry->d_name, arg);
		errno = 0;
	}
	sys = errno;
	closedir(d);
	errno = sys;
	return go_on && sys == 0;
}

static bool
dir_stop(int dir UNUSED, const char *name UNUSED, void *arg UNUSED)
{
	return false;
}

bool
dir_is_empty(int dir)
{
	return dir_walk(dir, dir_stop, NULL);
}
