/*
 * Fuzz target for transfer encodings and encoded words: pieces give what the whole gives, text of
 * headers comes out as one line of UTF-8, and what is encoded is decoded to the same. The first
 * byte says where to cut.
 */
#include "config.h"

#include "base/utf8.h"
#include "message/charset.h"
#include "message/decode.h"
#include "message/mime_field.h"
#include "message/words.h"
#include "tests/fuzz/fuzz.h"

static void
check_body(struct span data, enum encoding encoding, size_t step)
{
	struct str whole = STR_INIT(data.n + 200), pieces = STR_INIT(data.n + 200);
	struct decoder d = decoder_start(encoding), e = decoder_start(encoding);

	assert(decoder_feed(&d, data, &whole) && decoder_end(&d, &whole));
	for (struct span rest = data; rest.n > 0; rest = span_from(rest, step))
		assert(decoder_feed(&e, span_head(rest, step), &pieces));
	assert(decoder_end(&e, &pieces));
	assert(span_eq(str_span(&whole), str_span(&pieces)) && d.broken == e.broken);
	str_free(&whole);
	str_free(&pieces);
}

static void
check_words(struct span data)
{
	struct str out = STR_INIT(8 * data.n + 100), coded = STR_INIT(8 * data.n + 100),
		   again = STR_INIT(8 * data.n + 100);

	assert(words_put_decoded(&out, data));
	assert(utf8_valid(str_span(&out)));
	assert(span_find(str_span(&out), '\0') == out.n);
	str_reset(&out);
	charset_put_clean(&out, data);
	if (words_need_encoding(str_span(&out))) {
		assert(words_put_encoded(&coded, str_span(&out)));
		assert(words_put_decoded(&again, str_span(&coded)));
		assert(again.n == out.n);
	}
	str_free(&out);
	str_free(&coded);
	str_free(&again);
}

static void
check_params(struct span data)
{
	struct arena arena;
	struct mime_value v;
	struct str text = STR_INIT(8 * data.n + 100);

	arena_init(&arena, 1 << 20);
	mime_type_parse(data, &arena, &v);
	for (size_t i = 0; i < v.param_count; i++) {
		str_reset(&text);
		assert(mime_param_put_text(&text, &v.param[i]));
		assert(utf8_valid(str_span(&text)));
		assert(span_find(str_span(&text), '\n') == text.n);
	}
	mime_disposition_parse(data, &arena, &v);
	str_free(&text);
	arena_free(&arena);
}

FUZZ(data)
{
	size_t step = data.n > 0 ? (unsigned char)data.p[0] % 8 + 1 : 1;

	data = span_from(data, 1);
	check_body(data, ENCODING_BASE64, step);
	check_body(data, ENCODING_QUOTED_PRINTABLE, step);
	check_words(data);
	check_params(data);
}
