/*
 * sendmail: the command by which programs of this host send mail, with the options that they know
 * from other mail systems; mailq and newaliases are the same program. Run by anybody, with no more
 * rights than that: it leaves mail with postdrop, whether the suite runs or not, and runs the tool
 * that does what else it is asked for. Options without a meaning here are taken and ignored.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cclass.h"
#include "base/mem.h"
#include "base/num.h"
#include "tools/sendmail.h"
#include "tools/submit.h"

#define OPTIONS	      "A:B:C:F:GIL:N:O:R:UV:X:ab:ce:f:h:imno:p:q:r:tvx"
#define ADDRESS_ARENA (1u << 20)
#define LINE_MOST     (8u << 10)
#define ARGS_MOST     32 /* of a tool that is run instead */

enum mode { MODE_SEND, MODE_LIST, MODE_ALIASES, MODE_FLUSH, MODE_DAEMON, MODE_NONE };

struct options {
	enum mode mode;
	const char *unknown;  /* a mode that there is not */
	const char *queue_id; /* -qI */
	const char *site;     /* -qR, -qS */
	struct str full_name;
};

static const struct {
	char c;
	enum mode mode;
} modes[] = {
	{ 'm', MODE_SEND },
	{ 'a', MODE_SEND },
	{ 'p', MODE_LIST },
	{ 'i', MODE_ALIASES },
	{ 'd', MODE_DAEMON },
	{ 'l', MODE_DAEMON },
};

static bool
take_mode(struct sendmail *s, struct options *o, const char *word)
{
	(void)s;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (word[0] == modes[i].c) {
			o->mode = modes[i].mode;
			return true;
		}
	}
	o->mode = MODE_NONE;
	o->unknown = word;
	return true;
}

static bool
take_queue(struct sendmail *s, struct options *o, const char *word)
{
	(void)s;
	if (o->mode == MODE_DAEMON)
		return true; /* "-bd -q30m": qmgr has times of its own */
	o->mode = MODE_FLUSH;
	if (word[0] == 'I')
		o->queue_id = word + 1;
	if (word[0] == 'R' || word[0] == 'S')
		o->site = word + 1;
	/* "-q30m" alone would be a daemon. */
	if (isdigit((unsigned char)word[0]))
		o->mode = MODE_DAEMON;
	return true;
}

/* -N: RFC 3461 4.1's words. */
static bool
take_notify(struct sendmail *s, struct options *o, const char *arg)
{
	static const struct {
		struct span word;
		uint8_t bit;
	} bits[] = { { SPAN("never"), 1 }, { SPAN("success"), 2 }, { SPAN("failure"), 4 },
		{ SPAN("delay"), 8 } };
	struct span words = span_str(arg), word;

	(void)o;
	s->envelope.notify = 0;
	while (span_token(&words, span_lit(", "), &word)) {
		uint8_t bit = 0;

		for (size_t i = 0; i < ARRAY_LEN(bits); i++)
			bit |= span_eq_nocase(word, bits[i].word) ? bits[i].bit : 0;
		if (bit == 0)
			return false;
		s->envelope.notify |= bit;
	}
	return s->envelope.notify == 1 || (s->envelope.notify & 1) == 0;
}

static bool
take_ret(struct sendmail *s, struct options *o, const char *arg)
{
	struct span word = span_str(arg);

	(void)o;
	s->envelope.ret = span_eq_nocase(word, span_lit("full"))   ? 1
			  : span_eq_nocase(word, span_lit("hdrs")) ? 2
								   : 0;
	return s->envelope.ret > 0;
}

static bool
take_sender(struct sendmail *s, struct options *o, const char *text)
{
	struct span sender = span_str(text);

	(void)o;
	if (span_starts(sender, span_lit("<")) && span_ends(sender, span_lit(">")))
		sender = span_of(sender.p + 1, sender.n - 2);
	s->envelope.sender = sender;
	s->sender_given = true;
	return true;
}

static bool
take_config(struct sendmail *s, struct options *o, const char *arg)
{
	(void)o;
	s->config_dir = arg;
	s->config_given = true;
	return true;
}

static bool
take_full_name(struct sendmail *s, struct options *o, const char *arg)
{
	(void)s;
	str_reset(&o->full_name);
	return str_puts(&o->full_name, arg);
}

static bool
take_aliases(struct sendmail *s, struct options *o, const char *arg)
{
	(void)s;
	(void)arg;
	o->mode = MODE_ALIASES;
	return true;
}

