#!/bin/sh
# engram forecast: series in tables, models compared, forecasts; and all that may be wrong with a table.
. test/cli_helpers
if ! "$ENGRAM" version | grep -q "csv "; then
	echo "built without libcsv"
	exit 77
fi

# 60 months with a season of 12 and a line, the last two of the known column beyond them
awk 'BEGIN {
	print "Month,Sales,Open,Note"
	for (t = 0; t < 60; t++)
		printf "%d-%02d,%.3f,%d,n%d\n", 2001 + int(t / 12), t % 12 + 1,
			100 + t + 20 * sin(t * 3.14159265358979 / 6) + 3 * ((t * 7919) % 13) / 13 + 5 * (t % 5 == 0), t % 5 == 0, t
}' >months.csv

# ---- a comparison without a recipe ----
expect 1 "$ENGRAM" forecast months.csv
says "2 columns of numbers: Sales, Open; name the one to forecast with --target"
expect 0 "$ENGRAM" forecast months.csv --target Sales --horizon 6 --origins 9 --refit 9 -o picture.svg
says "months.csv: Sales, 60 values, 2001-01 to 2005-12, horizon 6"
says "time: the column Month"
says "period: 12, found"
for word in seasonal-naive "holt-winters(" "arima(" "ets(" theta ridge drift mean; do says "$word"; done
says "Warning: fitted on 60 values: expect the simple model to win"
says "2006-06"
says_not "2006-07"
grep -q "<svg" picture.svg && grep -q 'fill-opacity="0.2"' picture.svg || fail "no picture: $(head -c 200 picture.svg)"
expect 0 "$ENGRAM" forecast months.csv --target Sales --horizon 6 --origins 9 --model theta --model 'ets(M,N,M)' --model ridge --json
json out
says '"target": "Sales", "horizon": 6'
for key in '"mae": ' '"coverage95": ' '"by_horizon": ' '"train_seconds": ' '"forecast_ms": ' '"coefficients": ' '"loglik": ' '"aicc": ' \
	'"test": {"name": "diebold-mariano"' '"code": "little_data"' '"origin": "2005-12"' '"times": ["2006-01"' '"0.975": '; do says "$key"; done
# The same bits again: nothing is drawn by the clock.
without_seconds() { sed 's/"train_seconds": [^,]*, "forecast_ms": [^,]*,//g' "$1"; }
cp out first
expect 0 "$ENGRAM" forecast months.csv --target Sales --horizon 6 --origins 9 --model theta --model 'ets(M,N,M)' --model ridge --json
without_seconds first >a
without_seconds out | cmp -s - a || fail "another run says something else"

# ---- one model ----
expect 0 "$ENGRAM" forecast months.csv --target Sales --model 'arima(0,1,1)(0,1,1)12' --log --horizon 3
says "arima(0,1,1)(0,1,1)12 log"
says "(1 - B)(1 - B^12) y(t) ="
says "seasonal-naive"
says_not "theta"
expect 1 "$ENGRAM" forecast months.csv --target Sales --model arimo
says "Is it 'arima'?"
expect 2 "$ENGRAM" forecast months.csv --target Sales --log --box-cox auto

# ---- several models together, of very few values; files of known series, wherever they lie ----
head -9 months.csv >few.csv
for kind in combine weigh; do
	expect 0 "$ENGRAM" forecast few.csv --target Sales --model "$kind(naive,mean)" --horizon 1
	says "5 origins from 2001-03"
	says "$kind(naive,mean)"
done
mkdir -p known/timeseries none
cut -d, -f1-2 few.csv >known/timeseries/airline-passengers.csv
expect 0 env ENGRAM_DATA="$PWD/known" "$ENGRAM" forecast airline-passengers.csv --model naive --horizon 1
says "/known/timeseries/airline-passengers.csv: Sales, 8 values"
expect 1 env ENGRAM_DATA="$PWD/none" HOME="$PWD/none" XDG_CACHE_HOME= "$ENGRAM" forecast airline-passengers.csv
says "engram data get airline"
says_not "No such file"

# ---- known columns ----
{ cat months.csv; printf '2006-01,,1,\n2006-02,,0,\n'; } >known.csv
expect 0 "$ENGRAM" forecast known.csv --target Sales --known Open --model 'arima(0,1,1)(0,1,0)12' --horizon 2 --json
says '"x1": '
expect 1 "$ENGRAM" forecast known.csv --target Sales --known Open --horizon 3
says "the known columns end 2 steps behind the last value of 'Sales', and the horizon is 3"

