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
	bool loopback; /* all of 127.0.0.0/8 and ::1 */
};

/* inet_interfaces ("all": those of the kernel) and proxy_interfaces. Before the walls. */
void own_find(struct own *own, const struct conf *conf);
void own_free(struct own *own);
/* The unspecified address is everybody's own, and so is loopback, unless inet_interfaces names an
 * address of it: then others may live on the rest. */
bool own_has(const struct own *own, const struct domain_ip *ip);

#endif
