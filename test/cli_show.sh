#!/bin/sh
# What engram data show says of small data of each kind: counts, lengths, what is missing, broken or there twice; the same as
# JSON; and its page, which is well-formed and holds what it should.
. test/cli_helpers
if ! command -v python3 >/dev/null || ! python3 -c '' 2>/dev/null; then
	echo "python3 is not there"
	exit 77
fi
# holds EXPRESSION...: each is true, of the JSON in ./out as `v`, its parts as `p`
holds() {
	python3 -c 'import json, sys
v = json.load(open("out"))
p = {x["part"]: x for x in v["parts"]}
for e in sys.argv[1:]:
    assert eval(e), e' "$@" 2>python.err || fail "$(tail -n 1 python.err): $(head -c 600 out)"
}
# page FILE WORDS...: it is XML, with all of these in it
page() {
	python3 -c 'import sys, xml.etree.ElementTree as tree
text = open(sys.argv[1], encoding="utf-8").read()
tree.fromstring(text)
for word in sys.argv[2:]:
    assert word in text, word' "$@" 2>python.err || fail "$1: $(tail -n 1 python.err)"
}
show() {
	expect 0 "$ENGRAM" data show "$@"
}

# Pictures with a network. Their random numbers begin anew after 128, and with the test pictures.
make_data
show quarters.yaml --json -n 3
json out
holds 'p["train"]["records"] == 128 and p["validation"]["records"] == 32 and p["test"]["records"] == 40' \
	'p["validation"]["kept_aside_of"] == "train" and "kept_aside_of" not in p["train"]' \
	'p["train"]["fields"][1]["classes"]["of"][0] == {"class": "north-west", "count": 32}' \
	'p["validation"]["fields"][1]["classes"]["of"][0] == {"class": "north-west", "count": 8}' \
	'v["broken"]["count"] == 0' \
	'[(d["part"], d["in"], d["count"]) for d in v["duplicates"]] == [("train", "train", 17), ("validation", "train", 12), ("test", "train", 37), ("validation", "validation", 3), ("test", "validation", 15)]' \
	'not any(d["differ"] for d in v["duplicates"])' \
	'[p[x]["inputs"][0]["most"] for x in p] == 3 * [[1, 1, 8, 8]]' 'p["test"]["inputs"][1]["max"] == 3' \
	'len(v["records"]) == 3' 'v["records"][0]["inputs"][0]["shape"] == [1, 1, 8, 8]' \
	'v["records"][0]["inputs"][1]["max"] in range(4)'
show quarters.yaml --json -n 1 --augmented --set 'augment=[flip, crop: 2]'
holds 'len(v["records"]) == 5' 'v["records"][4]["draw"] == "augmented, epoch 4"' \
	'len({str(r["inputs"]) for r in v["records"]}) > 1'
show quarters.yaml -n 2 -o quarters.html
says "37 records are in train too"
says "32, kept aside of train"
says "F32 (1, 1, 8, 8), -1.357 to 2.224, mean"
says "north-west: 32 · north-east: 32"
page quarters.html "data:image/png;base64," "what the network gets" "north-west</td>" "</span>32 <small>25.0 %</small>" "<th>validation</th>"
show quarters.yaml -n 0
says_not "some records"
expect 1 "$ENGRAM" data show quarters.yaml -o none/quarters.html
says "none/quarters.html"

# A folder of pictures, some broken.
mkdir -p 'shapes/a&b' shapes/dot
for i in 1 2 3; do
	{ printf 'P5\n8 8\n255\n'; pictures $i | tail -c 64; } >"shapes/a&b/$i.pgm"
	{ printf 'P5\n8 6\n255\n'; pictures $i | head -c 48; } >shapes/dot/$i.pgm
done
head -c 20 'shapes/a&b/1.pgm' >shapes/dot/cut.pgm
show folder --set path=shapes --json
holds 'v["broken"]["count"] == 1 and "dot/cut.pgm" in v["broken"]["named"][0]' \
	'v["parts"][0]["fields"][1]["classes"]["of"] == [{"class": "a&b", "count": 3}, {"class": "dot", "count": 3}]' \
	'p["train"]["fields"][0]["height"]["min"] == 6 and p["train"]["fields"][0]["height"]["max"] == 8'
show folder --set path=shapes -o shapes.html
says "cut.pgm"
page shapes.html 'a&amp;b'

# Texts, tags, pairs, series.
printf 'text\tlabel\nsay <b>\tx\nsay <b>\ty\nZoë\tx\n' >texts.tsv
show tsv --set path=texts.tsv --json
holds 'p["train"]["fields"][0]["length"]["min"] == 3 and p["train"]["fields"][0]["length"]["max"] == 7' \
	'v["duplicates"][0]["count"] == 1 and v["duplicates"][0]["differ"] == 1'
show tsv --set path=texts.tsv -o texts.html
page texts.html 'say &lt;b&gt;' 'Zoë'
cat >texts.yaml <<-END
	name: texts
	task: classify
	data: {source: tsv, path: texts.tsv, unit: char, min_count: 2}
	input: [time]
	model: [{embedding: 2}, mean_time, {linear: classes}]
	train: {epochs: 1}
