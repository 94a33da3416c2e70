#!/bin/sh
# Faces of ORL, by the protocols that others report:
#
#   bench/faces.sh splits [N]   identification: N (10) random choices of five pictures of each of the forty persons, a network trained
#                               on each choice (EPOCHS, 30), and judged by the five others; their mean and deviation
#   bench/faces.sh floors [N]   the floors on the same choices
#   bench/faces.sh people [N]   verification: N (3) seeds; persons 1 to 30 are learnt from, all pairs of 31 to 40 judged
#   bench/faces.sh speed        one verification: from the start of the program, and within one that runs (pairs by standard input)
#
# ENGRAM: the program (build/engram); RECIPE: recipes/faces.yaml; OPTIONS: of each training, such as '--threads 1'. Needs ORL (engram data),
# and python3 to read JSON. Models and answers go to a folder that is removed, or, where it is set, to OUT.
set -eu
engram=${ENGRAM:-build/engram}
recipe=${RECIPE:-recipes/faces.yaml}
options=${OPTIONS:-}
out=${OUT:-$(mktemp -d)}
[ -n "${OUT:-}" ] || trap 'rm -rf "$out"' EXIT

# mean NAME...: of these keys over the lines of standard input
mean() {
	python3 -c '
import json, statistics, sys
rows = [json.loads(line) for line in sys.stdin]
for key in sys.argv[1:]:
    values = [100 * row[key] for row in rows if row.get(key) is not None]
    if values:
        spread = statistics.stdev(values) if len(values) > 1 else 0
        print("%-16s %7.3f %% +- %.3f   %s" % (key, statistics.mean(values), spread, " ".join("%.2f" % v for v in values)))
' "$@"
}
# floors_of KEY: of the floors in the lines of `engram floor --json` on standard input
floors_of() {
	python3 -c '
import json, statistics, sys
all = {}
for line in sys.stdin:
    for floor in json.loads(line)["floors"]:
        all.setdefault(floor["name"], []).append(100 * floor[sys.argv[1]])
for name, values in all.items():
    print("%-16s %7.3f %% +- %.3f" % (name, statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0))
' "$1"
}

case "${1:-}" in
splits)
	n=${2:-10}
	: >"$out/splits.jsonl"
	for seed in $(seq "$n"); do
		# shellcheck disable=SC2086
		"$engram" train "$recipe" --set data.split=pictures --set data.validation=0 --set train.epochs="${EPOCHS:-30}" \
			--seed "$seed" -q -o "$out/split$seed.safetensors" $options
		"$engram" eval "$out/split$seed.safetensors" --json >>"$out/splits.jsonl"
		tail -n 1 "$out/splits.jsonl" | mean identification
	done
	echo "identification, $n splits:"
	mean identification eer eer_masked <"$out/splits.jsonl"
	;;
floors)
	n=${2:-10}
	: >"$out/floors.jsonl"
	for seed in $(seq "$n"); do
		"$engram" floor "$recipe" --set data.split=pictures --set data.validation=0 --set train.seed="$seed" --json >>"$out/floors.jsonl"
	done
	echo "floors, identification, $n splits:"
	floors_of identification <"$out/floors.jsonl"
	;;
people)
	: >"$out/people.jsonl"
	for seed in $(seq "${2:-3}"); do
		# shellcheck disable=SC2086
		"$engram" train "$recipe" --seed "$seed" -q -o "$out/people$seed.safetensors" $options
		"$engram" eval "$out/people$seed.safetensors" --json >>"$out/people.jsonl"
		tail -n 1 "$out/people.jsonl" | mean eer eer_masked
	done
	echo "verification of persons never seen:"
	mean eer eer_masked tar_at_far identification <"$out/people.jsonl"
	echo "floors:"
	"$engram" floor "$recipe"
	;;
speed)
	model=${MODEL:-faces.safetensors}
	faces=${ENGRAM_DATA:?the folder that holds faces/data_faces}/faces/data_faces
	"$engram" verify "$model" "$faces/s31/1.pgm" "$faces/s31/2.pgm" --threads 1 >/dev/null
	python3 - "$engram" "$model" "$faces" <<'END'
import statistics, subprocess, sys, time
engram, model, faces = sys.argv[1:]
pair = [f"{faces}/s31/1.pgm", f"{faces}/s31/2.pgm"]
times = []
for _ in range(20):
    begin = time.perf_counter()
    subprocess.run([engram, "verify", model, *pair, "--threads", "1"], stdout=subprocess.DEVNULL, check=True)
    times.append(time.perf_counter() - begin)
print(f"from start to answer: median {1e3 * statistics.median(times):.1f} ms, least {1e3 * min(times):.1f} ms")
p = subprocess.Popen([engram, "verify", model, "--threads", "1", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
times = []
for i in range(300):
    begin = time.perf_counter()
    p.stdin.write("\t".join(pair) + "\n")
    p.stdin.flush()
    p.stdout.readline()
    times.append(time.perf_counter() - begin)
p.stdin.close()
p.wait()
times = times[50:]
print(f"one more pair: median {1e3 * statistics.median(times):.2f} ms, least {1e3 * min(times):.2f} ms (two files read, two embeddings)")
END
	;;
*)
	sed -n '2,14s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
