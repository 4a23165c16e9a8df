# shellcheck shell=sh disable=SC2154,SC2016 # sourced; the variables are those of ./check
# Shell functions of ./check: steps with a time limit and a log each, builds, and the counting of results.
# A step that breaks counts as one failure; `ok - ` and `not ok - ` lines that it prints count one by one.

logs=build/log
started=$(date +%s)
passed=0
failed=0
child=

mkdir -p "$logs"
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap '[ -z "$child" ] || kill "$child" 2>/dev/null' EXIT

say()
{
	printf '[%4d s] %s\n' $(($(date +%s) - started)) "$*" >&2
}

# bounded NAME SECONDS COMMAND...: runs it with its output in the log of that name
bounded()
{
	log=$logs/$1.log
	limit=$2
	say "$1"
	shift 2
	timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null &
	child=$!
	wait "$child"
	status=$?
	child=
	[ "$status" -ne 124 ] || echo "stopped after $limit s" >>"$log"
	return "$status"
}

# broken NAME WHAT: counts a step that did not work, and shows the end of its log
broken()
{
	failed=$((failed + 1))
	say "$1: $2; the first errors and the end of $logs/$1.log:"
	grep -E ': (fatal )?error' "$logs/$1.log" | head -n 5 | sed 's/^/    /' >&2
	tail -n 30 "$logs/$1.log" | sed 's/^/    /' >&2
}

# run NAME SECONDS COMMAND...: a step that works or does not
run()
{
	bounded "$@" && return 0
	broken "$1" "failed ($status)"
	return 1
}

# tests NAME SECONDS COMMAND...: a step that prints a line per test
tests()
{
	bounded "$@"
	good=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	passed=$((passed + good))
	failed=$((failed + bad))
	say "$1: $good passed, $bad failed"
	if [ "$bad" -gt 0 ]; then
		grep -A 20 '^not ok ' "$log" | grep -v -e '^ok ' -e '^# note' | head -n 60 | sed 's/^/    /' >&2
	elif [ "$status" -ne 0 ]; then
		broken "$1" "ended with $status"
	elif [ "$good" -eq 0 ]; then
		broken "$1" "tested nothing"
	fi
	grep '^# skip' "$log" | sed 's/^/    /' >&2
	return 0
}

# Does ./configure have to be made again from what it is made of?
configure_is_old()
{
	[ -e configure ] && [ -e Makefile.in ] || return 0
	[ -n "$(find . -path ./build -prune -o \( -name '*.am' -o -name configure.ac \) -newer Makefile.in -print)" ]
}

# build NAME SECONDS CFLAGS CONFIGURE-ARGUMENT...: all of it and all tests in build/check-NAME, warnings being errors
build()
{
	tree=$1
	seconds=$2
	cflags=$3
	shift 3
	dir=build/check-$tree
	[ "$(cat "$dir/arguments" 2>/dev/null)" = "$*" ] || rm -rf "$dir"
	mkdir -p "$dir"
	if [ ! -e "$dir/Makefile" ]; then
		run "configure-$tree" 120 sh -c 'cd "$1" && shift && ../../configure "$@"' sh "$dir" "$@" || return 1
		echo "$*" >"$dir/arguments"
	fi
	set -- check TESTS=
	[ "$tree" != fuzz ] || set -- "$@" check_PROGRAMS= # the fuzz targets are check_DATA
	run "build-$tree" "$seconds" make -C "$dir" -j "$jobs" CFLAGS="$cflags -Werror" "$@"
}

finish()
{
	say "done: logs are in $logs"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}