END
show texts.yaml --json
holds 'p["train"]["units"] == {"of": "char", "different": 8, "count": 17, "unknown": 3, "commonest":
	[{"text": x, "n": 2} for x in " <>absy"]}'
show texts.yaml
says '17 of 8 different (char), 17.65 % unknown; commonest: ␣ 11.76 %  < 11.76 %'
show texts.yaml -o texts.html
page texts.html '8 different (char)'
printf 'Anna\tB-PER\nsleeps\tO\n\nParis\tB-LOC\n' >tags.tsv
show conll --set path=tags.tsv --json
holds 'p["train"]["records"] == 2 and p["train"]["fields"][0]["length"]["max"] == 2' \
	'{c["class"]: c["count"] for c in p["train"]["fields"][1]["classes"]["of"]} == {"O": 1, "B-PER": 1, "B-LOC": 1}'
show conll --set path=tags.tsv -o tags.html
page tags.html '>Anna</span><small>PER</small>'
printf 'Hi.\tSalut.\nRun!\tCours !\n' >pairs.tsv
show pairs --set path=pairs.tsv --json
holds 'sum(x["records"] for x in v["parts"]) == 2'
printf 'day,x\n1,2.5\n2,\n3,4\n4,1\n' >series.csv
show series --set path=series.csv --json
holds 'v["parts"][0]["fields"][0]["values"][-1]["gaps"] == 1'
show series --set path=series.csv -o series.html
page series.html '<svg' '4 steps'

expect 2 "$ENGRAM" data show folder --set path=shapes --augmented
says "name a RECIPE"
expect 2 "$ENGRAM" data show
expect 1 "$ENGRAM" data show folder --set path=nowhere
says "nowhere"
expect 1 "$ENGRAM" data show mnits

# A table with several series: some of them, how many more there are, and what is odd about those.
if "$ENGRAM" version | grep -q "csv "; then
	awk 'BEGIN { print "Shop,Month,Sales,Wind,None"; for (t = 0; t < 60; t++) for (s = 1; s <= 5; s++) {
		sales = s == 4 ? 7 : 100 * s + t % 12 * (12 - t % 12)
		if (s == 2 && t > 10 && t < 30) sales = "NA"
		if (s == 5 && t == 30) sales = 9999
		printf "%s,%d-%02d,%s,%s,\n", s == 1 ? "a<b" : "S" s, 2001 + int(t / 12), t % 12 + 1, sales, t % 3 ? "N" : "S"
	} }' >shops.csv
	show shops.csv --id Shop -n 2 -o shops.html
	says "shops.csv: 5 series by the column Shop"
	says "60 steps, 2001-01 to 2005-12"
	says "season of 12 steps"
	says "2 words: S, N"
	says "and 3 more"
	says "S4: Sales: it never changes"
	says "S5: Sales: 1 spike, the largest at step 31, 2003-07"
	says_not "S2: Sales: a gap"
	page shops.html "a&lt;b</h2>" "<svg" "season of 12 steps" "and 3 more series"
	show shops.csv --id Shop -n 2 --json
	json out
	holds 'v["series"] == 5 and v["more_series"] == 3 and len(v["parts"]) == 2' 'p["S2"]["values"][0]["longest_gap"] == 19' \
		'{"series": "S2", "column": "Sales", "what": "a gap of 19 of its 60 steps", "shown": True} in v["odd"]' \
		'len([o for o in v["odd"] if o["column"] == "None"]) == 5' 'p["a<b"]["values"][2]["words"] == "nothing"' \
		'(p["a<b"]["values"][0]["min"], p["a<b"]["values"][0]["max"]) == (100, 136)'
	grep '^Shop\|^S5' shops.csv | cut -d, -f2-3 >alone.csv
	show alone.csv
	says "one series"
	says "odd: 1 spike, the largest at step 31"
	page shops.html "autocorrelation" "trend" "gaps" "step of the season"
	# Times that are no grid are told, all of them, and the rows are shown as they are
	show shops.csv
	says "shops.csv:3: the time in the column 'Month' is the same as that of line 2"
	says "in all 240 times are the same as that before, and 0 earlier"
	says "rows are steps"
	says "300 steps"
	awk 'BEGIN { print "t,v"; for (t = 0; t < 40; t++) printf "2020-01-01T%02d:%02d,%d\n", t / 4, t % 4 * 15 + t % 3, t * t % 17 }' >beside.csv
	show beside.csv -o beside.html
	says "beside.csv:3: this time is not a whole number of steps"
	says "40 steps, 2020-01-01T00:00 to 2020-01-01T09:45"
	page beside.html "days from 2020-01-01T00:00"
	sed '20s/T04/T02/' beside.csv >back.csv
	show back.csv --json
	json out
	holds 'v["odd"][0]["what"].startswith("back.csv:20: the time in the column")' '"0 times are the same as that before, and 1 earlier" in v["odd"][0]["what"]' \
		'v["parts"][0]["steps"] == "40 steps"'
	expect 2 "$ENGRAM" data show shops.csv --augmented
	expect 1 "$ENGRAM" data show nowhere.csv
	says "nowhere.csv"
fi
done_testing
