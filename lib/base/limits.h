/*
 * All limits, with unit and reason. A limit that a postmaster may want to move is a parameter
 * (conf/params.h) with its own range; what stands here bounds memory and time whatever the
 * configuration says.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* clang-format off */

/* Text */
#define LIMIT_ERR_TEXT     512  /* bytes of an error's text: a reply line, RFC 5321 4.5.3.1.5 */
#define LIMIT_LOG_LINE     4096 /* bytes of one log line; longer ones are cut */
#define LIMIT_LOG_GATHER   16384 /* bytes of log lines gathered, then they are sent */
#define LIMIT_LOG_ESCAPE   1024 /* bytes of peer data shown in a log line */

/* Fibers and streams */
#define LIMIT_FIBERS       10000  /* fibers of a process: each is 256 KiB of address space */
#define LIMIT_FIBER_STACK  262144 /* bytes of a fiber's stack, one guard page not counted */
#define LIMIT_FIBER_CACHE  64     /* stacks kept for the next fibers: enough for sessions that come and go */
#define LIMIT_STREAM_READ  65536  /* bytes a stream buffers of input: a line may not be longer */
#define LIMIT_STREAM_WRITE 262144 /* bytes of output gathered before a write waits */
#define LIMIT_POOL_THREADS 16     /* threads of a pool: as many disk calls are in flight */
#define LIMIT_POOL_QUEUE   65536  /* jobs waiting for a thread; more is a bug of the caller */

/* TLS */
#define LIMIT_TLS_PEM    (4u << 20) /* bytes of a chain or CA file: all public CAs are 230 KB */
#define LIMIT_TLS_CERTS  64         /* certificates in a chain file */
#define LIMIT_TLS_KEYS   8          /* private keys in a chain file: OpenSSL knows 9 kinds */
#define LIMIT_TLS_DEPTH  9          /* CA certificates between a server's and the trusted one */
#define LIMIT_TLS_TICKET 3600       /* seconds a session can be resumed */

/* Mail (RFC 5321 4.5.3.1) */
#define LIMIT_LOCALPART    256  /* bytes; RFC 5321 4.5.3.1.1 has 64, SRS and VERP outgrow it */
#define LIMIT_DOMAIN       255  /* bytes; RFC 5321 4.5.3.1.2 */
#define LIMIT_ADDRESS      1024 /* bytes of an address as we carry it: quoting and UTF-8 make it longer than 254 */
#define LIMIT_QUEUE_ID     20   /* bytes of a queue id */
#define LIMIT_NEXTHOP      320  /* bytes of a destination: "[domain]:port", a socket path, "name[address]:port" */
#define LIMIT_MAILBOX_NAME 1024 /* bytes of a mailbox name in UTF-8, all levels */
#define LIMIT_RECIPIENTS   50000 /* recipients of one message, whatever smtpd_recipient_limit says */
#define LIMIT_RESOLVED     256   /* recipients whose routes one smtpd keeps */
#define LIMIT_RESOLVED_NS  1000000000 /* for which it does: how long an account that is gone is still taken for one */

/* What mail is made of */
#define LIMIT_ESMTP_PARAMS    16         /* parameters of one MAIL or RCPT; 9 are defined */
#define LIMIT_HEADER_NAME     128        /* bytes of a field's name: what is longer is no header line */
#define LIMIT_HEADER_BLOCK    (1u << 20) /* bytes of a header block that parsers look at */

#define LIMIT_MIME_PARTS      10000      /* parts of a message */
#define LIMIT_MIME_DEPTH      100        /* multiparts and messages in one another */
#define LIMIT_MIME_BOUNDARY   200        /* bytes of a boundary; RFC 2046 5.1.1 has 70 */
#define LIMIT_MIME_LINE       1024       /* bytes of a line that tell what it is */
#define LIMIT_MIME_PARAMS     256        /* parameters of a field, continuations counted one by one */
#define LIMIT_MIME_MEMORY     (16u << 20) /* bytes of a message's tree with the fields it keeps: a cap for its arena */
#define LIMIT_HEADER_TEXT     8192       /* bytes of one address or display name */