# ---- values that came later than a transformation was fitted ----
awk -F, -v OFS=, 'NR == 58 { $2 = 0 } 1' months.csv >zero.csv
expect 1 "$ENGRAM" forecast zero.csv --target Sales --log --model ridge --horizon 1 --origins 9 --refit 9
says "value 57 of the series is 0, which came after ridge"
head -n 3 months.csv >two.csv
expect 1 "$ENGRAM" forecast two.csv --target Sales
says "two.csv: 2 values of 'Sales': models are compared by what they say of later values, which needs at least 4"

# ---- networks ----
cat >net.yaml <<'YAML'
name: net
task: forecast
data: {source: windows, table: months.csv, time: [Month], target: Sales, columns: [Sales], past: 12, horizon: 3, period: 12,
  reference: season, validation: 0.2, test_last: 6}
input: [time, 1]
model: [gru: 4, last, linear: 3]
train: {loss: mse, epochs: 4, seed: 1}
YAML
expect 0 "$ENGRAM" forecast months.csv --model net.yaml --seeds 2 --target Sales --horizon 6 --origins 9 --refit 9 --threads 1
for word in "net " seasonal-naive "Best network: net" "seeds 1 to 2" "it goes by" "lags, 8 of 12:"; do says "$word"; done
says_not theta
expect 0 "$ENGRAM" forecast months.csv --model net.yaml --target Sales --horizon 3 --origins 9 --refit 9 --threads 1 --json
json out
for key in '"name": "network", "spec": "net"' '"sensitivity": {"variables": [{"name": "Sales"' '"network_test": {"name": "diebold-mariano"'; do
	says "$key"
done
# several models together, a network and one that sees logarithms among them
expect 0 "$ENGRAM" forecast months.csv --model 'combine(theta, net.yaml)' --model 'weigh(naive,ets(A,N,A),net.yaml)' --log --target Sales \
	--horizon 3 --origins 9 --refit 9 --threads 1 --json
json out
for key in '"name": "combine", "spec": "combine(theta,net) log"' '"coefficients": {"w1": 0.5, "w2": 0.5}' '"name": "weigh"' '"w3": ' \
	'"formula": "y(t+1) = 0.500 theta + 0.500 net"'; do
	says "$key"
done
for wrong in 'combine(theta)' 'combine(theta,net.yaml' 'combine(theta,,naive)' 'combine(theta,naive)x' 'combine(theta,weigh(naive,ets))'; do
	expect 1 "$ENGRAM" forecast months.csv --target Sales --model "$wrong"
	says "write combine(MODEL,MODEL,...), 2 to 12 models or recipes"
