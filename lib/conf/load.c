/*
 * A source from birth to death: reads main.cf and master.cf (nothing else is ever read here), has
 * them parsed, computes defaults and has all of it checked. Called by master at start and reload,
 * and by the tools. Owns all memory of the source. Files are at most LIMIT_CONF_FILE bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "conf/source.h"

/*
 * Above what two files of LIMIT_CONF_FILE can make of it: text once as it is, once cut up, and a
 * record of 64 bytes for every two bytes of it at the worst.
 */
#define MEMORY_MAX ((size_t)LIMIT_CONF_FILE * 80)

struct span
conf_keep(struct conf_source *source, struct span s)
{
	const struct span kept = arena_dup(&source->arena, s);

	assert(kept.p);
	return kept;
}

void *
conf_keep_array(struct conf_source *source, size_t count, size_t size)
{
	void *p = arena_alloc_array(&source->arena, count, size);

	assert(p);
	return p;
}

static struct conf_source *
source_new(const char *dir)
{
	struct conf_source *source = mem_alloc(sizeof(*source));
	struct str path = STR_INIT(8192);

	arena_init(&source->arena, MEMORY_MAX);
	map_init(&source->defs);
	source->dir = conf_keep(source, span_str(dir));
	str_printf(&path, "%s/main.cf", dir);
	source->main_path = conf_keep(source, str_span(&path));
	str_reset(&path);
	str_printf(&path, "%s/master.cf", dir);
	source->master_path = conf_keep(source, str_span(&path));
	str_free(&path);
	return source;
}

static void
source_fill(struct conf_source *source, struct span main_cf, struct span master_cf,
    struct conf_problems *problems)
{
	conf_main_parse(source, main_cf, problems);
	conf_master_parse(source, master_cf, problems);
	conf_compute(source);
	conf_check(source, problems);
}

struct conf_source *
conf_parse(const char *dir, struct span main_cf, struct span master_cf,
    const struct conf_host *host, struct conf_problems *problems)
{
	struct conf_source *source = source_new(dir);

	source->host.name = conf_keep(source, host->name);
	source->host.host4 = conf_keep(source, host->host4);
	source->host.host6 = conf_keep(source, host->host6);
	source->host.subnet4 = conf_keep(source, host->subnet4);
	source->host.subnet6 = conf_keep(source, host->subnet6);
	source_fill(source, main_cf, master_cf, problems);
	return source;
}

/* All of the file into *OUT, whose cap is the most it may have. */
static enum verdict
file_read(const char *path, struct str *out, struct err *err)
{
	const int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	struct stat st;
	ssize_t n = -1;
	char *room;

	if (fd < 0)
		return err_sys(err, errno, "open");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		sys_close(fd);
		return err_set(err, VERDICT_PERM, "it is not a file");
	}
	/* One byte more than may be there shows a file that is too long. */
	room = str_reserve(out, LIMIT_CONF_FILE + 1);
	n = sys_pread_all(fd, room, LIMIT_CONF_FILE + 1, 0);
	sys_close(fd);
	if (n < 0)
		return err_sys(err, errno, "read");
	if (n > LIMIT_CONF_FILE)
		return err_set(err, VERDICT_PERM, "it is longer than %u bytes", LIMIT_CONF_FILE);
	str_grew(out, (size_t)n);
	return VERDICT_OK;
}

static void
source_read(struct conf_source *source, struct str *main_cf, struct str *master_cf,
    struct conf_problems *problems)
{
	struct err err = ERR_NONE;

	if (file_read(source->main_path.p, main_cf, &err) != VERDICT_OK)
		conf_problem_add(problems, CONF_ERROR, source->main_path, 0, "%s", err.text);
	if (file_read(source->master_path.p, master_cf, &err) != VERDICT_OK)
		conf_problem_add(problems, CONF_ERROR, source->master_path, 0, "%s", err.text);
}

struct conf_source *
conf_load(const char *dir, struct conf_problems *problems)
{
	struct conf_source *source = source_new(dir ? dir : POSTERN_CONFIG_DIR);
	struct str main_cf = STR_INIT(LIMIT_CONF_FILE + 1);
	struct str master_cf = STR_INIT(LIMIT_CONF_FILE + 1);

	if (dir)
		source_read(source, &main_cf, &master_cf, problems);
	source->host = conf_host_probe(source);
	source_fill(source, str_span(&main_cf), str_span(&master_cf), problems);
	str_free(&main_cf);
	str_free(&master_cf);
	return source;
}

void
conf_free(struct conf_source *source)
{
	if (!source)
		return;
	map_free(&source->defs);
	mem_free(source->order);
	arena_free(&source->arena);
	mem_free(source);
}

const struct conf_service *
conf_services(const struct conf_source *source, size_t *n_out)
{
	*n_out = source->services_n;
	return source->services;
}

bool
conf_definition(const struct conf_source *source, size_t i, struct conf_setting *out)
{
	if (i >= source->order_n)
		return false;
	*out = source->order[i]->set;
	return true;
}
