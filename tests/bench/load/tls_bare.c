/*
 * What TLS costs at least: an SMTP server that does nothing but greet, STARTTLS and QUIT, a
 * blocking loop over bare OpenSSL in one process. For tests/bench/run, which counts its CPU time
 * beside smtpd's. Usage: tls_bare PORT CHAIN.pem; runs until it is killed.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"

#define GREETING "220 mail.example.test ESMTP\r\n"
#define FEATURES                                                                               \
	"250-mail.example.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-STARTTLS\r\n250 " \
	"8BITMIME\r\n"

static void
say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

/* One read is one line here: the client waits for each reply. */
static bool
hear(int fd)
{
	char line[512];

	return read(fd, line, sizeof(line)) > 0;
}

static void
serve(int fd, SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	char line[512];
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	say(fd, GREETING);
	if (hear(fd)) {
		say(fd, FEATURES);
		hear(fd);
		say(fd, "220 2.0.0 Ready to start TLS\r\n");
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1 && SSL_read(ssl, line, sizeof(line)) > 0) {
			SSL_write(ssl, "221 2.0.0 Bye\r\n", 15);
			SSL_shutdown(ssl);
		}
	}
	SSL_free(ssl);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, client;
	uint64_t port;

	if (argc != 3 || !num_parse_u64(span_str(argv[1]), 65535, &port) ||
	    SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[2], SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "usage: tls_bare PORT CHAIN.pem\n");
		return 2;
	}
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bare", 4);
	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0) {
		perror("tls_bare");
		return 1;
	}
	while ((client = accept(fd, NULL, NULL)) >= 0)
		serve(client, ctx);
	return 1;
}
