#!/bin/sh
# engram watch: faults in tables, rows that come one by one, faults put in; and all that may be wrong.
. test/cli_helpers
if ! "$ENGRAM" version | grep -q "csv "; then
	echo "built without libcsv"
	exit 77
fi

# fed CODE FILE COMMAND...: as expect, with a file as standard input
fed() {
	want=$1
	file=$2
	shift 2
	"$@" >out 2>err <"$file"
	got=$?
	[ "$got" = "$want" ] || fail "exit code $got instead of $want: $* -- $(head -c 300 err)"
}

# 1,200 hours with a season of a day, a second column beside it; stuck from row 1000 on, for 24 rows
awk 'BEGIN {
	print "time,heat,load,note"
	x = 4711
	for (t = 0; t < 1200; t++) {
		x = x * 16807 % 2147483647; u = x / 2147483647
		x = x * 16807 % 2147483647; v = x / 2147483647
		h = 20 + 3 * sin(t * 6.283185307 / 24) + 2 * (u - 0.5)
		if (t == 999) kept = h
		if (t >= 1000 && t < 1024) h = kept
		printf "2024-%02d-%02dT%02d:00,%.4f,%.4f,n%d\n", 1 + int(t / 24 / 28), 1 + int(t / 24) % 28, t % 24, h, 5 + v, t
	}
}' >all.csv # a month of 28 days: rows are counted
expect 0 "$ENGRAM" watch all.csv --rows --period 24 --target heat --json
json out
for key in '"model": null' '"unit": "row"' '"n": 480' '"learned": 720' '"period": 24' '"events": \[{"start": 100[1-5], ' '"sign": "stuck"' \
	'"blame": \[{"variable": "heat", "share": 1' '"stuck": '; do grep -q "$key" out || fail "no $key in $(cat out)"; done
cp out batch
expect 0 "$ENGRAM" watch all.csv --rows --period 24 -o picture.svg
says "watched: heat, load"
says "period: 24, as given"
says "stuck"
says "heat 100"
if [ "$(grep -c '<svg' picture.svg)" != 3 ] || ! grep -q 'fill-opacity' picture.svg; then fail "no picture: $(head -c 300 picture.svg)"; fi

# ---- live is batch ----
head -721 all.csv >before.csv
{ head -1 all.csv; tail -n +722 all.csv; } >rows.csv
fed 0 rows.csv "$ENGRAM" watch before.csv --rows --period 24 --target heat --live --json
says '"state": "begins"'
json_events() { sed -n 's/.*"events": \[\(.*\)\]}/\1/p' "$1" | sed 's/}, {"start"/}\n{"start"/g'; }
json_events batch >a
sed -n 's/"state": "ends", //p' out >b
cmp -s a b || fail "live says: $(cat b); all at once: $(cat a)"
# with times: what is left out is missing, what goes back is passed over
awk -F, -v OFS=, 'NR > 1 { $1 = sprintf("2024-01-%02dT%02d:00", 1 + int((NR - 2) / 24), (NR - 2) % 24) } NR < 722' all.csv >january.csv
{ head -1 all.csv; echo "2024-01-31T02:00,20,5,x"; echo "2024-01-31T01:00,20,5,x"; echo "2024-01-31T03:00,hot,5,x"; } >live.csv
fed 1 live.csv "$ENGRAM" watch january.csv --target heat --live
says "standard input:3: the time '2024-01-31T01:00' is no later step than 2024-01-31T02:00"
says "standard input:4: 'hot' in the column 'heat' is no number; it is taken for missing"
# what clocks of a time zone show, also the hour that they show twice: the first row is the step behind the table
zone=CET-1CEST,M3.5.0,M10.5.0/3
{ head -1 all.csv; echo "2024-01-31T00:00,900,5,x"; echo "2024-10-27T02:00,20,5,x"; echo "2024-10-27T02:00,20,5,x"; echo "2024-10-27T02:00,20,5,x"; } >clocks.csv
fed 1 clocks.csv "$ENGRAM" watch january.csv --target heat --live --time-zone "$zone"
says "2024-01-31T00:00+01:00  alarm: heat"
says "standard input:5: the time '2024-10-27T02:00+01:00' is no later step than 2024-10-27T02:00+01:00"
says_not "standard input:4"
sed 's/heat/preheat/' live.csv >other.csv
fed 1 other.csv "$ENGRAM" watch january.csv --target heat --live
says "the first line names no column 'heat', which is watched"
expect 1 "$ENGRAM" watch january.csv --live
says "standard input is empty"
echo "time,load" >few.csv
fed 1 few.csv "$ENGRAM" watch january.csv --live
says "the first line names no column 'heat', which is watched"