done
expect 1 "$ENGRAM" forecast months.csv --target Sales --model 'combine(theta,arimo)'
says "combine(theta,arimo) fits its models on "
says "Is it 'arima'?"
expect 0 "$ENGRAM" train net.yaml --threads 1 -q -o net.safetensors
expect 0 "$ENGRAM" eval net.safetensors --json
json out
says '"unit": "windows"'
says '"coverage95": '
says '"by_horizon": [{"step": 1, "n": '
# A file's last row, the record of the same row, and rows one by one: the same forecast.
head -n 56 months.csv >short.csv
expect 0 "$ENGRAM" predict net.safetensors short.csv --json
json out
says '"origin": "2005-07", "times": ["2005-08", "2005-09", "2005-10"], "mean": ['
sed 's/.*"origin"/"origin"/; s/}*$//' out >of_file
expect 0 "$ENGRAM" predict net.safetensors --split test --truth --json
says '"truth": {"values": ['
grep '"id": "2005-07"' out | sed 's/.*"origin"/"origin"/; s/}*, "truth".*//' | cmp -s - of_file || fail "the record says something else"
"$ENGRAM" forecast net.safetensors --follow --json <short.csv >out || fail "--follow failed"
tail -n 1 out | sed 's/.*"origin"/"origin"/; s/}*$//' | cmp -s - of_file || fail "--follow says something else"
"$ENGRAM" forecast net.safetensors --follow <short.csv >out || fail "--follow failed"
says "origin,time,mean,0.025,0.1,0.5,0.9,0.975"
says "2005-07,2005-10,"
# A row that is not there does not make the next step longer; and no row at all is told.
sed 55d short.csv | "$ENGRAM" forecast net.safetensors --follow >out || fail "--follow failed"
tail -n 3 out | cut -d, -f1-2 | tr '\n' ' ' | grep -q '^2005-07,2005-08 2005-07,2005-09 2005-07,2005-10 $' || fail "times behind a hole: $(tail -n 3 out)"
"$ENGRAM" forecast net.safetensors --follow </dev/null 2>out && fail "nothing to follow is not told"
says "nothing came on standard input"
# No more rows are kept than windows reach back: what is said stays the same, and the memory too. The last rows of a long table
# that is followed are forecast as from a table, which is read as a whole.
cat >few.yaml <<'YAML'
name: few
task: forecast
data: {source: windows, table: wide.csv, target: c1, past: 3, horizon: 1, validation: 0.2, test_last: 6}
input: [time, 50]
model: [last, linear: 1]
train: {loss: mse, epochs: 1, seed: 1}
YAML
wide() { # ROWS: 50 columns, of which one has nothing for long
	awk -v n="$1" 'BEGIN {
		for (k = 1; k <= 50; k++) printf("c%d%s", k, k < 50 ? "," : "\n")
		for (t = 0; t < n; t++) for (k = 1; k <= 50; k++) printf("%s%s", k == 2 && t % 99 > 9 ? "NA" : t * k % 97, k < 50 ? "," : "\n") }'
}
wide 60 >wide.csv
expect 0 "$ENGRAM" train few.yaml --threads 1 -q -o few.safetensors
wide 700 >long.csv
expect 0 "$ENGRAM" predict few.safetensors long.csv --threads 1 --json
sed 's/.*"origin"/"origin"/; s/}*$//' out >of_file
"$ENGRAM" forecast few.safetensors --follow --json --threads 1 <long.csv >out || fail "--follow failed"
tail -n 1 out | sed 's/.*"origin"/"origin"/; s/}*$//' | cmp -s - of_file || fail "--follow says something else of a long table"
if [ -z "${ENGRAM_SANITIZE-}" ]; then # what has been freed is kept there
	for rows in 2000 12000; do
		wide $rows >long.csv
		"$ENGRAM_BUILD/test/peak_memory" "$ENGRAM" forecast few.safetensors --follow --threads 1 <long.csv >out || fail "--follow failed"
		eval "kb_$rows=\$(tail -n 1 out)"
	done
	# shellcheck disable=SC2154
	[ "$kb_12000" -lt $((kb_2000 + 1000)) ] || fail "2000 rows took $kb_2000 kB, 12000 took $kb_12000: they are kept"
fi
printf 'Month,Sales\n2001-01,5\n2001-01,6\n2001-02,x\n' >wrong.csv
expect 1 "$ENGRAM" predict net.safetensors wrong.csv
says "wrong.csv:3: the time '2001-01' is not later than that of the row before"
"$ENGRAM" forecast net.safetensors --follow <wrong.csv 2>out && fail "rows that are wrong are not told"
says "the rows:3: the time '2001-01' is not later"
says "the rows:4: 'x' in the column 'Sales' is no number"
head -n 5 months.csv >few.csv
expect 1 "$ENGRAM" predict net.safetensors few.csv
says "the model sees 12 rows, and there are 4"
printf 'a,b\n1,2\n' >other.csv
expect 1 "$ENGRAM" predict net.safetensors other.csv
says "there is no column 'Sales'"
sed 's/past: 12/past: 50/' net.yaml >long.yaml
expect 1 "$ENGRAM" train long.yaml -q -o x.safetensors
says "no window of 50 steps"
sed 's/linear: 3/linear: 2/' net.yaml >narrow.yaml
expect 1 "$ENGRAM" train narrow.yaml -q -o x.safetensors
says "3 steps are forecast from a window; end the model with"

