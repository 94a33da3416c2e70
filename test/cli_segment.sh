#!/bin/sh
# Segmentation by command: masks as a labelling tool exports them (colours and a list of classes), answers judged by a script of its own, what
# is cut out of pictures and films, films frame by frame, and what is said of those that are broken. Films of colours need no learning: a
# network of one 1x1 convolution tells bright from dark.
. test/cli_helpers

command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
python3 - <<-'END'
	import os, random, struct, zlib
	def chunk(kind, body):
	    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
	rng, w, h = random.Random(3), 16, 12
	def picture(x, y, size):
	    inside = [[x <= c < x + 5 and y <= r < y + 4 for c in range(size[0])] for r in range(size[1])]
	    return inside, bytes((190 if v else 60) + rng.randrange(20) for row in inside for v in row for c in range(3))
	def ppm(path, pixels, size=(w, h)):
	    with open(path, "wb") as f:
	        f.write(b"P6\n%d %d\n255\n" % size + pixels)
	for part, n in ("train", 12), ("val", 4), ("test", 4):
	    os.makedirs("spots/" + part)
	    os.makedirs("spots/" + part + "annot")
	    for i in range(n):
	        inside, pixels = picture(rng.randrange(w - 5), rng.randrange(h - 4), (w, h))
	        ppm("spots/%s/%02d.ppm" % (part, i), pixels)
	        body = b"".join(b"\0" + b"".join(b"\x80\x40\x20" if v else b"\0\0\0" for v in row) for row in inside)
	        with open("spots/%sannot/%02d.png" % (part, i), "wb") as f:
	            f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
	                    + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))
	os.mkdir("film")
	raw = b""
	for t in range(5):
	    inside, pixels = picture(2 * t, t, (w, h))
	    ppm("film/%d.ppm" % (8 + t), pixels) # 8, 9, 10: by number
	    raw += pixels
	open("film.rgb", "wb").write(raw)
	os.mkdir("changing")
	for t in range(2):
	    ppm("changing/%d.ppm" % t, picture(1, 1, (w + t, h))[1], (w + t, h))
END
printf '0 0 0 ground\n128 64 32 spot\n' >label_colors.txt
cat >spots.yaml <<-END
	name: spots
	task: segment
	data: {source: masks, path: spots, class_list: label_colors.txt}
	input: [3, height, width]
	model: [{conv: {filters: classes, kernel: 1}}]
	train: {loss: {cross_entropy: {class_weights: median_frequency}}, optimizer: {adam: {lr: 5.0e-2}}, batch: 4, epochs: 12, seed: 1}
END
expect 0 "$ENGRAM" train spots.yaml -q
expect 0 "$ENGRAM" eval spots.safetensors --json
says '"miou": 1,'
says '"absent": []'
cp out judged
expect 0 "$ENGRAM" predict spots.safetensors --split test --truth --json
cp out rows
expect 0 python3 "$source/test/interop/segments.py" rows judged

# The worst pictures of a part, and a page of them; a mask that is wrong is the worst.
cp spots/testannot/00.png kept.png && cp spots/testannot/01.png spots/testannot/00.png
expect 0 "$ENGRAM" eval spots.safetensors --worst 3 -o worst.html --json
says '"worst": [{"id": "test/00.ppm", "miou": 0.'
grep -q 'as the model sees it' worst.html || fail "the page does not show what the model sees"
expect 0 "$ENGRAM" eval spots.safetensors --worst 1
says 'ground for spot'
mv kept.png spots/testannot/00.png

