/*
 * main() of a fuzz target that is built without libFuzzer: runs it once over each file named, and
 * over each file of each directory named (not of those below it). So a crash can be looked at with
 * any compiler and debugger, and seeds are tried by make check. Files are read whole, up to
 * REPLAY_MAX bytes.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { REPLAY_MAX = 16 << 20 }; /* bytes of one input */

static bool
replay_file(int dir, const char *name)
{
	int fd = sys_openat(dir, name, O_RDONLY, 0);
	struct stat st;
	ssize_t n = -1;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(name);
		return false;
	}
	/* Exactly as long as the input, so that AddressSanitizer sees a read past its end. */
	data = st.st_size <= REPLAY_MAX ? mem_resize(NULL, (size_t)st.st_size) : NULL;
	if (data)
		n = sys_pread_all(fd, data, (size_t)st.st_size, 0);
	if (n >= 0)
		LLVMFuzzerTestOneInput((const uint8_t *)data, (size_t)n);
	else
		fprintf(stderr, "%s: cannot be read or is too large\n", name);
	mem_free(data);
	close(fd);
	return n >= 0;
}

static bool
replay_directory(DIR *dir)
{
	bool good = true;

	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		struct stat st;

		if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			good = replay_file(dirfd(dir), e->d_name) && good;
	}
	closedir(dir);
	return good;
}

int
main(int argc, char **argv)
{
	bool good = true;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		bool done = dir ? replay_directory(dir) : replay_file(AT_FDCWD, argv[i]);

		good = done && good;
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
