/*
 * master.cf: a line a service, eight columns, the eighth the command and its arguments. Called by
 * conf_load. Every column has a row that says how it is read; a line with an error is told of and
 * left out. Bounded by LIMIT_CONF_FILE and LIMIT_CONF_SERVICES. Names of ports are a table here:
 * master asks no name service.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/cclass.h"
#include "base/num.h"
#include "conf/source.h"

struct port {
	struct span name;
	uint16_t number;
};

static const struct port ports[] = {
	{ SPAN("smtp"), 25 },
	{ SPAN("submission"), 587 },
	{ SPAN("submissions"), 465 },
	{ SPAN("smtps"), 465 },
	{ SPAN("lmtp"), 24 },
	{ SPAN("pop3"), 110 },
	{ SPAN("pop3s"), 995 },
	{ SPAN("imap"), 143 },
	{ SPAN("imap2"), 143 },
	{ SPAN("imaps"), 993 },
};

/* A word and what to do about it; NULL: it is supported. */
struct word {
	struct span word;
	const char *advice;
};

static const struct word commands[] = {
	{ SPAN("smtpd"), NULL },
	{ SPAN("qmgr"), NULL },
	{ SPAN("smtp"), NULL },
	{ SPAN("local"), NULL },
	{ SPAN("rewrite"), NULL },
	{ SPAN("dns"), NULL },
	{ SPAN("bounce"), NULL },
	{ SPAN("pickup"), NULL },
	{ SPAN("anvil"), NULL },
	{ SPAN("authd"), NULL },
	{ SPAN("log"), NULL },
	{ SPAN("deliverer"), NULL },
	{ SPAN("imapd"), NULL },
	{ SPAN("imapuser"), NULL },
	{ SPAN("pop3user"), NULL },
	{ SPAN("pop3d"), NULL },
	{ SPAN("cleanup"), "smtpd and qmgr do its work: delete the line" },
	{ SPAN("discard"), "deliver with local: delete the line" },
	{ SPAN("dnsblog"), "smtpd asks block lists itself: delete the line" },
	{ SPAN("error"), "rewrite answers with errors itself: delete the line" },
	{ SPAN("flush"), "every destination can be flushed: delete the line" },
	{ SPAN("lmtp"), "smtp speaks LMTP too: write smtp as the command" },
	{ SPAN("oqmgr"), "write qmgr as the command" },
	{ SPAN("nqmgr"), "write qmgr as the command" },
	{ SPAN("pipe"), "run commands from aliases: delete the line" },
	{ SPAN("postlogd"), "write log as the command" },
	{ SPAN("postscreen"),
	    "smtpd holds many sessions in one process: write smtpd as the command" },
	{ SPAN("proxymap"), "rewrite reads all tables: delete the line" },
	{ SPAN("qmqpd"), "QMQP is not spoken: delete the line" },
	{ SPAN("scache"), "smtp keeps its connections itself: delete the line" },
	{ SPAN("showq"), "qmgr lists the queue: delete the line" },
	{ SPAN("spawn"), "Postern starts no foreign daemons: delete the line" },
	{ SPAN("tlsmgr"), "daemons keep TLS sessions themselves: delete the line" },
	{ SPAN("tlsproxy"), "smtp keeps TLS connections itself: delete the line" },
	{ SPAN("trivial-rewrite"), "write rewrite as the command" },
	{ SPAN("verify"), "recipients are not probed: delete the line" },
	{ SPAN("virtual"), "write local as the command: it delivers to virtual mailboxes too" },
};

static const struct word types[] = {
	[CONF_INET] = { SPAN("inet"), NULL },
	[CONF_UNIX] = { SPAN("unix"), NULL },
	{ SPAN("unix-dgram"), "is not supported: write unix" },
	{ SPAN("fifo"), "is not supported: write unix" },
	{ SPAN("pass"), "is not supported: write inet or unix" },
};

static const struct word *
word_find(const struct word *words, size_t n, struct span s)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(words[i].word, s))
			return &words[i];
	return NULL;
}