# Columns that are known of the future: it is in rows without a value, and needed.
sed 's/columns: .Sales./columns: [Sales], known: [Open]/; s/^input: .*/inputs: {past: [time, 1], future: [ahead, 2]}/; s/^model: .*/model:\n  - gru: {hidden: 4, from: past}\n  - last: {name: a}\n  - rnn: {hidden: 2, from: future}\n  - last: {name: b}\n  - concat: {from: [a, b], axis: 1}\n  - linear: 3/' net.yaml >open.yaml
expect 0 "$ENGRAM" train open.yaml --threads 1 -q -o open.safetensors
{ head -n 56 months.csv; printf '2005-08,,1,\n2005-09,,0,\n2005-10,,0,\n'; } >future.csv
expect 0 "$ENGRAM" predict open.safetensors future.csv --json
says '"origin": "2005-07", "times": ["2005-08", "2005-09", "2005-10"], "mean": ['
cp out first
sed 's/^2005-08,,1/2005-08,,0/' future.csv >closed.csv
expect 0 "$ENGRAM" predict open.safetensors closed.csv --json
cmp -s out first && fail "what is known of the future makes no difference"
expect 1 "$ENGRAM" predict open.safetensors short.csv
says "the model forecasts up to row 58, and the columns that are known of the future end at row 55"
"$ENGRAM" forecast open.safetensors --follow <short.csv >out 2>err && fail "rows without their future are followed"
says "rows as they come do not tell it"
expect 1 "$ENGRAM" forecast months.csv --model open.yaml --target Sales --horizon 3 --origins 3 --threads 1
says "the known columns end after 60 rows, but 60 values and a horizon of 3 need 63"
sed 's/known: .Open./known: [Sales]/' open.yaml >known.yaml
expect 1 "$ENGRAM" train known.yaml -q -o x.safetensors
says "'known': the future of 'Sales' is what is forecast"

# A random walk, as prices are: what says the last value again is told so.
awk 'BEGIN { srand(3); p = 100; print "Date,Close"
	for (t = 0; t < 260; t++) {
		p *= 1 + 0.02 * (rand() + rand() + rand() - 1.5)
		printf "%d-%02d,%.4f\n", 1990 + int(t / 12), t % 12 + 1, p
	} }' >prices.csv
cp "$source/recipes/prices.yaml" .
expect 0 "$ENGRAM" forecast prices.csv --model prices.yaml --set train.epochs=2 --period 1 --horizon 1 --origins 40 --refit 40 --threads 1 --json
json out
says '"spec": "prices"'
says '"code": "echo", "text": "prices echoes the last value'

# ---- times ----
# The last days of months, of 28 to 31, are steps of a month; 28 days each time are not.
awk -F, -v OFS=, 'BEGIN { split("31 28 31 30 31 30 31 31 30 31 30 31", days, " ") }
	NR > 1 { y = 2001 + int((NR - 2) / 12); m = (NR - 2) % 12 + 1; $1 = sprintf("%d-%02d-%02d", y, m, days[m] + (m == 2 && y % 4 == 0)) } 1' months.csv >ends.csv
expect 0 "$ENGRAM" forecast ends.csv --target Sales --model naive --horizon 3
says "60 values, 2001-01-31 to 2005-12-31"
says "period: 12, found"
says "2006-02-28"
awk 'BEGIN { print "t,y"; for (i = 0; i < 60; i++) printf "2001-01-01T00:00:%02d.%d,%d\n", i / 4, i % 4 * 25, i * i % 7 }' >quarters.csv
expect 0 "$ENGRAM" forecast quarters.csv --target y --model naive --horizon 2 -o quarters.svg
grep -q 'days from 2001-01-01T00:00:00.000' quarters.svg || fail "the axis of a minute has years"
says "2001-01-01T00:00:15.250"
sed 's/^2003-05.*//' months.csv >hole.csv
expect 0 "$ENGRAM" forecast hole.csv --target Sales --model 'arima(1,0,0)c' --horizon 3
says "1 steps have no row and are missing"
cut -d, -f2 months.csv >numbers.csv
expect 0 "$ENGRAM" forecast numbers.csv --model naive --horizon 2 --period 12
says "no column of dates was found, so rows are steps"
says "period: 12, as given"
awk 'BEGIN { print "year,month,day,hour,v"; for (t = 0; t < 120; t++) printf "2010,1,%d,%d,%d\n", 1 + t / 24, t % 24, t % 24 < 12 ? t % 24 : 24 - t % 24 }' >hours.csv
expect 0 "$ENGRAM" forecast hours.csv --model seasonal-naive --horizon 2
says "time: the columns year, month, day, hour"
says "period: 24, found"
says "2010-01-06T00:00"
# Of what lies behind the first origin nothing is seen, by which models are compared: another season there changes neither
# the period nor where forecasts begin
awk 'BEGIN { print "y"; for (t = 0; t < 160; t++) print int(9 * sin(6.2831853 * t / 7)) + t % 3 / 9 }' >sevens.csv
awk 'NR > 120 { $0 = 500 * ((NR + 1) % 5 == 0) } { print }' sevens.csv >fives.csv
for t in sevens fives; do
	expect 0 "$ENGRAM" forecast $t.csv --rows --model naive --horizon 2 --origins 40
	says "period: 7, found in the first 119 values"
	expect 0 "$ENGRAM" forecast $t.csv --rows --model naive
	says "period: 7, found in the first"
	grep -q '24 origins from 130 to 153' out || fail "origins go by values that come later: $(cat out)"