# ---- a network as the forecaster ----
# a jump, too, in the rows that are watched
awk -F, -v OFS=, 'NR == 852 { $2 += 9 } 1' all.csv >jump.csv
{ head -1 jump.csv; tail -n +722 jump.csv; } >rows.csv
cp "$source/recipes/faults.yaml" .
network="--rows --period 24 --target heat --threads 1 --json --model faults.yaml --set train.epochs=2"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" watch jump.csv $network
json out
for key in '"model": "faults.yaml"' '"start": 850, ' '"start": 100[1-5], ' '"sign": "stuck"' '"jump": '; do
	grep -q "$key" out || fail "no $key in $(cat out)"
done
json_events out >a
# shellcheck disable=SC2086
fed 0 rows.csv "$ENGRAM" watch before.csv $network --live
sed -n 's/"state": "ends", //p' out >b
cmp -s a b || fail "with a network live says: $(cat b); all at once: $(cat a)"
expect 0 "$ENGRAM" watch all.csv --rows --period 24 --target heat --model faults.yaml --set train.epochs=1 --inject stuck --count 3 --learn 0.5
says "forecast of heat: by faults, a network of"
says "all signs, without the network"
expect 0 "$ENGRAM" watch all.csv --rows --period 24 --target heat --model faults.yaml --set train.epochs=1 --inject stuck --count 3 --learn 0.5 --json
says '{"name": "regression", "settings": {}, "event_recall": '
expect 1 "$ENGRAM" watch all.csv --rows --target heat --model faults.yaml --set data.target=load
says "the network forecasts the column 'load', which is not watched; name it with --target"
expect 1 "$ENGRAM" watch all.csv --rows --model faults.yaml --set 'data.columns=[heat, note]' --set 'input=[time, 3]'
says "the network is to see the column 'note', which is not looked at"
expect 1 "$ENGRAM" watch all.csv --rows --model faults.yaml --set 'data.calendar=[day]' --set 'input=[time, 4]'
says "'calendar' goes by times, and the rows of all.csv have none"
expect 1 "$ENGRAM" watch all.csv --rows --model faults.yaml --set 'data.ahead=[2]'
says "forecasts 2 steps ahead, and a warning needs the next one"
expect 1 "$ENGRAM" watch all.csv --rows --model faults.yaml --learn 0.3
says "360 rows are learned, and a network needs 500 at least"
expect 1 "$ENGRAM" watch all.csv --rows --model all.csv
expect 2 "$ENGRAM" watch all.csv --rows --set train.epochs=1
says "--set is about the recipe of --model"
expect 1 "$ENGRAM" watch all.csv --rows --model heat.safetensors
says "give the recipe that it was trained from"

