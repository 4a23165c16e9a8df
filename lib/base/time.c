/*
 * The two clocks, and dates for people. Everybody calls this. Owns the offset by which a test has
 * moved the wall clock. Dates use the local zone, which libc reads from /etc/localtime at its first
 * use: a process calls tzset(3) before its walls go up. Must never use the locale: names of days
 * and months are English on the wire (RFC 5322 3.3).
 */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"

/* Added to the wall clock; modulo 2^64, so that it can point to the past. */
static _Atomic uint64_t time_offset;

static const char time_months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };
static const char time_days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;
	int r = clock_gettime(clock, &ts);

	assert(r == 0);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t
time_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t
time_wall(void)
{
	return clock_ns(CLOCK_REALTIME) + atomic_load_explicit(&time_offset, memory_order_relaxed);
}

void
time_set_wall(uint64_t ns)
{
	atomic_store(&time_offset, ns ? ns - clock_ns(CLOCK_REALTIME) : 0);
}

static struct tm
time_local(uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	struct tm tm = { 0 };
	const struct tm *done = localtime_r(&seconds, &tm);

	/* 64 bits of nanoseconds end in the year 2554, which struct tm can hold. */
	assert(done);
	return tm;
}

void
time_put_rfc5322(struct str *out, uint64_t wall_ns)
{
	struct tm tm = time_local(wall_ns);
	long minutes = labs(tm.tm_gmtoff) / 60;

	str_printf(out, "%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld", time_days[tm.tm_wday],
	    tm.tm_mday, time_months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void
time_put_log(struct str *out, uint64_t wall_ns)
{
	struct tm tm = time_local(wall_ns);

	str_printf(out, "%s %2d %02d:%02d:%02d", time_months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}