done
# tenths of a second, which are no whole numbers of what a double holds; and steps that are none
awk 'BEGIN { print "time,v"; for (t = 0; t < 3000; t++) printf "2024-05-01T00:%02d:%04.1f,%d\n", t / 600, t % 600 / 10, t % 7 }' >tenths.csv
expect 0 "$ENGRAM" forecast tenths.csv --model naive --horizon 2 --period 1
says "3000 values"
says_not "have no row"
sed '9s/0\.7,/0.72,/' tenths.csv >irregular.csv
expect 1 "$ENGRAM" forecast irregular.csv --model naive
says "irregular.csv:3: this time is not a whole number of steps of 0.08 s"
# a month that is always 0 cannot be divided by, and what has been fitted nowhere is not the best
awk -F, 'NR > 1 && $1 ~ /-04$/ { $2 = 0 } 1' OFS=, months.csv >april.csv
expect 1 "$ENGRAM" forecast april.csv --target Sales --model 'holt-winters(multiplicative)' --period 12
says "values have to be above 0"
sed '3,40s/^\([^,]*\),[^,]*/\1,/' tenths.csv >holes.csv
head -221 holes.csv >holes-220.csv
expect 0 "$ENGRAM" forecast holes-220.csv --model naive --horizon 2 --period 1
says "fitted on 182 values: expect the simple model to win"

# ---- how times are written, and where ----
awk 'BEGIN { print "day;clock;v"; for (t = 0; t < 120; t++) printf "%02d.03.2024;%02d:%02d;%d\n", 28 + t / 96, t % 96 / 4, t % 4 * 15, t % 7 }' >german.csv
expect 1 "$ENGRAM" forecast german.csv --separator semicolon --time day,clock --model naive
says "german.csv:2: '28.03.2024' in the column 'day, clock' is no time"
says "--time-format '%d.%m.%Y %H:%M'"
expect 0 "$ENGRAM" forecast german.csv --separator semicolon --time day,clock --time-format '%d.%m.%Y %H:%M' --model naive --horizon 1 --period 1
says "2024-03-28T00:00 to 2024-03-29T05:45"
sed '5s/28.03/28.3x/' german.csv >wrong.csv
expect 1 "$ENGRAM" forecast wrong.csv --separator semicolon --time day,clock --time-format '%d.%m.%Y %H:%M'
says "wrong.csv:5: '28.3x.2024' in the column 'day, clock' is no time as '%d.%m.%Y %H:%M'"
expect 0 "$ENGRAM" forecast german.csv --separator semicolon --time day,clock --time-format '%d.%m.%Y %H:%M' --grid 1h --model naive --horizon 1 --period 1 --json
says '"n": 30,'
expect 2 "$ENGRAM" forecast german.csv --grid 1x
says "--grid takes a whole number and a unit"
# Clocks of central Europe: no hour from 2 to 3 on 2024-03-31, that hour twice on 2024-10-27. The rule stands for the name.
berlin=CET-1CEST,M3.5.0,M10.5.0/3
awk 'BEGIN { print "t,v"; for (t = 0; t < 96; t++) { h = t + 1 + (t >= 73); printf "2024-03-%02dT%02d:00,%d\n", 28 + int(h / 24), h % 24, t % 24 } }' |
	sed 's/-32T/-32T/' | awk -F- 'NR == 1 { print; next } { d = substr($3, 1, 2) + 0; if (d > 31) sub(/03-../, sprintf("04-%02d", d - 31)); print }' >spring.csv