# ---- an auto-encoder in its place ----
cp "$source/recipes/faults-autoencoder.yaml" .
network="--rows --period 24 --target heat --threads 1 --json --model faults-autoencoder.yaml --set data.columns=[heat] --set train.epochs=3"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" watch jump.csv $network
json out
for key in '"start": 850, ' '"start": 100[1-5], ' '"sign": "stuck"'; do grep -q "$key" out || fail "no $key in $(cat out)"; done
json_events out >a
# shellcheck disable=SC2086
fed 0 rows.csv "$ENGRAM" watch before.csv $network --live
sed -n 's/"state": "ends", //p' out >b
cmp -s a b || fail "with an auto-encoder live says: $(cat b); all at once: $(cat a)"
# both columns, and how well faults are found
sed 's/time, 1/time, 2/; s/linear: 24 .*/linear: 48/; s/24, 1]/24, 2]/' faults-autoencoder.yaml >both.yaml
expect 0 "$ENGRAM" watch all.csv --rows --period 24 --model both.yaml --set train.epochs=1 --inject stuck --count 3 --learn 0.5
says "rebuilding of heat, load: by faults-autoencoder, a network of"
says "all signs, without the network"
expect 1 "$ENGRAM" watch all.csv --rows --model faults-autoencoder.yaml
says "write input: [time, 2]"
expect 1 "$ENGRAM" watch all.csv --rows --model faults-autoencoder.yaml --set 'input=[time, 2]'
says "2 numbers of each step are rebuilt, but the network puts out (24,N,1); end it with (24, N, 2)"
expect 1 "$ENGRAM" watch all.csv --rows --target heat --model both.yaml --set 'data.columns=[load]'
says "none of the columns that the network rebuilds is watched"
expect 1 "$ENGRAM" forecast all.csv --rows --target heat --model both.yaml
says "its task is 'reconstruct', and this one forecasts"
# the task by itself: what eval tells is what predict says, and a table's last window is that of the set
sed 's/set: temperatures/table: all.csv\n  columns: [heat, load]\n  test_last: 100/; s/epochs: 10/epochs: 3/' both.yaml >task.yaml
expect 0 "$ENGRAM" train task.yaml --threads 1 -q -o task.safetensors
expect 0 "$ENGRAM" eval task.safetensors --json
json out
for key in '"mse": 0\.' '"psnr": [12]' '"last_step": \[{"column": "heat", "mse": '; do grep -q "$key" out || fail "no $key in $(cat out)"; done
if command -v python3 >/dev/null; then expect 0 python3 "$source/test/check_answers" "$ENGRAM" task.safetensors; fi
expect 0 "$ENGRAM" predict task.safetensors --split test --json
grep '"id": "1190"' out | sed 's/.*"error"/"error"/; s/}*$//' >record
head -1191 all.csv >upto.csv
expect 0 "$ENGRAM" predict task.safetensors upto.csv --json
json out
says '"last_step": [{"column": "heat", "value": '
sed 's/.*"error"/"error"/; s/}*$//' out | cmp -s - record || fail "the last window of a table: $(cat out), and of the set: $(cat record)"

# ---- faults put in ----
expect 0 "$ENGRAM" watch all.csv --rows --target heat --learn 0.5 --inject stuck,spike --count 5 --seed 3
says "Faults put into heat"
says "residuals of Holt-Winters"
says_not "variance "
expect 0 "$ENGRAM" watch all.csv --rows --target heat --learn 0.5 --inject stuck,spike --count 5 --seed 3 --json
json out
for key in '"event_recall": ' '"false_alarms_per_1000": ' '"delay": ' '"per_class": \[{"class": "stuck", "n": 5, "recall": ' \
	'"floors": \[{"name": "difference", "settings": {}, "event_recall": ' '"period": 24,' '"beats_floor": [tf]'; do
	grep -q "$key" out || fail "no $key in $(cat out)"
done

# ---- what is wrong: where, and the cure ----
expect 2 "$ENGRAM" watch all.csv --rows --inject noise
says "--inject takes all, or some of drift"
expect 1 "$ENGRAM" watch all.csv --rows --target heet
says "has no column 'heet'"
expect 1 "$ENGRAM" watch all.csv --rows --target heat --learn 0.9 --inject drift
says "'drift' has 200 rows, and 120 are watched; learn fewer, or leave the kind out"
head -90 all.csv >short.csv
expect 1 "$ENGRAM" watch short.csv --rows
says "89 rows, of which 53 would be learned, and 100 at least are needed"
awk -F, -v OFS=, 'NR > 1 { $2 = 7 } 1' all.csv >sevens.csv
expect 1 "$ENGRAM" watch sevens.csv --rows --target heat
says "the column 'heat' is always 7 in the 720 rows that are learned"
expect 0 "$ENGRAM" watch sevens.csv --rows
says "left out: heat is always 7"
awk -F, -v OFS=, 'NR > 1 { $2 = "NA" } 1' all.csv >missing.csv
expect 1 "$ENGRAM" watch missing.csv --rows --target heat
says "the column 'heat' has 0 values in the 720 rows that are learned"
sed '9s/,[0-9.]*,/,12x,/' all.csv >bad.csv
expect 1 "$ENGRAM" watch bad.csv --rows
says "bad.csv:9: '12x' in the column 'heat' is no number"
sed '9s/^2024-01/2023-01/' january.csv >back.csv
expect 1 "$ENGRAM" watch back.csv
says "back.csv:9: the time in the column 'time' is earlier than that of line 8"

done_testing
