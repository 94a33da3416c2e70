#!/bin/sh
# Each allocation, write, read, open, sync, rename and thread of train, eval, predict, generate and others may fail: then the
# program says so and ends with 1, or does as if nothing had happened. It never crashes, hangs or ends with 0 and another
# result; a file is the old one or the new one, and no temporary file is left.
#
# Which of the calls fail is a sample, the same in each run: the first ones, then ever fewer. ENGRAM_FAILURES=all takes all
# of them (minutes), a number is the factor from one to the next (default: 1.35; 1.02 takes minutes).
. test/cli_helpers
shim=$ENGRAM_BUILD/test/libshim_failing.so
[ -e "$shim" ] || exit 77
factor=${ENGRAM_FAILURES:-1.35}
make_data

# sample N: which of N calls fail
sample() {
	awk -v n="$1" -v f="$factor" 'BEGIN {
		for (k = 1; k <= n; k = f == "all" || k * f < k + 1 ? k + 1 : int(k * f)) print k
		if (n > 1 && k != n + 1) print n
	}'
}

# run_job: the job at hand, with the environment as it is; exit code in $code
run_job() {
	# shellcheck disable=SC2086
	eval "timeout 60 env LD_PRELOAD=$shim $job" >out 2>err </dev/null
	code=$?
}

# failing KIND [ERRNO]: the job with failures of this kind, one alone and all from one on
failing() {
	kind=$1
	export FAIL_WHAT="$kind"
	if [ -n "${2-}" ]; then export FAIL_ERRNO="$2"; else unset FAIL_ERRNO; fi
	unset FAIL_ALL
	before
	FAIL_AT=0 FAIL_COUNT=$tmp/count run_job
	[ "$code" = 0 ] || fail "$job: exit code $code without failures: $(cat err)"
	n=$(cat count)
	for all in '' 1; do
		if [ -n "$all" ]; then export FAIL_ALL=1; else unset FAIL_ALL; fi
		for k in $(sample "$n"); do
			before
			FAIL_AT=$k run_job
			what="$name, $kind $k of $n${2:+ ($2)}${all:+ and all behind it}"
			case $code in
			0) after || fail "$what: exit code 0 and another result" ;;
			1) grep -q 'engram\|"error"' err out || fail "$what: exit code 1 and no message" ;;
			3) unwritten || fail "$what: exit code 3: $(head -c 300 err)" ;;
			*) fail "$what: exit code $code: $(head -c 300 err)" ;;
			esac
			kept || fail "$what (exit code $code): a file is damaged"
			for left in *.tmp-* answers/*.tmp-*; do
				[ ! -e "$left" ] || fail "$what: $left was left behind"
			done
			[ $failures -lt 20 ] || exit 1
		done
	done
	unset FAIL_WHAT FAIL_AT FAIL_ALL FAIL_ERRNO
}
reading() { for kind in memory read open thread; do failing $kind; done; }
writing() {
	reading
	failing write 28 # ENOSPC
	failing write 5  # EIO
	failing sync
	failing rename
}

# A training over an old model: that one, or the new one; or the new one elsewhere, which is told.
train="\"$ENGRAM\" train quarters.yaml -q --threads 2 --set train.epochs=2"
eval "$train -o new.safetensors"
eval "$train -o old.safetensors --seed 5"
name=train job="$train -o m.safetensors"
before() {
	rm -f m.safetensors.*
	cp old.safetensors m.safetensors
}
after() { cmp -s m.safetensors new.safetensors; }
kept() {
	cmp -s m.safetensors old.safetensors || cmp -s m.safetensors new.safetensors || return 1
	[ ! -e m.safetensors.checkpoint ] || "$ENGRAM" eval m.safetensors.checkpoint --json >/dev/null
}
unwritten() {
	grep -q 'cannot write' err || return 1
	for file in m.safetensors.[0-9]*; do
		[ ! -e "$file" ] || { cmp -s "$file" new.safetensors && grep -qF "written to ./$file instead" err; } || return 1
	done
}
writing
unwritten() { false; }

# Verbs that only answer: the same answer, or none.
kept() { cmp -s new.safetensors whole.safetensors; }
cp new.safetensors whole.safetensors
answers() {
	name=$1 job=$2
	before() { :; }
	after() { cmp -s out want; }
	eval "$job" >want 2>err || fail "$job: $(cat err)"
	reading
}
answers eval "\"$ENGRAM\" eval new.safetensors --json --threads 2"
pictures=$source/test/corpus/picture
answers predict "\"$ENGRAM\" predict new.safetensors third.pgm --json --threads 2"
answers png "\"$ENGRAM\" predict new.safetensors $pictures/rgb.png $pictures/interlaced.png --threads 1"
answers jpeg "\"$ENGRAM\" predict new.safetensors $pictures/rgb.jpg $pictures/progressive.jpg --threads 1"
answers info "\"$ENGRAM\" info new.safetensors --json --threads 1"
answers check "\"$ENGRAM\" check quarters.yaml"
answers schema "\"$ENGRAM\" schema"

# Text.
for i in $(awk 'BEGIN { for (i = 0; i < 60; i++) print i }'); do echo "$i green bottles stand on the wall"; done >text.txt
cat >text.yaml <<-END
	name: text
	task: language
	data: {source: text, path: text.txt, validation: 0.2, steps: 16}
	input: [time]
	model: [embedding: 4, gru: 8, linear: classes]
	train: {loss: cross_entropy, optimizer: adam, batch: 4, epochs: 1}
END
eval "\"$ENGRAM\" train text.yaml -q -o text.safetensors" || fail "training the text"
answers generate "\"$ENGRAM\" generate text.safetensors --prompt green --length 20 --seed 3 --threads 1"

# Files with answers: those that are there are whole.
eval "\"$ENGRAM\" inspect text.safetensors --text green -o want.files --threads 1 --seeds 1 --steps 4" >want 2>err || fail "$(cat err)"
name=inspect job="\"$ENGRAM\" inspect text.safetensors --text green -o answers --threads 1 --seeds 1 --steps 4"
before() { rm -rf answers; }
kept() {
	for file in answers/*; do
		[ ! -e "$file" ] || cmp -s "$file" "want.files/${file#answers/}" || return 1
	done
}
after() { [ "$(ls answers)" = "$(ls want.files)" ] && kept; }
writing

done_testing