static enum verdict
read_type(struct conf_service *s, struct span text, struct err *err)
{
	const struct word *type = word_find(types, ARRAY_LEN(types), text);

	if (!type)
		return err_set(
		    err, VERDICT_PERM, "\"%.*s\" is no type: write inet or unix", SPAN_ARG(text));
	if (type->advice)
		return err_set(err, VERDICT_PERM, "type %.*s %s", SPAN_ARG(text), type->advice);
	s->type = (enum conf_service_type)(type - types);
	return VERDICT_OK;
}

static enum verdict
read_port(struct conf_service *s, struct span text, struct err *err)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (span_eq(ports[i].name, text)) {
			s->port = ports[i].number;
			return VERDICT_OK;
		}
	if (!num_parse_u64(text, UINT16_MAX, &number) || number == 0)
		return err_set(err, VERDICT_PERM,
		    "\"%.*s\" is no port: write a number from 1 to 65535, or smtp, submission, "
		    "submissions, lmtp, pop3, "
		    "pop3s, imap or imaps",
		    SPAN_ARG(text));
	s->port = (uint16_t)number;
	return VERDICT_OK;
}

static enum verdict
read_host(struct conf_service *s, struct span text, bool bracketed, struct err *err)
{
	struct str host = STR_INIT(LIMIT_NEXTHOP);
	struct in6_addr address;
	bool ok;

	s->host = text;
	str_put(&host, text);
	ok = !bracketed && (span_eq(text, span_lit("localhost")) ||
			       inet_pton(AF_INET, str_cstr(&host), &address) == 1);
	ok = ok || (bracketed && inet_pton(AF_INET6, str_cstr(&host), &address) == 1);
	ok = ok || (bracketed && inet_pton(AF_INET, str_cstr(&host), &address) == 1);
	str_free(&host);
	if (ok)
		return VERDICT_OK;
	return err_set(err, VERDICT_PERM,
	    "\"%.*s\" is no address: write 192.0.2.1:port, [2001:db8::1]:port or localhost:port; "
	    "names are not looked up",
	    SPAN_ARG(text));
}

static enum verdict
read_inet_name(struct conf_service *s, struct span text, struct err *err)
{
	const size_t colon = span_rfind(text, ':');
	struct span host = span_head(text, colon);
	const bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	enum verdict v;

	if (text.n > LIMIT_NEXTHOP)
		return err_set(err, VERDICT_PERM, "the name of the service is longer than %d bytes",
		    LIMIT_NEXTHOP);
	if (colon == text.n)
		return read_port(s, text, err);
	if (bracketed)
		host = span_of(host.p + 1, host.n - 2);
	/* ":port" is the port on every interface. */
	v = colon == 0 ? VERDICT_OK : read_host(s, host, bracketed, err);
	return v == VERDICT_OK ? read_port(s, span_from(text, colon + 1), err) : v;
}

static enum verdict
read_name(struct conf_service *s, struct span text, struct err *err)
{
	bool ok = text.n <= LIMIT_SERVICE_NAME;

	if (s->type == CONF_INET)
		return read_inet_name(s, text, err);
	for (size_t i = 0; i < text.n; i++)
		ok = ok && (cclass_is(text.p[i], CC_LDH) || text.p[i] == '_' ||
			       (text.p[i] == '.' && i > 0));
	if (ok)
		return VERDICT_OK;
	return err_set(err, VERDICT_PERM,
	    "\"%.*s\" is no name for a service: use at most %d letters, digits, hyphens, dots and "
	    "underscores",
	    SPAN_ARG(text), LIMIT_SERVICE_NAME);
}

static enum verdict
read_flag(struct span text, bool preset, const char *column, bool *out, struct err *err)
{
	*out = span_eq(text, span_lit("y")) || (preset && span_eq(text, span_lit("-")));
	if (*out || span_eq(text, span_lit("n")) || span_eq(text, span_lit("-")))
		return VERDICT_OK;
	return err_set(
	    err, VERDICT_PERM, "column %s is \"%.*s\": write y, n or -", column, SPAN_ARG(text));
}