/* Names of other hosts */
#define LIMIT_DNS_RECORDS   1000  /* records of an answer that are looked at; who has more means harm */
#define LIMIT_DNS_DATA      16384 /* bytes of a TXT record, strings joined: a DKIM key of 16 KiB */
#define LIMIT_DNS_CHAIN     16    /* CNAMEs from a name to its records */
#define LIMIT_DNS_HOSTS     50    /* mail servers of a domain whose addresses are looked up */
#define LIMIT_DNS_ADDRESSES 32    /* addresses of one host in one family */
#define LIMIT_DNS_ANSWER    (1u << 20) /* bytes of memory for an answer: libunbound's are 64 KiB at most */
#define LIMIT_DNS_LOOKUPS   2000  /* lookups under way; each has sockets and memory of libunbound */
#define LIMIT_DNS_SERVERS   8     /* resolvers that are asked */
#define LIMIT_DNS_FILE      65536 /* bytes of resolv.conf or of a trust anchor file */

/* SMTP client: what a server can make us read, keep and wait for */
#define LIMIT_SMTP_REPLY_LINE  4096  /* bytes of a reply's line; RFC 5321 4.5.3.1.5 has 512 */
#define LIMIT_SMTP_REPLY       65536 /* bytes of a reply, all its lines */
#define LIMIT_SMTP_REPLY_LINES 500   /* lines of a reply: EHLO has some 20 */
#define LIMIT_SMTP_PIPELINE    50    /* commands sent ahead of their replies: these fit into a socket's buffer */
#define LIMIT_SMTP_NEXTHOPS    20    /* destinations of one delivery, fallbacks included */
#define LIMIT_SMTP_ADDRESSES   1000  /* addresses of a destination that are put in order */
#define LIMIT_SMTP_IDLE        1000  /* connections kept for the next message */
#define LIMIT_SMTP_DELIVERY    7200  /* s of one delivery, all hosts: a tarpit holds nothing longer */

/* Between processes */
#define LIMIT_IPC_FRAME    (4u << 20) /* bytes of one message: a COMMIT with 1,000 long recipients is 1 MiB */
#define LIMIT_IPC_FDS      4          /* descriptors with one message */
#define LIMIT_IPC_CALLS    4096       /* calls a client may have open on one channel */
#define LIMIT_IPC_OUTPUT   (16u << 20) /* bytes waiting for a peer that does not read; then it is cut off */
#define LIMIT_IPC_BESIDE    32         /* descriptors beside one write: those of several messages */
#define LIMIT_IPC_GATHER   65536      /* bytes of frames gathered before they are sent within a turn */
#define LIMIT_IPC_READ     65536      /* bytes asked for in one read */
#define LIMIT_IPC_MESSAGE  (24u << 20) /* bytes of a message decoded: empty texts grow fivefold */
#define LIMIT_IPC_HELD     (64u << 20) /* bytes of one peer's unanswered requests; then it is not read */
#define LIMIT_IPC_HELLO    10         /* s until a peer must have greeted */
#define LIMIT_IPC_STALL    60         /* s for the rest of a frame to come or go */
#define LIMIT_IPC_DRAIN    5          /* s that closing waits for what is queued */
#define LIMIT_SERVICE_NAME 32         /* bytes of a service's name in master.cf */
#define LIMIT_PASSWORD     4096       /* bytes of a password or a token that stands for one */

