#!/bin/sh
# Runs every fuzz target that is built over its seeds: make check's share of fuzzing.
for target in tests/fuzz/fuzz_*; do
	[ -f "$target" ] && [ -x "$target" ] || continue
	seeds=$srcdir/tests/fuzz/seeds/${target##*/}
	[ -d "$seeds" ] || continue
	"$target" "$seeds"/* || { echo "$target fails on one of $seeds"; exit 1; }
done