static enum verdict
read_private(struct conf_service *s, struct span text, struct err *err)
{
	if (s->type == CONF_INET && span_eq(text, span_lit("y")))
		return err_set(
		    err, VERDICT_PERM, "a service of type inet cannot be private: write n");
	return read_flag(text, s->type == CONF_UNIX, "private", &s->private, err);
}

/* Every daemon has its own identity and an empty root, whatever these columns say. */
static enum verdict
read_unprivileged(struct conf_service *s UNUSED, struct span text, struct err *err)
{
	bool ignored;

	return read_flag(text, true, "unpriv", &ignored, err);
}

static enum verdict
read_chroot(struct conf_service *s UNUSED, struct span text, struct err *err)
{
	bool ignored;

	return read_flag(text, true, "chroot", &ignored, err);
}

static enum verdict
read_wakeup(struct conf_service *s, struct span text, struct err *err)
{
	struct span digits = text;
	uint64_t seconds;

	if (span_eq(text, span_lit("-")))
		return VERDICT_OK;
	s->wakeup_used = span_ends(text, span_lit("?"));
	digits.n -= s->wakeup_used;
	if (!num_parse_u64(digits, 86400, &seconds))
		return err_set(err, VERDICT_PERM,
		    "column wakeup is \"%.*s\": write seconds up to 86400, with ? for not before "
		    "the first use, or -",
		    SPAN_ARG(text));
	s->wakeup = (uint32_t)seconds;
	return VERDICT_OK;
}

static enum verdict
read_maxproc(struct conf_service *s, struct span text, struct err *err)
{
	uint64_t n = CONF_MAXPROC_DEFAULT;

	if (!span_eq(text, span_lit("-")) && !num_parse_u64(text, 10000, &n))
		return err_set(err, VERDICT_PERM,
		    "column maxproc is \"%.*s\": write a number up to 10000 (0: no limit) or -",
		    SPAN_ARG(text));
	s->maxproc = (uint32_t)n;
	return VERDICT_OK;
}

struct column {
	size_t place;
	enum verdict (*read)(struct conf_service *s, struct span text, struct err *err);
};

/* In the order in which they are read: a name means something once the type is known. */
static const struct column columns[] = {
	{ 1, read_type },
	{ 0, read_name },
	{ 2, read_private },
	{ 3, read_unprivileged },
	{ 4, read_chroot },
	{ 5, read_wakeup },
	{ 6, read_maxproc },
};

/* The next word, or what stands in braces (GROUP), taken off the front; VERDICT_EOF after the last.
 */
static enum verdict
take_word(struct span *rest, struct span *word_out, bool *group_out, struct err *err)
{
	size_t depth = 0;

	*rest = span_trim(*rest);
	*group_out = rest->n > 0 && rest->p[0] == '{';
	if (!*group_out)
		return span_token(rest, span_lit(" \t"), word_out) ? VERDICT_OK : VERDICT_EOF;
	for (size_t i = 0; i < rest->n; i++) {
		depth += rest->p[i] == '{';
		depth -= rest->p[i] == '}';
		if (depth == 0) {
			*word_out = span_trim(span_of(rest->p + 1, i - 1));
			*rest = span_from(*rest, i + 1);
			return VERDICT_OK;
		}
	}
	return err_set(err, VERDICT_PERM, "there is a { without a } after it");
}

static enum verdict
read_setting(struct conf_setting *set, struct span *rest, struct err *err)
{
	struct span word;
	bool group;
	enum verdict v = take_word(rest, &word, &group, err);

	if (v == VERDICT_OK && conf_setting_parse(word, set))
		return VERDICT_OK;
	if (v == VERDICT_PERM)
		return v;
	return err_set(err, VERDICT_PERM,
	    "-o is not followed by name=value: write it without blanks, or { name = value } in "
	    "braces");
}

