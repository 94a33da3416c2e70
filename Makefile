# A thin front for the commands people type. CMake does the work: CMakeLists.txt, CMakePresets.json.

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=
CMAKE_ARGS ?=
FUZZ_SECONDS ?= 60
BENCH_ARGS ?=

# CMake's own make must not inherit ours.
cmake := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES cmake
ctest := ctest --output-on-failure -j $(JOBS)
# $(call configure,PRESET)
configure = @command -v cmake >/dev/null || { echo "cmake is missing: run tools/setup" >&2; exit 1; }; \
	$(cmake) --preset $(1) -Wno-dev --log-level=WARNING $(CMAKE_ARGS) >/dev/null
# $(call compile,FOLDER[,TARGETS]): quiet when there is nothing to do
compile = @$(cmake) --build $(1) --parallel $(JOBS) $(if $(2),--target $(2)) -- --no-print-directory

.NOTPARALLEL:
.DEFAULT_GOAL := all

all: ## build the program, the libraries and the tests (this is plain `make`)
	$(call configure,release)
	$(call compile,build)

demo: ## install what is missing, build, train LeNet-5 on Fashion-MNIST, show how well it does
	@tools/setup
	$(call configure,release)
	$(call compile,build,engram)
	@tools/demo.sh

test: ## install what is missing, build, run all tests; then the gradient checks in double precision
	@tools/setup
	$(call configure,release)
	$(call compile,build)
	@cd build && $(ctest)
	@$(MAKE) --no-print-directory check-double

check-double: ## the generic op tester, and gradients of a residual network, in double precision
	$(call configure,double)
	$(call compile,build-double,optest test_resnet)
	@cd build-double && $(ctest) -R '^(optest(-2)?|test_resnet)$$'

check-asan: ## all tests under the address and undefined behaviour sanitizers
	$(call configure,asan)
	$(call compile,build-asan)
	@cd build-asan && $(ctest)

check-tsan: ## the tests that use threads under the thread sanitizer
	$(call configure,tsan)
	$(call compile,build-tsan,threaded_tests)
	@cd build-tsan && if setarch -R true 2>/dev/null; then fixed="setarch -R"; fi; $$fixed $(ctest) -L threads

# Under qemu a multiply-add takes as long as a hundred: those tests that compute with kernels, and of those only NEON's part.
neon_tests := '^(test_base|test_team|test_kern.*|test_session|optest-neon.*)$$'
neon_programs = test_base test_team test_session optest $(basename $(notdir $(wildcard test/test_kern*.c)))

check-neon: ## kernels for 64-bit ARM: built by a cross compiler, tested under qemu
	@command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null || \
		{ echo "the cross compiler or qemu is missing: run tools/setup --ci" >&2; exit 1; }
	@tools/cross/sysroot build-neon/sysroot
	$(call configure,neon)
	$(call compile,build-neon,$(neon_programs))
	@cd build-neon && ENGRAM_ISA=neon $(ctest) -R $(neon_tests)

deepbench := $(wildcard bench/suites/deepbench-*.txt)

bench: ## engram and the engines that this machine has beside it: small problems, networks, convolutions and some recurrence of DeepBench, into docs/benchmarks.md; about half an hour
	$(call configure,release)
	$(call compile,build,engram)
	@rm -f build/answers.jsonl
	@bench/compare -f bench/suites/small.txt -f bench/suites/nets.txt --seconds 0.2 --rounds 2 --raw build/answers.jsonl $(BENCH_ARGS)
	@bench/compare $(patsubst %,-f %,$(filter %-conv-inference-server.txt %-conv-training.txt,$(deepbench))) --seconds 0.1 --rounds 1 --raw build/answers.jsonl $(BENCH_ARGS)
	@bench/compare $(patsubst %,-f %,$(filter %-rnn-inference-server.txt %-rnn-training.txt,$(deepbench))) --sample 5 --seconds 0.2 --rounds 1 --raw build/answers.jsonl $(BENCH_ARGS)
	@bench/compare --from build/answers.jsonl --markdown docs/benchmarks.md >/dev/null

bench-all: ## the same on all problems: hours
	$(call configure,release)
	$(call compile,build,engram)
	@bench/compare --markdown docs/benchmarks.md $(BENCH_ARGS)

bench-kernels: ## single kernels: the programs in bench/
	$(call configure,release)
	$(call compile,build)
	@for b in build/bench/bench_*; do if [ -f "$$b" ] && [ -x "$$b" ]; then echo "== $$b"; "$$b" || exit 1; fi; done

lint: ## include directions, style and clang-tidy
	$(call configure,release)
	@tools/layers
	@tools/style
	@tools/tidy build

fuzz: ## run every fuzz target for FUZZ_SECONDS (60), starting from test/corpus; needs clang
	$(call configure,fuzz)
	$(call compile,build-fuzz)
	@tools/fuzz build-fuzz $(FUZZ_SECONDS)

docs: all ## write what is generated from the program's own tables
	@tools/docs build

install: ## install below PREFIX (/usr/local), which DESTDIR may precede
	$(call configure,release)
	$(call compile,build)
	@$(cmake) -E env DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)" --strip
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig 2>/dev/null || /sbin/ldconfig; fi

clean: ## remove everything that was built
	rm -rf build build-debug build-asan build-tsan build-double build-fuzz build-clang build-neon

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: all demo test check-double check-asan check-tsan check-neon bench bench-all bench-kernels lint fuzz docs install clean help
