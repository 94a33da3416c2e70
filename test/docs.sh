#!/bin/sh
# The generated pages in docs/ are what the program and the operator table say today; recipes.md leaves no key out; the files
# that pages refer to exist; the recipes in them are right, and the C program in README.md compiles.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0
fail() {
	echo "FAILED: $*"
	status=1
}

tools/docs --check "$ENGRAM_BUILD" || status=1

for page in README.md docs/*.md; do
	folder=$(dirname "$page")
	for link in $(grep -oE '\]\([^):]+\)' "$page" | sed 's/^](//; s/[#)].*//' | sort -u); do
		[ -e "$folder/$link" ] || fail "$page: there is no $link"
	done
	for file in $(grep -oE '`(include|src|cli|test|bench|tools|recipes|examples|docs)/[A-Za-z0-9_./*-]*`' "$page" |
		tr -d '`' | grep -v leaky_relu | sort -u); do
		# shellcheck disable=SC2086
		ls -d $file >/dev/null 2>&1 || fail "$page: there is no $file"
	done

	# Fenced blocks: N.yaml, N.c and so on.
	rm -f "$tmp"/*
	awk -v tmp="$tmp" '/^```[a-z]+$/ && !on {on = tmp "/" ++n "." substr($0, 4); next}
		/^```/ {on = (on ? "" : "skip"); next}
		on && on != "skip" {print >on}' "$page"
	for recipe in "$tmp"/*.yaml; do
		if [ -f "$recipe" ] && head -n 1 "$recipe" | grep -q '^name:'; then
			"$ENGRAM" check "$recipe" >"$tmp/log" 2>&1 || fail "$page: $(cat "$tmp/log")"
		fi
	done
	for program in "$tmp"/*.c; do
		if [ -f "$program" ] && grep -q '^int main' "$program"; then
			"${CC:-cc}" -std=c17 -Wall -Wextra -Werror -fsyntax-only -Iinclude "$program" || fail "$page: its C program"
		fi
	done
done
exit $status