# Without a test part the cure is told.
mkdir aside && mv spots/test spots/testannot aside
expect 1 "$ENGRAM" eval spots.safetensors
says "or judge by those that were kept aside in training (--split validation)"
expect 0 "$ENGRAM" eval spots.safetensors --split validation
mv aside/* spots

# ---- films ---------------------------------------------------------------------------------------------------------

# A folder as Y4M, with everything kept; then as what is asked of it in all ways.
expect 0 "$ENGRAM" segment spots.safetensors film --of spot --of ground -o film.y4m --rate 12
says "5 frames"
[ "$(head -n 1 film.y4m)" = "YUV4MPEG2 W16 H12 F12:1 Ip A1:1 C444" ] || fail "head: $(head -n 1 film.y4m)"
answers() { grep -o '"runs": .*' out; }
expect 0 "$ENGRAM" predict spots.safetensors --json film
answers >as_pictures
for way in y4m stdin raw; do
	case $way in
	y4m) "$ENGRAM" predict spots.safetensors --json film.y4m >out ;;
	stdin) "$ENGRAM" predict spots.safetensors --json - <film.y4m >out ;;
	raw) "$ENGRAM" predict spots.safetensors --json --size 16x12 - <film.rgb >out ;;
	esac || fail "$way: exit code"
	grep -c '"frame": 4' out | grep -q '^1$' || fail "$way: the last frame is not number 4"
	[ "$(answers | wc -l)" = 5 ] || fail "$way: $(answers | wc -l) answers"
done
answers >as_raw # in the order of the numbers in names, where a folder of pictures is in that of bytes: 10, 11, 12, 8, 9
sed -n '4,5p' as_pictures >ordered && sed -n '1,3p' as_pictures >>ordered
same ordered as_raw
expect 0 "$ENGRAM" predict spots.safetensors film.y4m -o coloured
[ "$(find coloured -name 'film-00000*.png' | wc -l)" = 5 ] || fail "coloured frames: $(ls coloured)"

# What is cut out is opaque: 5 x 4 pixels a frame; the background of a Y4M is what was asked for.
expect 0 "$ENGRAM" segment spots.safetensors film --of spot -o cut --json
says '"pixels": 100'
says '"frames_with": 5'
python3 - <<-'END' || fail "what was cut out is not the spot"
	import struct, zlib
	data, at, packed = open("cut/film-000002.png", "rb").read(), 8, b""
	w, h, bits, kind = struct.unpack(">IIBB", data[16:26])
	assert (w, h, bits, kind) == (16, 12, 8, 6), (w, h, bits, kind)
	while at < len(data):
	    n, name = struct.unpack(">I4s", data[at:at + 8])
	    packed += data[at + 8:at + 8 + n] if name == b"IDAT" else b""
	    at += 12 + n
	rows, before, alpha = zlib.decompress(packed), bytearray(4 * w), 0
	for y in range(h):
	    kind, row = rows[y * (4 * w + 1)], bytearray(rows[y * (4 * w + 1) + 1:(y + 1) * (4 * w + 1)])
	    for i in range(4 * w):
	        a, b, c = row[i - 4] if i > 3 else 0, before[i], before[i - 4] if i > 3 else 0
	        p = a + b - c
	        near = a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c
	        row[i] = (row[i] + [0, a, b, (a + b) // 2, near][kind]) & 255
	    for x in range(w):
	        kept = 4 <= x < 9 and 2 <= y < 6
	        assert row[4 * x + 3] == (255 if kept else 0), (x, y)
	        assert (row[4 * x] > 150) == kept
	    before = row
END
expect 0 "$ENGRAM" segment spots.safetensors film.y4m --of spot -o green.y4m --background 00ff00
expect 0 "$ENGRAM" segment spots.safetensors film/8.ppm -o one.png
says "one.png: 1 picture"
[ -s one.png ] || fail "no picture"

# ---- what is broken ------------------------------------------------------------------------------------------------

expect 1 "$ENGRAM" segment spots.safetensors changing --of spot -o changing.y4m
says "'changing/1.ppm', frame 1: it is 12 x 17 (height, width), but the frames before it are 12 x 16"
[ ! -e changing.y4m ] || fail "half a film was left"
head -c 900 film.y4m >short.y4m
expect 1 "$ENGRAM" predict spots.safetensors --json short.y4m
says '"frame": 0'
says "frame 1: it is cut off"
expect 1 "$ENGRAM" segment spots.safetensors film --of spt -o x.y4m
says "the model knows no class 'spt'; did you mean 'spot'?"
expect 1 "$ENGRAM" segment spots.safetensors film --of spot -o x.png
says "a film does not fit into one picture"
expect 1 "$ENGRAM" segment spots.safetensors film/8.ppm -o x.y4m
says "is one picture"
expect 2 "$ENGRAM" segment spots.safetensors film
says "say with -o where to"
expect 2 "$ENGRAM" predict spots.safetensors --size 16 -
says "--size is WIDTHxHEIGHT"
printf '0 0 0 ground\n128 64 33 spot\n' >label_colors.txt
expect 1 "$ENGRAM" train spots.yaml -q
says "has the colour 804020, which no class has; the nearest is 804021, 'spot'"

done_testing