static bool
take_envid(struct sendmail *s, struct options *o, const char *arg)
{
	(void)o;
	s->envelope.envid = span_str(arg);
	return s->envelope.envid.n <= 100;
}

static bool
take_dots(struct sendmail *s, struct options *o, const char *arg)
{
	(void)o;
	(void)arg;
	s->dots = true;
	return true;
}

/* -oi; the other settings of -o mean nothing here. */
static bool
take_setting(struct sendmail *s, struct options *o, const char *arg)
{
	(void)o;
	s->dots = s->dots || arg[0] == 'i';
	return true;
}

static bool
take_extract(struct sendmail *s, struct options *o, const char *arg)
{
	(void)o;
	(void)arg;
	s->extract = true;
	return true;
}

/* Those with a meaning. The others of OPTIONS are taken and ignored. */
static const struct {
	char c;
	bool (*take)(struct sendmail *s, struct options *o, const char *arg);
} options[] = {
	{ 'C', take_config },
	{ 'F', take_full_name },
	{ 'I', take_aliases },
	{ 'N', take_notify },
	{ 'R', take_ret },
	{ 'V', take_envid },
	{ 'b', take_mode },
	{ 'f', take_sender },
	{ 'i', take_dots },
	{ 'o', take_setting },
	{ 'q', take_queue },
	{ 'r', take_sender },
	{ 't', take_extract },
};

/* One option; false: it is misused. */
static bool
take_option(struct sendmail *s, struct options *o, int c)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].c == c)
			return options[i].take(s, o, optarg);
	return c != '?';
}

/* The first field of gecos; "&" in it is the login name. */
static void
gecos_put(struct str *out, const struct passwd *pw)
{
	for (const char *p = pw->pw_gecos; *p && *p != ','; p++) {
		if (*p != '&') {
			str_putc(out, *p);
			continue;
		}
		str_putc(out, (char)toupper((unsigned char)pw->pw_name[0]));
		str_puts(out, pw->pw_name[0] ? pw->pw_name + 1 : "");
	}
}

/* Who sends: -f, or who runs this. */
static int
sender_find(struct sendmail *s, struct options *o, struct str *sender)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *name = getenv("NAME");

	if (o->full_name.n == 0 && name)
		str_puts(&o->full_name, name);
	if (o->full_name.n == 0 && pw)
		gecos_put(&o->full_name, pw);
	s->envelope.name = str_span(&o->full_name);
	if (s->sender_given && s->envelope.sender.n == 0)
		return SUBMIT_OK;
	if (!s->sender_given && !pw)
		return submit_fail(s->name, SUBMIT_NO_USER,
		    "user %u has no name: say with -f who sends", (unsigned)getuid());
	if (!s->sender_given)
		s->envelope.sender = span_str(pw->pw_name);
	if (!sendmail_put_sender(s, s->envelope.sender, sender))
		return submit_fail(s->name, SUBMIT_DATA, "bad sender address");
	s->envelope.sender = str_span(sender);
	return SUBMIT_OK;
}

static int
send_mail(struct sendmail *s, struct options *o, const char *postdrop, char **recipients)
{
	struct err err = ERR_NONE;
	int status = sender_find(s, o, &s->sender);

	if (status != SUBMIT_OK)
		return status;
	for (; *recipients; recipients++) {
		/* A list in a header may be folded; an argument is one line. */
		for (const char *p = *recipients; *p; p++)
			if (cclass_is(*p, CC_CTL))
				return submit_fail(
				    s->name, SUBMIT_DATA, "a recipient has controls in it");
		if (!sendmail_add_list(s, span_str(*recipients), &err))
			return submit_fail(s->name, SUBMIT_DATA, "%s", err.text);
	}
	return sendmail_submit(s, postdrop);
}

/* Becomes the tool that does it. */
static int
run_tool(const struct sendmail *s, struct span commands, const char *tool, const char *const *args)
{
	struct str path = STR_INIT(4096);
	char *argv[ARGS_MOST] = { NULL };
	size_t n = 0;

	str_printf(&path, "%.*s/%s", SPAN_ARG(commands), tool);
	argv[n++] = mem_strdup(str_span(&path));
	if (s->config_given) {
		argv[n++] = mem_strdup(span_lit("-c"));
		argv[n++] = mem_strdup(span_str(s->config_dir));
	}
	for (; *args && n + 1 < ARGS_MOST; args++)
		argv[n++] = mem_strdup(span_str(*args));
	execv(argv[0], argv);
	return submit_fail(s->name, SUBMIT_UNAVAILABLE, "%s: %s", argv[0], strerror(errno));
}