expect 0 "$ENGRAM" forecast spring.csv --model naive --horizon 1 --period 1
says "note: spring.csv:75: the hour before is not there, on a Sunday: if clocks were put forward then, say where, as in --time-zone Europe/Berlin"
says "1 steps have no row"
expect 0 "$ENGRAM" forecast spring.csv --model naive --horizon 1 --period 1 --time-zone $berlin
says "96 values, 2024-03-28T01:00+01:00 to 2024-04-01T01:00+02:00"
says_not "have no row"
sed '75s/T03:00/T02:00/' spring.csv >never.csv
expect 1 "$ENGRAM" forecast never.csv --model naive --time-zone $berlin
says "never.csv:75: clocks in $berlin never showed the time in the column 't', as they were put forward then"
awk 'BEGIN { print "t,v"; for (t = 0; t < 48; t++) { h = t + 12 - (t > 14); printf "2024-10-%02dT%02d:00,%d\n", 26 + int(h / 24), h % 24, t % 5 } }' >autumn.csv
expect 1 "$ENGRAM" forecast autumn.csv --model naive
says "autumn.csv:17: the time in the column 't' is the same as that of line 16; if clocks were put back then, say where"
expect 0 "$ENGRAM" forecast autumn.csv --model naive --horizon 1 --period 1 --time-zone $berlin
says "48 values, 2024-10-26T12:00+02:00 to 2024-10-28T10:00+01:00"
sed '2,$s/,/+02:00,/' spring.csv >offset.csv
expect 0 "$ENGRAM" forecast offset.csv --model naive --horizon 1 --period 1
says "2024-03-27T23:00Z"
sed '9s/+02:00//' offset.csv >mixed.csv
expect 1 "$ENGRAM" forecast mixed.csv --model naive
says "mixed.csv:9: the time in the column 't' has no offset from UTC, and that of line 2 has one"
expect 1 "$ENGRAM" forecast spring.csv --time-zone Europe/Berlim
says "there is no time zone 'Europe/Berlim'"
expect 0 "$ENGRAM" forecast irregular.csv --grid 1min --model naive --horizon 1 --period 1
says "each step is the mean of its rows, 3000 in all"
# rows that are steps keep their times: a network is told how long each step was, by which the next value goes here
awk 'BEGIN { srand(2); print "t,y"; at = 0; for (i = 0; i < 300; i++) { d = 1 + int(6 * rand()); at += d
	printf "2020-01-%02dT%02d:%02d,%d\n", 1 + int(at / 1440), int(at / 60) % 24, at % 60, 10 * before; before = d } }' >uneven.csv
cat >uneven.yaml <<'END'
name: uneven
task: forecast
data: {source: windows, table: uneven.csv, columns: [y], past: 24, horizon: 1, reference: none, validation: 0.2}
inputs: {elapsed: [time, 1]}
model: [{last: {from: elapsed}}, {linear: 1}]
train: {loss: mse, optimizer: {adam: {lr: 5.0e-2}}, batch: 16, epochs: 40, seed: 1}
END
expect 0 "$ENGRAM" forecast uneven.csv --rows --model uneven.yaml --horizon 1 --period 1 --target y --origins 50 --refit 50 --threads 1
says "300 values, 2020-01-01T00:0"
says "Best: uneven"
mae=$(awk '$1 == "uneven" { print $2 }' out)
awk -v m="$mae" 'BEGIN { exit !(m < 7) }' || fail "a network that knows how long steps are errs by $mae"

# ---- several series; columns that are seen up to now ----
awk 'BEGIN { srand(1); print "Shop,Month,Sales,Wind,Sun"; for (t = 0; t < 60; t++) for (s = 1; s <= 3; s++)
	printf "S%d,%d-%02d,%.3f,%s,%d\n", s, 2001 + int(t / 12), t % 12 + 1, 100 * s + t + 20 * sin(t * 3.14159265358979 / 6) + t * 7919 % 13, t % 3 ? "N" : "S", t * 5 % 11 }' >shops.csv
expect 1 "$ENGRAM" forecast shops.csv --target Sales
says "shops.csv:3: the time in the column 'Month' is the same as that of line 2; if the rows are of several series, name the column that says which with --id"
several="--target Sales --id Shop --model theta --model ridge(4,1) --horizon 3 --origins 5 --period 12"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast shops.csv $several --with Wind,Sun --threads 2
says "shops.csv: 3 series by the column Shop, horizon 3"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast shops.csv $several --with all --threads 2 --json
json out
for key in '"n_series": 3' '"fitted_to": 3' '"series": "S2", "target": "Sales"' '"failed": []' '"s2lag1": ' '"s1lag1": '; do says "$key"; done
without_seconds out >both
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast shops.csv $several --with all --threads 1 --json
without_seconds out | sed 's/"train_seconds": [^,}]*//g' >one
sed 's/"train_seconds": [^,}]*//g' both | cmp -s - one || fail "threads change a forecast"
# One series of them says the same as alone, and what the others hold changes nothing.
sed -n '1p; /^S2,/p' shops.csv >alone.csv
awk -F, 'NR > 1 && $1 != "S2" { $3 = $3 * 7 } 1' OFS=, shops.csv >others.csv
for table in alone others; do
	# shellcheck disable=SC2086
	expect 0 "$ENGRAM" forecast $table.csv $several --with all --json
	without_seconds out | grep -o '"series": "S2", "target".*"forecast": {"series": "S2", "origin": "2005-12"[^}]*}[^}]*}' | sed 's/"series": "S3".*//' >$table
