#!/bin/sh
# engram tune-kernels: measurements in a file, later runs that go by them, files that are damaged or made elsewhere.
. test/cli_helpers

problem=conv2d:n2c5h7w6k9r3s3p1q1u1v1
fast="--seconds 0.000001 --threads 1"
export XDG_CACHE_HOME="$tmp/cache"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" tune-kernels $fast $problem
says "$problem"
for word in forward data weights implicit direct lanes fastest "cache/engram/tuning.json" ENGRAM_TUNING=1; do says "$word"; done
grep -q '"format": "engram-tuning-1"' cache/engram/tuning.json || fail "no format in the file"

# shellcheck disable=SC2086
expect 0 "$ENGRAM" tune-kernels $fast --mode infer --json -o mine.json $problem
json out
says_not '"pass": "data"'
[ "$(grep -c '"fastest": true' out)" = 1 ] || fail "one way is the fastest: $(cat out)"

# A file decides: whatever it says is fastest is what runs. Times of a second make all others lose.
for algorithm in implicit direct; do
	sed "s/\"ns\": *[0-9.e+]*/\"ns\": 1e9/; " mine.json | awk -v a="\"$algorithm\"" '
		/"algorithm"/ {mine = index($0, a)} /"ns"/ && mine {sub(/1e9/, "1")} {print}' >decided.json
	ENGRAM_TUNING=decided.json expect 0 "$ENGRAM" bench --no-peak --runs 1 --threads 1 --json $problem
	[ $algorithm = implicit ] && word=conv_plain_fwd || word=conv_direct_fwd
	says "$word"
	says_not warning
done
ENGRAM_TUNING=1 ENGRAM_VERBOSE=1 expect 0 "$ENGRAM" bench --no-peak --runs 1 --threads 1 $problem
says "chosen by the measurements in"

# What does not fit is told, and the estimates are used.
for edit in 's/engram-tuning-1/engram-tuning-9/' 's/"cpu": "/"cpu": "not /' 's/"isa": "/"isa": "x/' 's/"engram": "/"engram": "9/' \
	's/"ns": [0-9.e+]*/"ns": -1/'  's/"ns": [0-9.e+]*/"ns": 1e16/' 's/"pass"/"pas"/' 's/"measured"/"m"/' 's/\[/{/'; do
	sed "$edit" mine.json >bad.json
	cmp -s bad.json mine.json && fail "$edit changes nothing"
	ENGRAM_TUNING=bad.json expect 0 "$ENGRAM" bench --no-peak --runs 1 --threads 1 $problem
	says warning
	says bad.json
	says "chosen by estimates"
done
head -c 300 mine.json >bad.json
ENGRAM_TUNING=bad.json expect 0 "$ENGRAM" bench --no-peak --runs 1 --threads 1 $problem
says warning
ENGRAM_TUNING=missing.json expect 0 "$ENGRAM" bench --no-peak --runs 1 --threads 1 $problem
says missing.json

# Measurements of other problems stay.
# shellcheck disable=SC2086
expect 0 "$ENGRAM" tune-kernels $fast --mode infer -o mine.json conv2d:n1c2h5w5k3r1s1p0q0u1v1
grep -q "$problem" mine.json || fail "the first problem is gone"
grep -q conv2d:n1c2h5w5k3r1s1p0q0u1v1 mine.json || fail "the second problem is missing"

# A file of problems; what is wrong.
printf '# two\n%s\n conv2d:n1c1h4w4k2r3s3p0q0u1v1 # small\n' $problem >list.txt
# shellcheck disable=SC2086
expect 0 "$ENGRAM" tune-kernels $fast --mode infer -f list.txt -o list.json
says c1h4w4
mkdir taken.json
expect 1 "$ENGRAM" tune-kernels $problem -o taken.json
says "cannot write 'taken.json': it is a folder"
[ ! -s out ] || fail "measured although the file cannot be written"
expect 2 "$ENGRAM" tune-kernels
expect 2 "$ENGRAM" tune-kernels conv2d:n1
expect 2 "$ENGRAM" tune-kernels lstm:l1t2n1i3h4
expect 2 "$ENGRAM" tune-kernels --seconds 0 $problem
expect 1 "$ENGRAM" tune-kernels -f nothing.txt
expect 1 "$ENGRAM" tune-kernels --threads 1 -o x.json gemm:m2n3k4
says "nothing was measured"
# shellcheck disable=SC2086
expect 1 "$ENGRAM" tune-kernels $fast --mode infer -o /proc/nowhere/x.json $problem

done_testing
