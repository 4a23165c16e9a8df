/*
 * All limits, with unit and reason. A limit that a postmaster may want to move is a parameter (conf/params.h) with its
 * own range; what stands here bounds memory and time whatever the configuration says.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Text */
#define LIMIT_ERR_TEXT     512  /* bytes of an error's text: one SMTP reply line of RFC 5321 4.5.3.1.5 */
#define LIMIT_LOG_LINE     4096 /* bytes of one log line; longer ones are cut */
#define LIMIT_LOG_GATHER   16384 /* bytes of log lines gathered before they are sent, whatever the loop does */
#define LIMIT_LOG_ESCAPE   1024 /* bytes of peer data shown in a log line */

/* Fibers and streams */
#define LIMIT_FIBERS       10000  /* fibers of a process: each is 256 KiB of address space */
#define LIMIT_FIBER_STACK  262144 /* bytes of a fiber's stack, one guard page not counted */
#define LIMIT_STREAM_READ  65536  /* bytes a stream buffers of input: a line may not be longer */
#define LIMIT_STREAM_WRITE 262144 /* bytes a stream gathers of output before a write waits for the peer */
#define LIMIT_POOL_THREADS 16     /* threads of a pool: as many disk calls are in flight */
#define LIMIT_POOL_QUEUE   65536  /* jobs waiting for a thread; more is a bug of the caller */

/* Mail (RFC 5321 4.5.3.1) */
#define LIMIT_LOCALPART    64   /* bytes; RFC 5321 4.5.3.1.1 */
#define LIMIT_DOMAIN       255  /* bytes; RFC 5321 4.5.3.1.2 */
#define LIMIT_ADDRESS      1024 /* bytes of an address as we carry it: quoting and UTF-8 make it longer than 254 */
#define LIMIT_QUEUE_ID     20   /* bytes of a queue id */
#define LIMIT_NEXTHOP      320  /* bytes of a destination: "[domain]:port", a socket path, "name[address]:port" */
#define LIMIT_MAILBOX_NAME 1024 /* bytes of a mailbox name in UTF-8, all levels */
#define LIMIT_RECIPIENTS   50000 /* recipients of one message, whatever smtpd_recipient_limit says */

/* Between processes */
#define LIMIT_IPC_FRAME    (4u << 20) /* bytes of one message: a COMMIT with 1,000 long recipients is 1 MiB */
#define LIMIT_IPC_FDS      4          /* descriptors with one message */
#define LIMIT_IPC_CALLS    4096       /* calls a client may have open on one channel */
#define LIMIT_IPC_OUTPUT   (16u << 20) /* bytes waiting for a peer that does not read; then it is cut off */
#define LIMIT_SERVICE_NAME 32         /* bytes of a service's name in master.cf */

/* Configuration */
#define LIMIT_CONF_FILE    (1u << 20) /* bytes of main.cf or master.cf */
#define LIMIT_CONF_VALUE   65536      /* bytes of one value, expanded */
#define LIMIT_CONF_DEPTH   50         /* $name in $name: deeper is a loop */

#endif