done
without_seconds both | grep -o '"series": "S2", "target".*"forecast": {"series": "S2", "origin": "2005-12"[^}]*}[^}]*}' | sed 's/"series": "S3".*//' >together
[ -s together ] && cmp -s alone together && cmp -s others together || fail "another series changes a forecast"
# One network for all: each series by its own scale, so that one in another unit has the same scores; trained before the first
# origin of any, and named once. A series that is over early takes its end with it.
cat >shared.yaml <<'YAML'
name: shared
task: forecast
data: {source: windows, table: shops.csv, target: Sales, columns: [Sales, Wind], past: 6, horizon: 3, validation: 0.2}
input: [time, 3]
model: [gru: 4, last, linear: 3]
train: {loss: mse, epochs: 3, seed: 1}
YAML
shared="--target Sales --id Shop --model shared.yaml --model theta --horizon 3 --origins 5 --period 12 --threads 1"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast shops.csv $shared
says "shared for all series: a network of"
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast shops.csv $shared --json
json out
for key in '"name": "shared.yaml", "mase": ' '"formula": "a network of' '"name": "network", "spec": "shared"'; do says "$key"; done
[ "$(grep -o '"spec": "shared"' out | wc -l)" = 3 ] || fail "not of each series: $(cat out)"
awk 'BEGIN { print "Shop,Month,Sales,Wind"; for (t = 0; t < 60; t++) for (s = 1; s <= 2; s++)
	printf "S%d,%d-%02d,%d,%s\n", s, 2001 + int(t / 12), t % 12 + 1, (s == 1 ? 1 : 1024) * (200 + t * 7919 % 13), t % 3 ? "N" : "S" }' >units.csv
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast units.csv $shared --json
grep -o '"spec": "shared", "mae": [0-9.e+]*' out | sed 's/.*: //' | tr '\n' ' ' >maes
awk '{ exit !($1 > 0 && $2 / $1 > 1024 * 0.9999 && $2 / $1 < 1024 * 1.0001) }' maes || fail "the unit changes what is said: $(cat maes)"
awk -F, '!($1 == "S2" && $2 > "2004-06")' shops.csv >over.csv
# shellcheck disable=SC2086
expect 0 "$ENGRAM" forecast over.csv $shared
says "shared for all series: a network of"
# shellcheck disable=SC2086
expect 1 "$ENGRAM" forecast shops.csv $shared --set data.past=200
says "none of 3 series has a window of 200 steps"
# One that cannot be forecast is named; the others are.
awk -F, '!($1 == "S2" && NR > 9)' shops.csv >one-short.csv
expect 1 "$ENGRAM" forecast one-short.csv --target Sales --id Shop --model theta --horizon 3 --period 12
says "the series 'S2': "
grep -q "^S3 " out || fail "the others are lost: $(cat out)"
sed '4s/^S3//' shops.csv >nobody.csv
expect 1 "$ENGRAM" forecast nobody.csv --target Sales --id Shop
says "nobody.csv:4: the column 'Shop' is empty"
expect 1 "$ENGRAM" forecast alone.csv --target Sales --with Sunn
says "Is it 'Sun'?"
expect 1 "$ENGRAM" forecast alone.csv --target Sales --with Sales
says "'Sales' is the column to be forecast"
expect 0 "$ENGRAM" forecast alone.csv --target Sales --missing -999 --model naive --horizon 1
sed '9s/,[0-9.]*,/,-999,/' alone.csv >marked.csv
expect 0 "$ENGRAM" forecast marked.csv --target Sales --missing -999 --model naive --horizon 1
says "1 values are missing"
sed '9s/,[0-9]*$/,/' alone.csv >gap.csv
expect 1 "$ENGRAM" forecast gap.csv --target Sales --known Sun --model ridge --horizon 1
says "the known column 'Sun' has nothing at step 8, 2001-08"

