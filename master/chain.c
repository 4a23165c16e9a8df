/*
 * Keys and certificates of the front doors: which files they are, by each door's own parameters,
 * and one descriptor of all of them, since a process is born with one. Called by birth.c, so that a
 * renewed certificate is there for the next process. Reads the files only when they are several;
 * what is in them is for the process behind its walls to understand.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "master/master.h"

#define FILES_MOST 16

/* Whose are whose; each a struct span of struct conf. */
static const struct {
	const char *kind;
	size_t chain_files; /* each with a key and its certificates */
	size_t cert_file;   /* when there are none of those: a certificate, and its key apart */
	size_t key_file;
} chains[] = {
	{ "smtpd", offsetof(struct conf, smtpd_tls_chain_files),
	    offsetof(struct conf, smtpd_tls_cert_file), offsetof(struct conf, smtpd_tls_key_file) },
	{ "imapd", offsetof(struct conf, imapd_tls_chain_files),
	    offsetof(struct conf, imapd_tls_cert_file), offsetof(struct conf, imapd_tls_key_file) },
	{ "pop3d", offsetof(struct conf, pop3d_tls_chain_files),
	    offsetof(struct conf, pop3d_tls_cert_file), offsetof(struct conf, pop3d_tls_key_file) },
};

static struct span
value_at(const struct conf *conf, size_t offset)
{
	struct span value;

	memcpy(&value, (const char *)conf + offset, sizeof(value));
	return value;
}

/* How many files there are; a key precedes its certificates. */
static size_t
files_find(const struct conf *conf, size_t row, struct span files_out[FILES_MOST])
{
	struct span rest = value_at(conf, chains[row].chain_files), file;
	struct span cert = value_at(conf, chains[row].cert_file);
	struct span key = value_at(conf, chains[row].key_file);
	size_t n = 0;

	while (n < FILES_MOST && conf_list_next(&rest, &file))
		files_out[n++] = file;
	if (n > 0 || cert.n == 0)
		return n;
	if (key.n > 0 && !span_eq(key, cert))
		files_out[n++] = key;
	files_out[n++] = cert;
	return n;
}

static int
file_open(const char *kind, struct span file)
{
	char *path = mem_strdup(file);
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);

	if (fd < 0)
		log_event(
		    LOG_LEVEL_ERROR, "certificates of %s: %s: %s", kind, path, strerror(errno));
	mem_free(path);
	return fd;
}

/* Appends all of FROM to TO; the bytes do not stay here. */
static bool
file_append(int to, int from)
{
	char *text = mem_alloc(LIMIT_TLS_PEM);
	ssize_t n = sys_pread_all(from, text, LIMIT_TLS_PEM, 0);
	bool good =
	    n >= 0 && sys_write_all(to, text, (size_t)n) == 0 && sys_write_all(to, "\n", 1) == 0;

	mem_wipe(text, LIMIT_TLS_PEM);
	mem_free(text);
	return good;
}

static int
files_join(const char *kind, const struct span *files, size_t n)
{
	int all = memfd_create("certificates", MFD_CLOEXEC);

	for (size_t i = 0; all >= 0 && i < n; i++) {
		int fd = file_open(kind, files[i]);
		bool good = fd >= 0 && file_append(all, fd);

		if (fd >= 0)
			sys_close(fd);
		if (!good) {
			sys_close(all);
			all = -1;
		}
	}
	return all;
}

int
chain_open(const struct conf *conf, const char *kind)
{
	struct span files[FILES_MOST];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		if (strcmp(chains[i].kind, kind) != 0)
			continue;
		n = files_find(conf, i, files);
		if (n > 1)
			return files_join(kind, files, n);
		return n == 1 ? file_open(kind, files[0]) : -1;
	}
	return -1;
}
