#!/bin/sh
# bench/compare with engines that answer made-up times: ratios, means, what is told of engines that fail, saved answers.
. test/cli_helpers
command -v python3 >/dev/null && python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || exit 77
compare="$source/bench/compare"

# fake FILE NAME MEDIAN BEST: an engine. It dies of gru, and says why; it does not train unless its name is engram.
fake() {
	cat >"$1" <<END
#!/bin/sh
case "\$*" in
bench*-f*) ;;
bench*) echo "engram 9, a machine"; exit ;;
*train*) [ "$2" = engram ] || exit 2 ;;
esac
case "\$*" in *train*) mode=train ;; *) mode=infer ;; esac
while read -r p; do
	case \$p in gru*) echo "$2 knows no gru" >&2; exit 1 ;; esac
	case \$p in rnn*) echo "{\"problem\": \"\$p\", \"mode\": \"\$mode\", \"error\": \"rnn makes $2 ill\"}"; continue ;; esac
	case \$p in *n2*) m=\$(echo "$3 2" | awk '{print \$1 * \$2}') ;; *) m=$3 ;; esac
	echo "{\"problem\": \"\$p\", \"mode\": \"\$mode\", \"threads\": 1, \"median_ms\": \$m, \"min_ms\": $4, \"gflops\": 5000, \"runs\": 5, \"peer\": \"$2\", \"percent_of_peak\": 80}"
done
END
	chmod +x "$1"
}
fake engram engram 2 1
fake slow slow 8 5
fake quick quick 1 1
run() { expect 0 python3 "$compare" --no-search --engram ./engram --threads 1 --rounds 2 "$@"; }

printf 'lenet5:n1 # one\n\n# none\nlenet5:n2\nlstm:l1t1n1i1h1\n' >few.txt
run --peer slow=./slow --peer quick=./quick -f few.txt --mode infer --raw raw --markdown tables.md
says "engram 9, a machine"
says "4.00 (5.00)  0.50 (1.00)"     # ratios of medians, and of bests
says "3 of 3 problems are below 0.9; 0 of 3 against slow, 3 of 3 against quick."
says "80 % of 3"
grep -Eq '^lenet5:n2 +4 +1 +80 +16 +5 +4.00 +5.00 +2 +1 +0.50 +1.00$' out || fail "row of lenet5:n2: $(cat out)"
grep -qF '| `lenet5:n2` | 4 | 1 | 80 | 16 | 5 | 4.00 | 5.00 | 2 | 1 | 0.50 | 1.00 |' tables.md || fail "tables.md"
grep -qF -- '--raw raw --markdown tables.md`' tables.md || fail "the command is not told"
[ "$(grep -c '"round"' raw)" = 18 ] || fail "3 problems, 3 engines, 2 rounds: $(wc -l <raw)"
# In every round each engine comes once, and another one first.
[ "$(grep -o '"engine": "[a-z]*"' raw | head -n 6 | cut -d'"' -f4 | tr '\n' ' ')" = "engram slow quick slow quick engram " ] || fail "order"

cp out first
expect 0 python3 "$compare" --from raw
same out first

# Engines that answer with an error, die, or do not train; problems go on.
run --peer slow=./slow gru:l1t1n1i1h1 rnn:l1t1n1i1h1 lenet5:n1 gemm:m1n1k1 --mode both
says "gru:l1t1n1i1h1: slow: no answer, exit code 1: slow knows no gru"
says "rnn:l1t1n1i1h1: engram: rnn makes engram ill"
says "given, train"
[ "$(grep -c '^gemm' out)" = 2 ] || fail "a bare product is not trained: $(cat out)"
grep -Eq '^lenet5:n1 +2 +1 +80$' out || fail "engram alone trains: $(cat out)"

run -f few.txt --sample 2
[ "$(grep -c '^lenet5' out)" = 4 ] || fail "--sample: $(cat out)" # the first two problems in either mode
says "no other engine was found"
expect 1 python3 "$compare" --no-search --engram ./engram --peer nameless lenet5:n1
says "expected NAME=COMMAND"

# Peers that are there answer the problems of the repository.
for module in torch onnxruntime; do
	script=peer_$(echo $module | sed 's/^torch/pytorch/').py
	python3 -c "import $module" 2>/dev/null || continue
	echo gemm:m8n8k8 | python3 "$source/bench/$script" --seconds 0.01 --threads 1 -f - >out 2>err || fail "$script: $(tail -n 1 err)"
	json out
	says '"median_ms": '
done
done_testing
