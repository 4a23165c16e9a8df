/*
 * The dialogue of a client until it has logged in: the AUTHORIZATION state of RFC 1939 4. Run by
 * lib/login on a fiber for each connection, which bounds its time, bytes, lines and errors. Owns
 * the name that USER gave. After a login that succeeded the session has been carried to its end,
 * and nothing may be written any more.
 */
#include "base/mem.h"
#include "pop3d/login/pop3d.h"

#define AUTH_LINE 12288 /* bytes: RFC 4954 4 has this for SASL; RFC 5034 4 names no number */

SUSPENDS static void
refuse_client(struct login *l, struct span why)
{
	pop3_err(login_stream(l), "SYS/TEMP", "%.*s", SPAN_ARG(why));
}

void
pop3d_settings(const struct conf *conf, struct login_settings *out)
{
	*out = (struct login_settings){
		.service = "pop3",
		.tls_offered = conf->pop3d_tls_security_level != CONF_TLS_SERVER_NONE,
		.tls_wrapper = conf->pop3d_tls_wrappermode,
		.tls_needed = conf->pop3d_tls_auth_only ||
			      conf->pop3d_tls_security_level == CONF_TLS_SERVER_ENCRYPT,
		.timeout = conf->pop3d_login_timeout,
		.errors_max = (uint32_t)conf->pop3d_hard_error_limit,
		.client_max = (uint32_t)conf->pop3d_client_connection_count_limit,
		.dialogue = pop3d_dialogue,
		.refuse = refuse_client,
	};
}

struct stream *
dialogue_io(const struct dialogue *d)
{
	return login_stream(d->login);
}

SUSPENDS void
dialogue_refuse(struct dialogue *d, const char *why)
{
	login_count_error(d->login);
	pop3_err(dialogue_io(d), "", "%s", why);
}

void
dialogue_wipe(struct span line)
{
	/* The stream's buffer is not ours to write, but nobody is to find a password in it. */
	mem_wipe((void *)(uintptr_t)line.p, line.n);
}

/* What is said at an end that the client did not ask for; to one that was silent for too long
 * nothing (RFC 1939 3). */
SUSPENDS static void
dialogue_break_off(struct dialogue *d, enum verdict v)
{
	if (v == VERDICT_PERM)
		pop3_err(dialogue_io(d), "", "too many errors, or too much said; good-bye");
	if (v == VERDICT_CANCELLED)
		pop3_err(dialogue_io(d), "SYS/TEMP", "the server is shutting down");
	d->over = true;
}

SUSPENDS bool
dialogue_read(struct dialogue *d, size_t max, struct span *line_out)
{
	enum verdict v = login_read_line(d->login, LINE_LENIENT, max, line_out);

	if (v == VERDICT_OK)
		return true;
	if (v == VERDICT_LIMIT) {
		*line_out = span_lit("");
		v = login_skip_line(d->login, LINE_LENIENT);
		if (v == VERDICT_OK) {
			dialogue_refuse(d, "the line is too long");
			return false;
		}
	}
	dialogue_break_off(d, v);
	return false;
}

SUSPENDS void
pop3d_dialogue(struct login *l)
{
	struct dialogue d = { .login = l, .conf = service_conf(login_service(l)) };
	struct span line;

	str_init(&d.name, POP3_LINE);
	pop3_ok(dialogue_io(&d), "%.*s", SPAN_ARG(d.conf->pop3d_banner));
	while (!d.over)
		if (dialogue_read(&d, AUTH_LINE, &line))
			command_run(&d, line);
	str_wipe(&d.name);
}
