/*
 * The editor behind postconf -e, -# and -X: main.cf as lines, of which only those of the named
 * parameters change. The file is replaced, never written in place, so that a reload in between sees
 * the old or the new one; main.cf.new is the lock between two editors. Bounded by LIMIT_CONF_FILE.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/sys.h"
#include "conf/edit.h"
#include "conf/source.h"

#define NEW_NAME "main.cf.new"

struct editor {
	enum conf_edit_how how;
	const struct conf_setting *settings;
	size_t n;
	bool *done; /* the setting stands in the output already */
	struct str *out;
};

static void
put_setting(struct editor *e, size_t i)
{
	const struct conf_setting *set = &e->settings[i];

	e->done[i] = true;
	str_put(e->out, set->name);
	str_puts(e->out, set->value.n ? " = " : " =");
	str_put(e->out, set->value);
	str_putc(e->out, '\n');
}

/* Which setting is LINE, the first of a definition, about? e->n when none is. */
static size_t
find_setting(const struct editor *e, struct span line)
{
	struct span name, value;
	size_t i = 0;

	if (!span_cut(line, '=', &name, &value))
		return e->n;
	while (i < e->n && !span_eq(e->settings[i].name, span_trim(name)))
		i++;
	return i;
}

/* A line of a definition that is edited. */
static void
edit_line(struct editor *e, struct span line, bool first, size_t i)
{
	if (e->how == CONF_EDIT_COMMENT) {
		str_putc(e->out, '#');
		str_put(e->out, line);
		str_putc(e->out, '\n');
	} else if (e->how == CONF_EDIT_SET && first && !e->done[i]) {
		put_setting(e, i);
	}
}

void
conf_edit_text(struct span text, enum conf_edit_how how, const struct conf_setting *settings,
    size_t n, struct str *out)
{
	struct editor e = { how, settings, n, mem_alloc_array(n, sizeof(bool)), out };
	struct span line;
	enum conf_line_kind kind;
	size_t edited = n;

	while (conf_line_take(&text, &line, &kind)) {
		if (kind == CONF_LINE_START)
			edited = find_setting(&e, line);
		if (kind != CONF_LINE_COMMENT && edited < n) {
			edit_line(&e, line, kind == CONF_LINE_START, edited);
			continue;
		}
		str_put(out, line);
		str_putc(out, '\n');
	}
	for (size_t i = 0; i < n && how == CONF_EDIT_SET; i++)
		if (!e.done[i])
			put_setting(&e, i);
	mem_free(e.done);
}

static enum verdict
read_main(int dir, struct str *text, mode_t *mode_out, struct err *err)
{
	const int fd = sys_openat(dir, "main.cf", O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	char *room = str_reserve(text, LIMIT_CONF_FILE + 1);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return err_sys(err, errno, "open main.cf");
	if (fstat(fd, &st) == 0)
		n = sys_pread_all(fd, room, LIMIT_CONF_FILE + 1, 0);
	if (n < 0)
		err_sys(err, errno, "read main.cf");
	sys_close(fd);
	if (n < 0)
		return VERDICT_TEMP;
	if (n > LIMIT_CONF_FILE)
		return err_set(
		    err, VERDICT_PERM, "main.cf is longer than %u bytes", LIMIT_CONF_FILE);
	str_grew(text, (size_t)n);
	*mode_out = st.st_mode & 0777;
	return VERDICT_OK;
}

static enum verdict
write_main(int dir, struct span text, mode_t mode, struct err *err)
{
	const int fd = sys_openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
	bool ok;
	int saved;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, VERDICT_TEMP,
		    NEW_NAME " exists: another edit is under way; when none is, remove that file");
	if (fd < 0)
		return err_sys(err, errno, "create " NEW_NAME);
	ok = sys_write_all(fd, text.p, text.n) == 0 && sys_fchmod(fd, mode) == 0 &&
	     sys_fsync(fd) == 0;
	saved = errno;
	sys_close(fd);
	if (ok) {
		ok = sys_renameat(dir, NEW_NAME, dir, "main.cf") == 0;
		saved = errno;
	}
	if (!ok) {
		sys_unlinkat(dir, NEW_NAME, 0);
		return err_sys(err, saved, "write main.cf");
	}
	if (sys_fsync(dir) != 0)
		return err_sys(err, errno, "sync the directory of main.cf");
	return VERDICT_OK;
}

enum verdict
conf_edit_main(const char *dir, enum conf_edit_how how, const struct conf_setting *settings,
    size_t n, struct err *err)
{
	const int fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	struct str was = STR_INIT(LIMIT_CONF_FILE + 1);
	struct str now = STR_INIT(LIMIT_CONF_FILE);
	mode_t mode = 0644;
	enum verdict v;

	if (fd < 0)
		return err_sys(err, errno, "open %s", dir);
	v = read_main(fd, &was, &mode, err);
	if (v == VERDICT_OK) {
		conf_edit_text(str_span(&was), how, settings, n, &now);
		v = now.full ? err_set(err, VERDICT_LIMIT, "main.cf would be longer than %u bytes",
				   LIMIT_CONF_FILE)
			     : write_main(fd, str_span(&now), mode, err);
	}
	str_free(&was);
	str_free(&now);
	sys_close(fd);
	return v;
}
