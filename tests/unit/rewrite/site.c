/*
 * A rewrite for tests: its configuration goes the way of the real one, through a sealed snapshot.
 * Accounts are anna, bert, root, "with space" and vera@virtual.test; authd cannot be asked about
 * busy. Called by the tests of rewrite.
 */
#include "config.h"

#include <unistd.h>

#include "event/loop.h"
#include "tests/unit/rewrite/site.h"

static const char common[] = "myhostname = mx.example.com\n"
			     "myorigin = example.com\n"
			     "mydestination = example.com, localhost\n"
			     "alias_maps =\n"
			     "local_recipient_maps =\n"
			     "recipient_delimiter = +\n";

SUSPENDS static enum verdict
find_account(struct rewrite *rw, uint64_t trace, struct span key, struct arena *arena,
    struct span *account_out, struct err *err)
{
	static const struct span accounts[] = {
		SPAN("anna"),
		SPAN("bert"),
		SPAN("root"),
		SPAN("with space"),
		SPAN("vera@virtual.test"),
	};

	(void)rw;
	(void)trace;
	if (span_starts_nocase(key, span_lit("busy")))
		return err_mail(err, 451, "4.3.0", "Temporary lookup failure");
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
		if (span_eq_nocase(accounts[i], key)) {
			*account_out = arena_dup(arena, accounts[i]);
			return VERDICT_OK;
		}
	return err_set(err, VERDICT_ABSENT, "no such account");
}

void
site_make(struct site *site, const char *main_cf)
{
	struct conf_problems *problems = conf_problems_new();
	const struct conf_host host = { .name = SPAN("mx.example.com"),
		.host4 = SPAN("192.0.2.1/32") };
	struct str text = STR_INIT(1 << 20);
	struct err err = ERR_NONE;

	str_printf(&text, "%s%s\n", common, main_cf);
	site->source = conf_parse("/conf", str_span(&text), span_lit(""), &host, problems);
	if (conf_problems_count(problems, CONF_ERROR) > 0) {
		struct span why = conf_problems_get(problems, 0)->text;
		fail_msg("%s: %.*s", main_cf, SPAN_ARG(why));
	}
	conf_problems_free(problems);
	if (conf_snapshot_seal(site->source, NULL, 1, &site->snapshot, &err) != VERDICT_OK ||
	    conf_snapshot_open(site->snapshot, &site->conf, &err) != VERDICT_OK)
		fail_msg("%s: %s", main_cf, err.text);
	site->rw = rewrite_new(&site->conf);
	site->rw->account_find = find_account;
	str_free(&text);
}

void
site_drop(struct site *site)
{
	rewrite_free(site->rw);
	conf_snapshot_close(&site->conf);
	close(site->snapshot);
	conf_free(site->source);
}

static void
put_recipients(struct str *out, const struct expansion *e)
{
	static const char *const classes[] = { "?", "local", "alias", "virtual", "relay",
		"default" };

	str_printf(out, "%s:", classes[e->class]);
	for (uint32_t i = 0; i < e->recipients_n; i++) {
		const struct item_recipient *r = &e->recipients[i];
		str_printf(out, "%s %.*s %.*s:%.*s", i ? "," : "", SPAN_ARG(r->address),
		    SPAN_ARG(r->transport), SPAN_ARG(r->nexthop));
		if (r->account.n > 0)
			str_printf(out, " account %.*s", SPAN_ARG(r->account));
	}
}

SUSPENDS void
site_resolve(struct site *site, const char *sender, const char *address, struct str *out)
{
	struct arena arena;
	struct expansion e = { .rw = site->rw, .sender = span_str(sender), .arena = &arena };
	struct err err = ERR_NONE;
	char dsn[12];

	arena_init(&arena, 64u << 20);
	if (expand_recipient(&e, span_str(address), &err) == VERDICT_OK)
		put_recipients(out, &e);
	else
		str_printf(out, "%u %s %s", err.reply, dsn_code_text(err.dsn, dsn), err.text);
	arena_free(&arena);
}

FIBER_MAIN static void
site_fiber(void *arg)
{
	void (**fn)(void) = arg;

	(*fn)();
}

void
site_run(void (*fn)(void))
{
	loop_init();
	assert_non_null(fiber_spawn("test", site_fiber, &fn));
	loop_run();
	loop_fini();
}
