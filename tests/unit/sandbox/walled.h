/*
 * A child process behind the walls of a profile, which does one thing and ends: how it ended is
 * what tests look at. Root sees the real walls and rootless ones, an ordinary user the latter
 * alone.
 */
#ifndef UNIT_SANDBOX_WALLED_H
#define UNIT_SANDBOX_WALLED_H

#include <sys/types.h>

#include "base/span.h"
#include "sandbox/sandbox.h"

#define WALLED_UID 64001
#define WALLED_GID 64002

/* How an act ended: 0 it succeeded, above 0 the errno it failed with, or one of these. */
enum walled_end {
	WALLED_KILLED = -1,  /* by the filter: SIGSYS */
	WALLED_ABORTED = -2, /* SIGABRT */
	WALLED_OTHER = -3,
	WALLED_BROKEN = -4, /* the walls could not be put up; why is on stderr */
};

/* What an act finds. Made anew for each. */
struct walled_site {
	int base;      /* a directory: empty/, home/a/, home/b/, secret */
	int home;      /* base/home: the root and slot of those who have one */
	int empty;     /* base/empty */
	int inner;     /* base/home/a: a slot that is not the root */
	int procfd;    /* of the child, opened before the walls */
	int outside;   /* "/" by a slot without rights: only Landlock guards what lies below */
	int append;    /* a file, O_WRONLY | O_APPEND, as smtpd gets it */
	int readable;  /* a file, O_RDONLY, of 6 bytes */
	int pair[2];   /* a stream socket pair */
	int listening; /* on loopback, with one client waiting in it */
	int client;    /* that client's end */
	uint16_t port; /* of the listening socket */
	pid_t parent;
	const struct sandbox_profile *profile;
	struct span act; /* from struct walled */
};

typedef int act_fn(struct walled_site *site); /* 0, or errno */

struct walled {
	const char *profile;
	const char *abi; /* POSTERN_LANDLOCK_ABI, NULL: the newest */
	bool rootless;
	struct span act; /* for acts that are many */
};

/* In a child, at a site of its own; how it ended. */
int walled_run(const struct walled *how, act_fn *act);

/*
 * The same for a child that stays to be looked at: ACT writes a byte to site->pair[1] when it is
 * ready and reads there until it ends, which walled_stop brings about.
 */
struct walled_waiting {
	pid_t pid;
	bool stands;
};
struct walled_waiting walled_start(struct walled_site *site, const struct walled *how, act_fn *act);
int walled_stop(struct walled_site *site, struct walled_waiting *waiting);

/* In a child of one's own: becomes the test's user, if root; puts the walls up. */
enum verdict walled_enter(struct walled_site *site, const struct walled *how, struct err *err);
void walled_site_make(struct walled_site *site);
/* Removes its files; open ones stay open. */
void walled_site_unlink(struct walled_site *site);
/* The same, and closes all. */
void walled_site_free(struct walled_site *site);
/* The end of the child PID in the terms above. */
int walled_wait(pid_t pid);

/* The Landlock ABI that ABI, as in struct walled, leads to on this kernel. */
unsigned walled_abi(const char *abi);
bool walled_is_root(void);

#endif
