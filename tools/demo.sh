#!/bin/sh
# `make demo`: trains LeNet-5 on Fashion-MNIST and shows how well it does. Every line it runs can be typed by hand.
set -eu
cd "$(dirname "$0")/.."
model=build/lenet5.safetensors

run() {
	printf '\n$ %s\n' "$*"
	"$@"
}

run build/engram data get fashion-mnist
run build/engram train recipes/lenet5.yaml -o "$model"
run build/engram eval "$model"

cat <<END

The model lies in $model: one file with weights, class names and the recipe it was trained by.
What to type next:
  build/engram predict $model picture.png        what is on a picture (PNG, JPEG, PGM)
  build/engram info $model                       its layers, shapes, parameters and memory
  build/engram train recipes/lenet5.yaml --set data.source=mnist -o build/mnist.safetensors
                                                 the same network on handwritten digits
  build/engram data get tinyshakespeare && build/engram train recipes/char-lstm.yaml
                                                 a network that writes plays
  build/engram --help                            everything else
END
