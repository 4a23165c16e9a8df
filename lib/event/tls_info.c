/*
 * What a handshake agreed on, in the words of Postfix's log lines. Filled once after the handshake
 * by tls_transport.c on the main stack; all texts are static or the SSL's own. TLS 1.3 does not
 * name key exchange and signature in the cipher suite (RFC 8446 B.4), so they are told apart;
 * below 1.3 the cipher's name has them. The name asked for by SNI is the client's word: whoever
 * logs it escapes it.
 */
#include "config.h"

#include <openssl/ec.h>

#include "event/tls_private.h"

/* "P-256", for keys on a curve whose type does not say it; else "". */
static const char *
curve_name(const EVP_PKEY *key)
{
	/* Group names are OpenSSL's own and short: "brainpoolP512r1". */
	char group[80];
	size_t n = 0;
	const char *nist;
	int nid;

	if (!EVP_PKEY_get_group_name(key, group, sizeof(group), &n))
		return "";
	nid = OBJ_txt2nid(group);
	if (nid == NID_undef)
		return "";
	nist = EC_curve_nid2nist(nid);
	return nist ? nist : OBJ_nid2sn(nid);
}

static void
info_fill_kex(struct tls_info *info, SSL *ssl)
{
	EVP_PKEY *key = NULL;
	int type;

	if (!SSL_get_peer_tmp_key(ssl, &key))
		return;
	type = EVP_PKEY_get_base_id(key);
	info->kex = OBJ_nid2sn(type);
	if (type == EVP_PKEY_DH) {
		info->kex = "DHE";
		info->kex_bits = EVP_PKEY_get_bits(key);
	} else if (type == EVP_PKEY_EC) {
		info->kex = "ECDHE";
		info->kex_curve = curve_name(key);
	}
	EVP_PKEY_free(key);
}

static void
info_fill_signature(struct tls_info *info, SSL *ssl, bool server)
{
	const X509 *cert = server ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
	int nid = NID_undef;
	EVP_PKEY *key;
	int type;

	if (!cert ||
	    !(server ? SSL_get_signature_nid(ssl, &nid) : SSL_get_peer_signature_nid(ssl, &nid)))
		return;
	key = X509_get0_pubkey(cert);
	type = EVP_PKEY_get_base_id(key);
	info->signature = OBJ_nid2sn(type);
	if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) {
		/* The only one that TLS 1.3 knows for RSA. */
		info->signature = "RSA-PSS";
		info->signature_bits = EVP_PKEY_get_bits(key);
	} else if (type == EVP_PKEY_EC) {
		info->signature = "ECDSA";
		info->signature_curve = curve_name(key);
	}
	if (nid != NID_undef)
		info->digest = OBJ_nid2sn(nid);
}

void
tls_info_fill(struct tls_info *info, SSL *ssl, const struct tls_context *ctx)
{
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	*info = (struct tls_info){
		.protocol = SSL_get_version(ssl),
		.cipher = SSL_get_cipher_name(ssl),
		.kex = "",
		.kex_curve = "",
		.signature = "",
		.signature_curve = "",
		.digest = "",
		.resumed = SSL_session_reused(ssl),
		.peer_cert = SSL_get0_peer_certificate(ssl) != NULL,
		.sni = sni ? sni : "",
	};
	info->bits_used = SSL_get_cipher_bits(ssl, &info->bits_all);
	info->peer_trusted = info->peer_cert && SSL_get_verify_result(ssl) == X509_V_OK;
	info->name_matched = info->peer_trusted && ctx->verify == TLS_VERIFY_NAME;
	if (SSL_version(ssl) < TLS1_3_VERSION)
		return;
	info_fill_kex(info, ssl);
	if (!info->resumed)
		info_fill_signature(info, ssl, ctx->server);
}

/* " (P-256)", " (2048 bits)" or nothing. */
static void
put_size(struct str *out, const char *curve, int bits)
{
	if (*curve)
		str_printf(out, " (%s)", curve);
	else if (bits > 0)
		str_printf(out, " (%d bits)", bits);
}

bool
tls_info_put(struct str *out, const struct tls_info *info)
{
	str_printf(out, "%s with cipher %s (%d/%d bits)", info->protocol, info->cipher,
	    info->bits_used, info->bits_all);
	if (*info->kex) {
		str_printf(out, " key-exchange %s", info->kex);
		put_size(out, info->kex_curve, info->kex_bits);
	}
	if (*info->signature) {
		str_printf(out, " server-signature %s", info->signature);
		put_size(out, info->signature_curve, info->signature_bits);
		if (*info->digest)
			str_printf(out, " server-digest %s", info->digest);
	}
	return !out->full;
}

const char *
tls_info_trust(const struct tls_info *info)
{
	if (info->name_matched)
		return "Verified";
	if (info->peer_trusted)
		return "Trusted";
	return info->peer_cert ? "Untrusted" : "Anonymous";
}