/* What follows the seven columns. */
static enum verdict
read_command(struct conf_source *source, struct conf_service *s, struct span rest, struct err *err)
{
	/* No word is shorter than a byte and a blank. */
	struct span *args = conf_keep_array(source, rest.n / 2 + 1, sizeof(*args));
	struct conf_setting *settings = conf_keep_array(source, rest.n / 4 + 1, sizeof(*settings));
	const struct word *known;
	struct span word;
	bool group;
	enum verdict v;

	s->args = args;
	s->settings = settings;
	if (take_word(&rest, &s->command, &group, err) != VERDICT_OK)
		return err_set(err, VERDICT_PERM, "there is no command: a line has eight columns");
	known = word_find(commands, ARRAY_LEN(commands), s->command);
	if (!known || known->advice)
		return err_set(err, VERDICT_PERM, "there is no daemon \"%.*s\": %s",
		    SPAN_ARG(s->command),
		    known ? known->advice : "the eighth column names a file of $daemon_directory");
	while ((v = take_word(&rest, &word, &group, err)) == VERDICT_OK) {
		if (group || !span_starts(word, span_lit("-o"))) {
			args[s->args_n++] = word;
			continue;
		}
		/* "-oname=value" is as good as "-o name=value". */
		if (word.n > 2)
			rest = span_of(word.p + 2, (size_t)(rest.p + rest.n - word.p) - 2);
		v = read_setting(&settings[s->settings_n++], &rest, err);
		if (v != VERDICT_OK)
			return v;
	}
	return v == VERDICT_EOF ? VERDICT_OK : v;
}

static enum verdict
read_line(struct conf_source *source, struct conf_service *s, struct span text, struct err *err)
{
	for (size_t i = 0; i < text.n; i++)
		if (cclass_is(text.p[i], CC_CTL) && text.p[i] != '\t')
			return err_set(
			    err, VERDICT_PERM, "there is a control character in it: take it out");
	for (size_t i = 0; i < ARRAY_LEN(s->columns); i++)
		if (!span_token(&text, span_lit(" \t"), &s->columns[i]))
			return err_set(err, VERDICT_PERM,
			    "there are %zu columns: service type private unpriv chroot wakeup "
			    "maxproc command",
			    i);
	s->name = s->columns[0];
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const enum verdict v = columns[i].read(s, s->columns[columns[i].place], err);

		if (v != VERDICT_OK)
			return v;
	}
	return read_command(source, s, text, err);
}

/* Two services that would listen on the same place, as far as the lines tell. */
static bool
service_same(const struct conf_service *a, const struct conf_service *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == CONF_INET)
		return a->port == b->port && span_eq(a->host, b->host);
	return span_eq(a->name, b->name);
}

static void
add_line(
    struct conf_source *source, struct span text, unsigned line, struct conf_problems *problems)
{
	struct conf_service s = { .line = line };
	struct err err = ERR_NONE;

	if (read_line(source, &s, conf_keep(source, text), &err) != VERDICT_OK) {
		conf_problem_add(problems, CONF_ERROR, source->master_path, line, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < source->services_n; i++)
		if (service_same(&source->services[i], &s)) {
			conf_problem_add(problems, CONF_ERROR, source->master_path, line,
			    "service %.*s is on line %u already: delete one of them",
			    SPAN_ARG(s.name), source->services[i].line);
			return;
		}
	if (source->services_n == LIMIT_CONF_SERVICES) {
		conf_problem_add(problems, CONF_ERROR, source->master_path, line,
		    "there are more than %d services", LIMIT_CONF_SERVICES);
		return;
	}
	source->services[source->services_n++] = s;
}

void
conf_master_parse(struct conf_source *source, struct span text, struct conf_problems *problems)
{
	struct conf_lines lines;

	source->services =
	    conf_keep_array(source, LIMIT_CONF_SERVICES, sizeof(struct conf_service));
	conf_lines_init(&lines, text);
	while (conf_lines_next(&lines)) {
		if (lines.orphan)
			conf_problem_add(problems, CONF_ERROR, source->master_path, lines.line,
			    "the line begins with a blank but there is none that it could "
			    "continue");
		else
			add_line(source, str_span(&lines.text), lines.line, problems);
	}
	conf_lines_free(&lines);
}

size_t
conf_service_hosts(const struct conf_service *service, struct span hosts_out[2])
{
	hosts_out[0] = service->host;
	hosts_out[1] = span_lit("::1");
	if (!span_eq(service->host, span_lit("localhost")))
		return service->host.n > 0;
	hosts_out[0] = span_lit("127.0.0.1");
	return 2;
}