/* Logins */
#define LIMIT_LOGIN_BYTES  65536      /* bytes a client may send before it has logged in */
#define LIMIT_LOGIN_LINES  200        /* lines, the same */
#define LIMIT_LOGIN_STATE  1024       /* bytes that a session is handed over, or parked, with */
#define LIMIT_LOGIN_CHUNK  16384      /* bytes pumped at a time: a TLS record */
#define LIMIT_LOGIN_WAIT   60         /* s for authd, for master, for the user half to answer */
#define LIMIT_LOGIN_STALL  300        /* s that a client may take nothing of what is sent to it */
#define LIMIT_AUTH_QUEUE   4096       /* verifications waiting, of all clients: each holds a request */
#define LIMIT_AUTH_CLIENT  32         /* verifications waiting, of one client address */
#define LIMIT_AUTH_CACHE   16384      /* verifications remembered as right */
#define LIMIT_AUTH_GUESSES 65536      /* clients and accounts whose wrong passwords are counted, each */
#define LIMIT_AUTH_TICKETS 16384      /* sessions of one login half that may ask for another grant */

/* Configuration */
#define LIMIT_CONF_FILE    (1u << 20) /* bytes of main.cf or master.cf */
#define LIMIT_CONF_VALUE   65536      /* bytes of one value, expanded */
#define LIMIT_CONF_DEPTH   50         /* $name in $name: deeper is a loop */
#define LIMIT_CONF_STEPS   10000     /* $names replaced for one value: they may double at each level */
#define LIMIT_CONF_NAME    128        /* bytes of a parameter's name */
#define LIMIT_CONF_NAMES   10000      /* parameters that one main.cf sets */
#define LIMIT_CONF_SERVICES 256       /* lines of master.cf: each is a process, or many */
#define LIMIT_CONF_PROBLEMS 100       /* problems told of at a time: nobody reads more */
#define LIMIT_CONF_SNAPSHOT (8u << 20) /* bytes of a sealed snapshot: all of main.cf, expanded */

/* Tables */
#define LIMIT_TABLES      1024        /* tables of a process, and files of lists beside them */
#define LIMIT_TABLE_NAME  8192        /* bytes of "type:name": rules may stand in it */
#define LIMIT_TABLE_KEY   4096        /* bytes of a key: an address is at most LIMIT_ADDRESS */
#define LIMIT_TABLE_VALUE (1u << 20)  /* bytes of a value: an alias of 20,000 addresses */
#define LIMIT_TABLE_FILE  (64u << 20) /* bytes of a table that is read as text; larger ones are for postmap */
#define LIMIT_TABLE_RULES 1000000     /* rules of a pattern table */
#define LIMIT_TABLE_NEST  64          /* if in if */
#define LIMIT_TABLE_LIST  100000      /* items of a list of domains with its files */
#define LIMIT_LOOKUPS     256         /* questions of one lookup */
#define LIMIT_LOOKUP_VALUE 8192       /* bytes of a value that another process is told */
#define LIMIT_TABLE_NOTES 16384       /* bytes of what is wrong with lines of a table: nobody reads more */
#define LIMIT_PCRE_MATCH  1000000     /* steps of one match: about 20 ms */
#define LIMIT_PCRE_DEPTH  100000      /* nested choices of one match */
#define LIMIT_PCRE_HEAP   20000       /* KiB of memory of one match */

/* Mailboxes */
#define LIMIT_MAILBOX_DEPTH   32  /* levels of a mailbox name */
#define LIMIT_MAIL_FILE_NAME  255 /* bytes of a message's file name: NAME_MAX */
#define LIMIT_MAILBOX_MESSAGES (1u << 21) /* messages in a mailbox: 64 bytes of memory each while it is open */
#define LIMIT_MAILBOX_VANISHED 65536      /* ranges of expunged UIDs remembered; older ones are told by what is there */
#define LIMIT_MAILBOX_INDEX   (1u << 30)  /* bytes of an index file */
#define LIMIT_MAILBOX_CACHE   (1u << 30)  /* bytes of a cache file: a full one takes no more until it is compacted */
#define LIMIT_MAILBOX_LOCK    10          /* s to wait for another process's change */
#define LIMIT_MAILBOX_VERIFY  3600        /* s until a directory that we alone changed is read again all the same */
#define LIMIT_MAILBOX_FOLDERS 10000       /* folders of an account */
#define LIMIT_KEYWORD         128         /* bytes of a keyword's name */
#define LIMIT_MAIL_HEAD       65536       /* bytes of a message's begin that are kept while it is stored, for the cache */
#define LIMIT_MAIL_TREE       (1u << 20)  /* bytes of a MIME tree made while a message is stored */
#define LIMIT_MAIL_CACHE      65536       /* bytes cached of one message */

