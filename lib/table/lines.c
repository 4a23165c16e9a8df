/*
 * Where the rules of text tables come from: logical lines of a file (postmap(1): comments,
 * continuation lines), or the rules that stand in main.cf itself, "pcre:{ {/x/ y}, ... }". Called
 * by the types that are read as text, and by lists of domains. Limits: LIMIT_TABLE_FILE for a file,
 * LIMIT_CONF_FILE for a logical line. Reads regular files alone: a FIFO would block.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/sys.h"
#include "conf/lines.h"
#include "table/driver.h"

static enum verdict
file_read(int fd, const char *path, struct str *out, struct err *err)
{
	struct stat st;
	ssize_t n;
	char *p;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, VERDICT_PERM, "%s is not a regular file", path);
	if (st.st_size > (off_t)LIMIT_TABLE_FILE)
		return err_set(
		    err, VERDICT_PERM, "%s is larger than %u bytes", path, LIMIT_TABLE_FILE);
	p = str_reserve(out, (size_t)st.st_size + 1);
	assert(p);
	n = sys_pread_all(fd, p, (size_t)st.st_size, 0);
	if (n < 0)
		return err_sys(err, errno, "read %s", path);
	str_grew(out, (size_t)n);
	return VERDICT_OK;
}

enum verdict
table_read_file(const char *path, struct str *out, struct err *err)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	enum verdict v;

	str_init(out, LIMIT_TABLE_FILE + 2);
	if (fd < 0 && errno == EACCES)
		return err_set(err, VERDICT_TEMP, "open %s: Permission denied (for uid %u)", path,
		    (unsigned)geteuid());
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	v = file_read(fd, path, out, err);
	sys_close(fd);
	return v;
}

void
table_read_text(struct table *t, struct span text, table_line_fn *fn)
{
	struct conf_lines lines;

	conf_lines_init(&lines, text);
	while (conf_lines_next(&lines)) {
		if (lines.text.full)
			table_note(t, lines.line, "longer than %u bytes: ignored", LIMIT_CONF_FILE);
		else if (lines.orphan)
			table_note(t, lines.line,
			    "begins with a blank, but there is no line before it: ignored");
		else
			fn(t, str_span(&lines.text), lines.line);
	}
	conf_lines_free(&lines);
}

static enum verdict
read_inline(struct table *t, struct span name, table_line_fn *fn, struct err *err)
{
	struct span rest, rule;
	unsigned number = 0;

	if (name.p[name.n - 1] != '}')
		return err_set(err, VERDICT_PERM, "%s: there is no } at the end", t->spec);
	rest = span_of(name.p + 1, name.n - 2);
	while (conf_list_next(&rest, &rule))
		fn(t, span_trim(rule), ++number);
	return VERDICT_OK;
}

enum verdict
table_read(struct table *t, struct span name, table_line_fn *fn, struct err *err)
{
	struct str text;
	enum verdict v;

	if (name.n > 1 && name.p[0] == '{')
		return read_inline(t, name, fn, err);
	table_watch_start(&t->watch, name);
	v = table_read_file(t->watch.path, &text, err);
	if (v == VERDICT_OK)
		table_read_text(t, str_span(&text), fn);
	str_free(&text);
	return v;
}
