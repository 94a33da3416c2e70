#!/bin/sh
# engram bench: figures as a table and as JSON, problem files, what is wrong with problems, problems that cannot run.
. test/cli_helpers

fast="--seconds 0.05 --threads 1"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" bench $fast gemm:m8n9k10 lstm:l1t2n1i3h4b
says "FMA peak"
says "core to core -" # one thread
says "gemm:m8n9k10"
says "% peak"
says "recurrent_fwd"
[ "$(grep -c infer out)" = 2 ] || fail "not a line for each problem: $(cat out)"
# the columns are aligned: "infer" begins where "mode" does
awk '/^problem/ {at = index($0, "mode")} / infer / {if (index($0, "infer") != at) exit 1}' out || fail "columns: $(cat out)"
[ ! -s err ] || fail "something on stderr: $(cat err)"

# JSON: the keys of the peers, and more; both modes.
for mode in infer train; do
	# shellcheck disable=SC2086
	expect 0 "$ENGRAM" bench $fast --mode $mode --json lenet5:n2 conv2d:n1c2h6w6k2r3s3p1q1u1v1
	json out
	[ "$(wc -l <out)" = 2 ] || fail "not an object a line: $(cat out)"
	for key in '"problem": "lenet5:n2", "mode": "'$mode'", "threads": 1, "median_ms": ' '"min_ms": ' '"gflops": ' '"runs": ' \
		'"peer": "engram ' '"percent_of_peak": ' '"memory_bytes": ' '"kernels": [{"kernel": "' '"layout": "' '"core_to_core_ns_before": null'; do
		says "$key"
	done
done
expect 0 "$ENGRAM" bench --threads 1 --runs 3 --no-peak --json gemm:m8n9k10
says '"runs": 3,'
says '"percent_of_peak": null'
if [ "$(nproc 2>/dev/null || echo 1)" -gt 1 ]; then
	expect 0 "$ENGRAM" bench --seconds 0.05 --threads 2 --json gemm:m64n64k64
	says_not '"core_to_core_ns_before": null'
fi

# Files: comments, empty lines, several of them; standard input, where a line is answered before the next is read.
printf '# a comment\n\ngemm:m2n3k4 # another\r\n' >one.txt
printf 'gemm:m5n6k7' >two.txt
# shellcheck disable=SC2086
expect 0 "$ENGRAM" bench $fast -f one.txt --file two.txt gemm:m1n1k1 --json
[ "$(sed 's/.*"problem": "\([^"]*\)".*/\1/' out | tr '\n' ' ')" = "gemm:m1n1k1 gemm:m2n3k4 gemm:m5n6k7 " ] || fail "order: $(cat out)"
# shellcheck disable=SC2086
printf 'gemm:m2n3k4\n\ngemm:m3n3k4\n' | "$ENGRAM" bench $fast -f - --json >out 2>err || fail "standard input: $(cat err)"
[ "$(grep -c '"median_ms"' out)" = 2 ] || fail "standard input: $(cat out)"
mkfifo questions answers
# shellcheck disable=SC2086
"$ENGRAM" bench $fast -f - --json <questions >answers &
exec 3>questions 4<answers
for problem in gemm:m2n3k4 gemm:m4n3k2; do
	echo $problem >&3
	read -r line <&4
	case $line in *"$problem"*) ;; *) fail "asked for $problem, answered: $line" ;; esac
done
exec 3>&- 4<&-
wait $! || fail "it did not end well with standard input"

# What is wrong is told before anything is measured, with file, line and letter.
printf 'gemm:m2n3k4\n# x\n  gemm:m2n3\n' >bad.txt
expect 2 "$ENGRAM" bench -f bad.txt
says "bad.txt:3: gemm: letter 'k' (depth) is missing at the end"
says_not "FMA peak"
expect 2 "$ENGRAM" bench conv2d:n1c1h8w8k1r3s3p1q1u1v
says "letter 'v' (stride of the width) needs a whole number"
expect 2 "$ENGRAM" bench lenet:n1
says "did you mean 'lenet5'?"
expect 2 "$ENGRAM" bench
says "PROBLEM is missing"
expect 2 "$ENGRAM" bench --mode fast gemm:m1n1k1
expect 2 "$ENGRAM" bench --seconds 0 gemm:m1n1k1
says "--seconds needs a number from 1e-06 to 3600, not '0'"
expect 2 "$ENGRAM" bench --seconds soon gemm:m1n1k1
expect 1 "$ENGRAM" bench -f none.txt
says "cannot open the problem file none.txt"
printf 'gemm:m2n3k4\ngemm:m2\n' | "$ENGRAM" bench --threads 1 --seconds 0.05 -f - --json >out 2>err
[ $? = 2 ] || fail "a wrong line on standard input"
says "standard input:2: gemm: letter 'n'"
says '"problem": "gemm:m2n3k4"'

# One that cannot run: told, and the others go on.
# shellcheck disable=SC2086
expect 1 "$ENGRAM" bench $fast --json conv2d:n4096c64h4096w4096k64r3s3p1q1u1v1 gemm:m8n9k10
json out
grep -q '"error": ".*2^31' out || fail "the error is not in the object: $(cat out)"
says "engram bench: conv2d:n4096c64h4096w4096k64r3s3p1q1u1v1: "
[ "$(grep -c '"median_ms"' out)" = 1 ] || fail "the others did not go on: $(cat out)"

# The suites in the repository can be read: only the line put behind them is wrong.
for suite in "$source"/bench/suites/*.txt; do
	{ cat "$suite" && echo wrong; } >suite.txt
	expect 2 "$ENGRAM" bench -f suite.txt
	says "suite.txt:$(wc -l <suite.txt): 'wrong' is no problem"
done

done_testing