/* IMAP */
#define LIMIT_IMAP_RANGES 100000      /* ranges of a sequence set: a mailbox of 200,000 messages, every other one */
#define LIMIT_IMAP_SECTION 101          /* numbers of a section, as "1.2.3": LIMIT_MIME_DEPTH, and one that is not there */
#define LIMIT_IMAP_FIELDS 200           /* header fields named in one section */
#define LIMIT_IMAP_ITEMS 100            /* items of one FETCH, each with its section */
#define LIMIT_IMAP_KEYS 15000          /* keys of one SEARCH, groups counted too: 2 MiB of memory */
#define LIMIT_IMAP_ANSWER (48u << 20)   /* bytes of an untagged FETCH: the structure of LIMIT_MIME_MEMORY, quoted */

/* IMAP */
#define LIMIT_IMAP_TAG        128         /* bytes of a tag: clients use less than ten */
#define LIMIT_IMAP_ARENA      (4u << 20)  /* bytes of memory for one command, beyond its text */
#define LIMIT_IMAP_STALL      60          /* s for the rest of a command that has begun */
#define LIMIT_IMAP_NEWS       (16u << 20) /* bytes of news of a mailbox gathered: a million EXPUNGEs */
#define LIMIT_IMAP_PASS       (64u << 20) /* bytes of a refused message that are passed over; after more the session ends */
#define LIMIT_IMAP_POLL       10          /* s between looks at a mailbox that cannot be watched */

/* Sandboxes */
#define LIMIT_SANDBOX_GROUPS 64    /* supplementary groups of a process; who has more is no mail user */
#define LIMIT_SANDBOX_STATUS 16384 /* bytes of /proc/PID/status */
#define LIMIT_SANDBOX_PATH   4096  /* bytes of a path that /proc shows */

/* Mail of this host's users */
#define LIMIT_SUBMISSION_HEAD (4u << 20) /* bytes of a submission's envelope: 50,000 recipients of 80 bytes */
#define LIMIT_PICKUP_JOBS   50    /* submissions that are brought in at one time: each has a file open */
#define LIMIT_PICKUP_KNOWN  10000 /* files of the maildrop that are no submissions and were logged: once is enough */

/* Counts of clients */
#define LIMIT_ANVIL_CLIENTS 100000 /* keys that anvil keeps, 250 bytes each; the longest idle is forgotten */

/* The queue */
#define LIMIT_QUEUE_RECORD   (8u << 20) /* bytes of an envelope in its file: a frame of IPC fits */
#define LIMIT_QUEUE_OPEN     8192       /* files lent to smtpd and its like at one time; each is a descriptor here */
#define LIMIT_QUEUE_COMMITS  8192       /* messages waiting for a sync round; then OPEN is refused */
#define LIMIT_QUEUE_ROUND    512        /* messages of one sync round: a round must not take long */
#define LIMIT_QUEUE_STOCK    32         /* files kept ready to be lent */
#define LIMIT_QUEUE_MESSAGES 2000000    /* messages in the queue: at 1 KiB of memory each */
#define LIMIT_QUEUE_CHUNK    1000       /* recipients of one message that are read or listed at a time */
#define LIMIT_QUEUE_HELD_FDS 2000       /* descriptors of new messages kept for their first delivery */
#define LIMIT_REPORT_RECIPIENTS 500     /* recipients in one delivery report: more are told of in several */
#define LIMIT_QUEUE_JOBS     4000       /* deliveries that run at one time, of all transports */

/* Sandboxes */

#endif