/* postalias for each of alias_database. */
static int
run_aliases(const struct sendmail *s, struct span commands, struct conf_source *source)
{
	struct str databases = STR_INIT(LIMIT_CONF_VALUE);
	const char *args[ARGS_MOST] = { NULL };
	struct span rest, one;
	size_t n = 0;

	if (!submit_value(s->name, source, "alias_database", &databases))
		return SUBMIT_CONFIG;
	rest = str_span(&databases);
	while (n + 4 < ARGS_MOST && conf_list_next(&rest, &one))
		args[n++] = mem_strdup(one);
	return n > 0 ? run_tool(s, commands, "postalias", args) : SUBMIT_OK;
}

static int
run_mode(const struct sendmail *s, const struct options *o, struct span commands,
    struct conf_source *source)
{
	const char *const list[] = { "-p", NULL };
	const char *const flush[] = { "-f", NULL };
	const char *const one[] = { "-i", o->queue_id, NULL };
	const char *const site[] = { "-s", o->site, NULL };
	const char *const start[] = { "start", NULL };

	if (o->mode == MODE_LIST)
		return run_tool(s, commands, "postqueue", list);
	if (o->mode == MODE_FLUSH)
		return run_tool(s, commands, "postqueue",
		    o->queue_id ? one
		    : o->site	? site
				: flush);
	if (o->mode == MODE_DAEMON)
		return run_tool(s, commands, "postern", start);
	if (o->mode == MODE_ALIASES)
		return run_aliases(s, commands, source);
	return submit_fail(s->name, SUBMIT_UNAVAILABLE, "-b%s is not there", o->unknown);
}

static int
run(struct sendmail *s, struct options *o, char **rest)
{
	struct conf_problems *problems = conf_problems_new();
	struct conf_source *source = conf_load(s->config_dir, problems);
	struct str commands = STR_INIT(4096), limit = STR_INIT(64), postdrop = STR_INIT(4096);
	int status = SUBMIT_CONFIG;

	if (submit_value(s->name, source, "command_directory", &commands) &&
	    submit_value(s->name, source, "extract_recipient_limit", &limit) &&
	    num_parse_u64(str_span(&limit), LIMIT_RECIPIENTS, &s->extract_limit)) {
		str_printf(&postdrop, "%.*s/postdrop", SPAN_ARG(str_span(&commands)));
		status = o->mode == MODE_SEND ? send_mail(s, o, str_cstr(&postdrop), rest)
					      : run_mode(s, o, str_span(&commands), source);
	}
	conf_free(source);
	conf_problems_free(problems);
	str_free(&commands);
	str_free(&limit);
	str_free(&postdrop);
	return status;
}

static enum mode
mode_of(struct span name)
{
	if (span_eq(name, span_lit("mailq")))
		return MODE_LIST;
	return span_eq(name, span_lit("newaliases")) ? MODE_ALIASES : MODE_SEND;
}

int
main(int argc, char **argv)
{
	struct span called = span_str(argc > 0 ? argv[0] : "sendmail");
	size_t slash = span_rfind(called, '/');
	struct sendmail s = { .name = "sendmail", .config_dir = getenv("MAIL_CONFIG") };
	struct options o = { .mode = MODE_SEND };
	int c;

	o.mode = mode_of(span_from(called, slash < called.n ? slash + 1 : 0));
	s.config_given = s.config_dir != NULL;
	if (!s.config_dir)
		s.config_dir = POSTERN_CONFIG_DIR;
	str_init(&o.full_name, LINE_MOST);
	str_init(&s.sender, LIMIT_ADDRESS);
	str_init(&s.recipients, LIMIT_SUBMISSION_HEAD);
	arena_init(&s.arena, ADDRESS_ARENA);
	for (;;) {
		/* "-q" alone has no argument, whatever follows. */
		if (optind < argc && strcmp(argv[optind], "-q") == 0) {
			o.mode = MODE_FLUSH;
			optind++;
			continue;
		}
		c = getopt(argc, argv, OPTIONS);
		if (c < 0)
			break;
		if (!take_option(&s, &o, c))
			return submit_fail(s.name, SUBMIT_USAGE,
			    "usage: sendmail [options] [recipient ...]; see sendmail(1)");
	}
	c = run(&s, &o, argv + optind);
	str_free(&o.full_name);
	str_free(&s.sender);
	str_free(&s.recipients);
	arena_free(&s.arena);
	return c;
}
