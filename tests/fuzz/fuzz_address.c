/*
 * Fuzz target for what stands on MAIL and RCPT lines: paths, parameters, xtext, ORCPT, domains.
 * Whatever is taken must come out canonical, must be read again as the same, and must not hold a
 * byte that ends a line.
 */
#include "config.h"

#include "base/cclass.h"
#include "message/address.h"
#include "message/domain.h"
#include "message/esmtp.h"
#include "tests/fuzz/fuzz.h"

static void
check_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		assert(!cclass_is(s.p[i], CC_CTL));
}

static void
check_path(struct span data, unsigned flags)
{
	struct arena arena;
	struct address a, b;
	struct span args = data, text;
	struct err err = ERR_NONE;

	arena_init(&arena, 1 << 16);
	if (path_parse(&args, flags, &arena, &a, &err) != VERDICT_OK) {
		assert(err.reply >= 400 && span_eq(args, data));
		arena_free(&arena);
		return;
	}
	assert(a.local.n <= LIMIT_LOCALPART && a.domain.n <= LIMIT_DOMAIN);
	assert(!a.utf8 || (flags & PATH_UTF8));
	text = address_text(&a, &arena);
	check_plain(text);
	assert(address_parse(text, flags | PATH_NO_DOMAIN | PATH_NULL, &arena, &b, NULL) ==
	       VERDICT_OK);
	assert(address_eq(&a, &b) && span_eq(text, address_text(&b, &arena)));
	arena_free(&arena);
}

static void
check_params(struct span data, bool utf8)
{
	struct esmtp_params params;

	if (esmtp_params_parse(data, utf8, &params, NULL) != VERDICT_OK)
		return;
	for (size_t i = 0; i < params.count; i++) {
		check_plain(params.v[i].key);
		check_plain(params.v[i].value);
		assert(esmtp_param_find(&params, params.v[i].key) == &params.v[i]);
	}
}

static void
check_codes(struct span data)
{
	struct str plain = STR_INIT(1 << 20), coded = STR_INIT(1 << 20), again = STR_INIT(1 << 20);
	struct domain_ip ip;

	if (xtext_parse(data, &plain)) {
		check_plain(str_span(&plain));
		assert(xtext_put(&coded, str_span(&plain)));
		assert(xtext_parse(str_span(&coded), &again));
		assert(span_eq(str_span(&plain), str_span(&again)));
	}
	str_reset(&plain);
	str_reset(&coded);
	str_reset(&again);
	if (orcpt_parse(data, true, &plain)) {
		check_plain(str_span(&plain));
		assert(orcpt_put(&coded, str_span(&plain), false));
		assert(orcpt_parse(str_span(&coded), false, &again));
		assert(span_eq(str_span(&plain), str_span(&again)));
	}
	if (domain_helo_parse(data, DOMAIN_UTF8, &ip))
		check_plain(data);
	str_free(&plain);
	str_free(&coded);
	str_free(&again);
}

FUZZ(data)
{
	check_path(data, 0);
	check_path(data, PATH_UTF8 | PATH_NULL | PATH_NO_DOMAIN | PATH_BARE);
	check_params(data, false);
	check_params(data, true);
	check_codes(data);
}
