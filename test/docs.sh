#!/bin/sh
# The generated pages in docs/ are what the program and the operator table say today; recipes.md leaves no key out; the files
# that pages refer to exist; whole recipes in them are right; whole C programs compile, and run where they need neither data
# nor an argument; commands in them have verbs and options that exist. Code that is a part of the tree: docs_code.sh,
# docs_operator.sh, docs_floor.sh.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0
fail() {
	echo "FAILED: $*"
	status=1
}

# A C program of a page: compiled as a user compiles it; run, unless it wants data or an argument.
run_program() {
	if grep -qE 'eg_data_load|argv' "$1" || [ -n "${ENGRAM_SANITIZE-}" ]; then
		"${CC:-cc}" -std=c17 -Wall -Wextra -Werror -fsyntax-only -Iinclude "$1" || fail "$page: its C program"
		return
	fi
	if "${CC:-cc}" -std=c17 -Wall -Wextra -Werror -Iinclude "$1" -L"$ENGRAM_BUILD" -lengram_io -lengram -lm \
		"-Wl,-rpath,$ENGRAM_BUILD" -o "$tmp/program"; then
		"$tmp/program" >"$tmp/log" 2>&1 || fail "$page: its C program says $(cat "$tmp/log")"
	else
		fail "$page: its C program"
	fi
}

# The options that `engram VERB` has, one a line: --help tells them.
options_of() {
	[ -f "$tmp/options.$1" ] ||
		"$ENGRAM" "$1" --help 2>/dev/null | grep -oE '(^|[^A-Za-z0-9-])--?[a-z][a-z-]*' | grep -oE -- '--?[a-z][a-z-]*' |
		sort -u >"$tmp/options.$1"
	cat "$tmp/options.$1"
}

# Every `$ engram VERB ...` in a block, every `engram VERB ...` in the text, and those of a recipe's comments: the verb and its options must exist. What
# stands in quotes, and behind a #, is no option.
check_commands() {
	{
		sed -n 's/^\$ \(.*[ /]\)\{0,1\}engram \([a-z].*\)/\2/p' "$1"
		grep -oE '`(build/)?engram [a-z][^`]*`' "$1" | tr -d '`' | sed 's/^[a-z/]*engram //'
		sed -n 's/^#   engram \([a-z].*\)/\1/p' "$1" | sed 's/   .*//'
	} | sed "s/'[^']*'//g; s/\"[^\"]*\"//g; s/[[:space:]]#.*//" | sort -u >"$tmp/commands"
	while read -r verb rest; do
		"$ENGRAM" "$verb" --help >/dev/null 2>&1 || {
			fail "$1: there is no 'engram $verb'"
			continue
		}
		for word in $rest; do
			case $word in -- | -) continue ;; -*) ;; *) continue ;; esac
			word=$(printf '%s\n' "$word" | grep -oE '^--?[a-z][a-z-]*') # echo takes -n for its own
			options_of "$verb" | grep -qxF -e "$word" || fail "$1: 'engram $verb' has no option $word"
		done
	done <"$tmp/commands"
}

tools/docs --check "$ENGRAM_BUILD" || status=1

for page in README.md docs/*.md; do
	folder=$(dirname "$page")
	for link in $(grep -oE '\]\([^):]+\)' "$page" | sed 's/^](//; s/[#)].*//' | sort -u); do
		[ -e "$folder/$link" ] || fail "$page: there is no $link"
	done
	for file in $(grep -oE '`(include|src|cli|test|bench|tools|recipes|examples|docs)/[A-Za-z0-9_./*-]*`' "$page" |
		tr -d '`' | grep -vE 'relu_squared|squareplus|source_gestures' | sort -u); do
		# shellcheck disable=SC2086
		ls -d $file >/dev/null 2>&1 || fail "$page: there is no $file"
	done

	# Fenced blocks: N.yaml, N.c and so on.
	rm -rf "$tmp/blocks"
	awk -v out="$tmp/blocks" -f test/docs_extract.awk "$page" || status=1
	mkdir -p "$tmp/blocks/shoes/train/boot" "$tmp/blocks/shoes/train/sandal" # the classes of recipes over this folder
	for recipe in "$tmp"/blocks/*.yaml; do
		if [ -f "$recipe" ] && grep -v '^#' "$recipe" | head -n 1 | grep -q '^name:'; then
			# A source that only the page has is what the test docs_code.sh looks at.
			[ "$page" = docs/adding-a-data-set.md ] && continue
			# The reader's own data is not here; all else must be right.
			"$ENGRAM" check "$recipe" >"$tmp/log" 2>&1 || grep -q 'the rest is ok' "$tmp/log" || fail "$page: $(cat "$tmp/log")"
		fi
	done
	for program in "$tmp"/blocks/*.c; do
		if [ -f "$program" ] && grep -q '^int main' "$program"; then
			run_program "$program"
		fi
	done
	check_commands "$page"
done
for page in recipes/*.yaml; do check_commands "$page"; done
exit $status