# ---- pages ----
expect 0 "$ENGRAM" forecast months.csv --target Sales --model theta --horizon 3 --origins 9 -o page.html
grep -q "<svg" page.html && grep -q "onmousemove" page.html && grep -q "<td>2006-03</td>" page.html || fail "no page: $(head -c 300 page.html)"
grep -q 'src=\|href=' page.html && fail "the page needs other files"
expect 2 "$ENGRAM" forecast shops.csv --target Sales --id Shop -o page.html
if "$ENGRAM" version | grep -q "rsvg "; then
	# Fonts that librsvg has looked up stay in memory to the end.
	expect 0 env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" "$ENGRAM" forecast months.csv --target Sales --model theta --horizon 3 -o picture.png
	[ "$(head -c 4 picture.png | tail -c 3)" = PNG ] || fail "no PNG"
	[ ! -e picture.png.svg~ ] || fail "the SVG is left behind"
fi

# ---- what is wrong: where, and the cure ----
expect 1 "$ENGRAM" forecast absent.csv
says "absent.csv"
expect 1 "$ENGRAM" forecast months.csv --target Sale
says "has no column 'Sale'; it has Sales, Open, Note. Is it 'Sales'?"
sed '7s/,[0-9.]*,/,12x,/' months.csv >bad.csv
expect 1 "$ENGRAM" forecast bad.csv --target Sales
says "bad.csv:7: '12x' in the column 'Sales' is no number; correct it, or say --missing 12x"
expect 0 "$ENGRAM" forecast bad.csv --target Sales --missing 12x --model naive --horizon 2
says "1 values are missing"
sed '9s/^2001-08/2001-06/' months.csv >back.csv
expect 1 "$ENGRAM" forecast back.csv --target Sales
says "back.csv:9: the time in the column 'Month' is earlier than that of line 8"
sed '9s/^2001-08/2001-07/' months.csv >twice.csv
expect 1 "$ENGRAM" forecast twice.csv --target Sales
says "twice.csv:9: the time in the column 'Month' is the same as that of line 8"
expect 0 "$ENGRAM" forecast twice.csv --target Sales --rows --model naive --horizon 2
says "note: twice.csv:9: the time in the column 'Month' is the same as that of line 8"
says "time: the column Month; rows are steps"
sed '9s/^2001-08/soon/' months.csv >soon.csv
expect 1 "$ENGRAM" forecast soon.csv --target Sales --time Month
says "soon.csv:9: 'soon' in the column 'Month' is no time"
sed 's/,/;/g' months.csv >semicolons.csv
expect 1 "$ENGRAM" forecast semicolons.csv --target Sales
says "semicolons.csv:1: one column, 'Month;Sales"
says "say so with --separator semicolon"
expect 0 "$ENGRAM" forecast semicolons.csv --target Sales --separator semicolon --model naive --horizon 2
sed '9s/^/"/' months.csv >quote.csv
expect 1 "$ENGRAM" forecast quote.csv --target Sales
says "quote.csv:9"
says "quotation mark"
expect 1 "$ENGRAM" forecast months.csv --target Sales --horizon 60
says "a horizon of 60 steps, and 60 values"
says "take a horizon of 30 or less"
expect 1 "$ENGRAM" forecast months.csv --target Sales --origins 58 --horizon 4
says "take fewer"
awk -F, 'NR == 1 || $2 = "NA"' OFS=, months.csv >missing.csv
expect 1 "$ENGRAM" forecast missing.csv --target Sales
says "all 60 cells of the column 'Sales' are missing"
head -15 months.csv >short.csv
expect 1 "$ENGRAM" forecast short.csv --target Sales --period 12 --model 'arima(0,1,1)(0,1,1)12' --horizon 2
says "needs at least 18 values"
expect 1 "$ENGRAM" forecast short.csv --target Sales --period 12 --model 'arima(0,1,1)(0,1,1)12' --horizon 2 --json
[ ! -s out ] || fail "something was printed: $(head -c 200 out)"
printf 'a\n' >empty.csv
expect 1 "$ENGRAM" forecast empty.csv
says "names of columns, but no rows"
# constant: fitted exactly
awk 'BEGIN { print "v"; for (t = 0; t < 30; t++) print 7 }' >sevens.csv
expect 0 "$ENGRAM" forecast sevens.csv --model 'arima(1,0,0)c' --horizon 2 --json
says '"mean": 7'
says '"sigma2": 0'

done_testing
