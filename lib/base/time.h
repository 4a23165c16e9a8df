/*
 * Two clocks. Waits and durations use the monotonic one, in nanoseconds; what people and other
 * hosts see uses the wall clock, which tests can set. A deadline is a monotonic time;
 * DEADLINE_NEVER is for waits that something else bounds.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/str.h"

#define NS_PER_S       UINT64_C(1000000000)
#define NS_PER_MS      UINT64_C(1000000)
#define NS_PER_US      UINT64_C(1000)
#define DEADLINE_NEVER UINT64_MAX

uint64_t time_mono(void);
/* Nanoseconds since 1970; negative years do not exist here. */
uint64_t time_wall(void);
/* From now on the wall clock starts at NS and runs on; 0 gives the real clock back. For tests. */
void time_set_wall(uint64_t ns);

static inline uint64_t
deadline_after_ms(uint64_t ms)
{
	return time_mono() + ms * NS_PER_MS;
}

static inline uint64_t
deadline_after_s(uint64_t s)
{
	return time_mono() + s * NS_PER_S;
}

/* "Mon, 23 Nov 2026 08:00:00 +0100": RFC 5322 3.3, in the local zone. */
void time_put_rfc5322(struct str *out, uint64_t wall_ns);
/* "Nov 23 08:00:00": the classic log stamp, in the local zone. */
void time_put_log(struct str *out, uint64_t wall_ns);

#endif
