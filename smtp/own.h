/* The addresses of this host, so that mail is not sent in a circle. */
#ifndef SMTP_OWN_H
#define SMTP_OWN_H

#include "base/arena.h"
#include "conf/conf.h"
#include "message/domain.h"

struct own {
	struct arena arena;
	struct domain_ip *v;
	size_t n;
};

/* inet_interfaces ("all": those of the kernel) and proxy_interfaces. Before the walls. */
void own_find(struct own *own, const struct conf *conf);
void own_free(struct own *own);
/* Loopback and the unspecified address are everybody's own. */
bool own_has(const struct own *own, const struct domain_ip *ip);

#endif
