# The short way in. `make` builds; every other target does the set-up it needs first (tools/setup.sh).

BUILD     ?= build
PREFIX    ?= /usr/local
VENV      ?= .venv
JOBS      ?= $(shell nproc 2>/dev/null || echo 2)
CMAKEFLAGS ?=
BENCH     ?=
BENCH_JSON ?= $(BUILD)/bench.json
PEERS     ?= torch,inductor,iree
TENSORFLOW ?= 2.21.0

PY        := $(VENV)/bin/python
CMAKE     := cmake -G Ninja $(CMAKEFLAGS)
NINJA     := ninja -j $(JOBS)
SETUP     := VENV=$(VENV) tools/setup.sh
QUICK     := -L quick
C_FILES    = $(shell git ls-files --cached --others --exclude-standard "*.c" "*.h")

.DEFAULT_GOAL := all
.PHONY: all everything setup run check check-abi check-full check-jax-versions check-plugins check-torchax check-torch-xla check-tensorflow tensorflow-adapter san tsan small bench bench-quick bench-check bench-peers bench-wide bench-sweep bench-plot bench-limits bench-host bench-rpc install wheel format \
        format-check tidy fuzz clean help

all: ## build the plugin, libpjrt, pjrt and pjrt-suite in build/ (no set-up, no network)
	@command -v cmake >/dev/null && command -v ninja >/dev/null || { tools/setup.sh --list build; exit 1; }
	@$(CMAKE) -S . -B $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }; mv $(BUILD).log $(BUILD)/cmake.log
	@$(NINJA) -C $(BUILD) products

everything: all
	@$(NINJA) -C $(BUILD)

setup: ## install what build, tests and example need: Debian packages (as root) and .venv
	@$(SETUP) build check python

run: ## the main job: train on the plugin with JAX, compare with XLA, classify again from C
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) examples/digits/run.py --build $(BUILD)

check: ## unit tests and Python tests that take about a minute
	@$(SETUP) build check python
	@$(MAKE) --no-print-directory everything
	@PY=$(PY) tools/check.sh $(BUILD) quick

check-full: ## all tests, also the slow ones and the StableHLO suite
	@$(SETUP) build check python
	@$(MAKE) --no-print-directory everything
	@PY=$(PY) tools/check.sh $(BUILD) full

check-abi: ## compare our ABI headers with upstream's (PJRT_UPSTREAM_HEADER, else downloads 290 MB once)
	@header=$${PJRT_UPSTREAM_HEADER:-$$(tools/fetch-upstream-header $(BUILD)/upstream)} && \
	  python3 tests/abi/abi_table.py compare "$$header"

.PHONY: check-jax-apps bench-jax-apps
check-jax-apps: ## programs of Flax, Equinox, diffrax, NumPyro, Brax ... once each, results against XLA's CPU (downloads 450 MB into .venv-jax-apps)
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@PY=$(PY) tools/jax-apps-env $(VENV)-jax-apps $(BUILD)
	@$(VENV)-jax-apps/bin/python bench/jax_apps.py --check $(BENCH)

check-jax-versions: ## run the JAX smoke test on each supported JAX release (downloads 150 MB each, one after another, and deletes them)
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) tools/check_jax_versions.py --build $(BUILD)

check-plugins: ## other people's plugins without their hardware: tests and the ahead-of-time matrix (downloads 0.6 GB, keeps 1.8 GB in build/plugins)
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) tools/plugin_matrix.py --build $(BUILD) --json $(BUILD)/plugins.json
	@PJRT_BUILD=$(BUILD) $(PY) -m pytest -q -rs tests/python/test_plugins.py -o cache_dir="$(BUILD)/.pytest_cache"

.PHONY: check-amx
check-amx: ## products by tiles (AMX) in Bochs, on an emulated Sapphire Rapids (as root; downloads 60 MB, builds Bochs once, 10 minutes)
	@$(SETUP) build check
	@$(MAKE) --no-print-directory all
	@$(NINJA) -C $(BUILD) routine_tiles_test
	@tools/check-amx $(BUILD)

check-torchax: ## train through torchax on the plugin and compare with JAX's CPU (downloads 400 MB, keeps 1.4 GB in .venv-torchax)
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@VENV=$(VENV) BUILD=$(BUILD) tools/framework_venv.sh torchax
	@PYTHONPATH=python $(VENV)-torchax/bin/python -m pytest -q tests/torchax -o cache_dir="$(BUILD)/.pytest_cache"

check-torch-xla: ## the plugin as a device of torch_xla 2.9.0, compared with its CPU client (downloads 1 GB, keeps 2.2 GB in .venv-torch-xla)
	@$(SETUP) build check python
	@$(MAKE) --no-print-directory all
	@VENV=$(VENV) BUILD=$(BUILD) tools/framework_venv.sh torch_xla
	@PYTHONPATH=python $(VENV)-torch-xla/bin/python -m pytest -q tests/torch_xla -o cache_dir="$(BUILD)/.pytest_cache"

check-tensorflow: ## TensorFlow on the plugin, compared with its CPU (downloads 400 MB, keeps 1.8 GB in .venv-tensorflow)
	@$(SETUP) build
	@$(MAKE) --no-print-directory all tensorflow-adapter
	@$(VENV)-tensorflow/bin/python -m pytest -q tests/tensorflow -o cache_dir="$(BUILD)/.pytest_cache"

tensorflow-adapter: ## the C++ that TensorFlow wants, against the headers in its wheel, in build/tensorflow/; TENSORFLOW=2.21.0
	@VENV=$(VENV) BUILD=$(BUILD) TENSORFLOW=$(TENSORFLOW) tools/tensorflow_venv.sh

check-torch: ## PyTorch: torch.compile(backend="libpjrt") (downloads 200 MB into .venv-torch); TORCH=2.12.0 for another version
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@tools/torch_venv.sh $(VENV)-torch$(TORCH:%=-%) $(TORCH)
	@PJRT_BUILD=$(BUILD) $(VENV)-torch$(TORCH:%=-%)/bin/python -m pytest -q tests/torch -o cache_dir="$(BUILD)/.pytest_cache"

.PHONY: bench-torch check-torch

san: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, in build-san/
	@$(SETUP) build check
	@$(MAKE) --no-print-directory everything BUILD=build-san CMAKEFLAGS="-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPJ_SAN=address,undefined"
	@tools/check.sh build-san san

tsan: ## unit tests under ThreadSanitizer, in build-tsan/
	@$(SETUP) build check
	@$(MAKE) --no-print-directory everything BUILD=build-tsan CMAKEFLAGS="-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPJ_SAN=thread"
	@tools/check.sh build-tsan san

small: ## the plugin without LLVM, for few bytes, and its quick unit tests, in build-small/
	@$(SETUP) build check
	@$(MAKE) --no-print-directory everything BUILD=build-small CMAKEFLAGS=-DPJRT_LLVM=OFF
	@tools/check.sh build-small units

bench: ## compare with XLA's CPU in turn, worst cases first, about 20 minutes; BENCH="--filter loop" and other options
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) bench/bench.py --build $(BUILD) --json $(BUILD)/bench.json $(BENCH)

bench-quick: ## the same for fewer programs, three minutes
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) bench/bench.py --quick --build $(BUILD) --json $(BUILD)/bench-quick.json $(BENCH)

bench-check: ## the bench's programs once, compared with XLA's answers, on 1, 2 and 5 threads; no timing
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) bench/check.py --build $(BUILD) --threads 1,2,5 $(BENCH)

bench-peers: ## bench with torch, torch.compile and IREE beside (downloads about 300 MB into .venv-peers); PEERS=iree for one
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@test -x $(VENV)-peers/bin/python || $(PY) -m venv $(VENV)-peers
	@$(VENV)-peers/bin/python -m pip install -q --disable-pip-version-check -r bench/peers.txt
	@$(PY) bench/bench.py --build $(BUILD) --json $(BUILD)/bench-peers.json --peers $(PEERS) \
	  --peers-python $(VENV)-peers/bin/python $(BENCH)

bench-sweep: ## products of 200 shapes in f32, f64, bf16 and i8 against torch and OpenBLAS, about 10 minutes: table, build/sweep.json, plots
	@$(SETUP) build
	@$(MAKE) --no-print-directory all
	@test -x $(VENV)-peers/bin/python || python3 -m venv $(VENV)-peers
	@$(VENV)-peers/bin/python -m pip install -q --disable-pip-version-check -r bench/sweep/requirements.txt
	@$(VENV)-peers/bin/python bench/sweep/sweep.py --build $(BUILD) --peers-python $(VENV)-peers/bin/python --json $(BUILD)/sweep.json $(BENCH)
	@$(VENV)-peers/bin/python bench/sweep/plot.py $(BUILD)/sweep.json

bench-wide: ## two thousand functions from all over JAX, values and gradients, in turn with XLA, worst first, about 30 minutes; BENCH="--filter sort"
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) bench/wide.py --build $(BUILD) --json $(BUILD)/wide.json $(BENCH)

bench-plot: ## draw build/bench.json (BENCH_JSON): ratios of run and compile by tag, as PNG and SVG beside it
	@$(SETUP) python
	@test -x $(VENV)-plot/bin/python || $(PY) -m venv $(VENV)-plot
	@$(VENV)-plot/bin/python -m pip install -q --disable-pip-version-check matplotlib==3.11.2
	@$(VENV)-plot/bin/python bench/plot.py $(BENCH_JSON)

bench-rpc: ## the same calls through a gRPC server on loopback and directly, about 3 minutes: table, build/rpc.json, plots (downloads 60 MB into .venv-rpc)
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@test -x $(VENV)-rpc/bin/python || $(PY) -m venv $(VENV)-rpc
	@$(VENV)-rpc/bin/python -m pip install -q --disable-pip-version-check -r bench/rpc/requirements.txt
	@$(VENV)-rpc/bin/python bench/rpc/bench.py --build $(BUILD) --json $(BUILD)/rpc.json $(BENCH)
	@$(VENV)-rpc/bin/python bench/rpc/plot.py $(BUILD)/rpc.json

bench-torch: ## torch.compile: backend libpjrt against eager mode and Inductor (g++), in turn, about 10 minutes; BENCH="--filter GPT"
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@tools/torch_venv.sh $(VENV)-torch
	@$(VENV)-torch/bin/python bench/torch_compile.py --json $(BUILD)/bench-torch.json $(BENCH)

bench-host: ## what one execution through libpjrt costs over the bare C API, in nanoseconds
	@$(SETUP) build
	@$(MAKE) --no-print-directory all
	@$(NINJA) -C $(BUILD) bench-host
	@$(BUILD)/bench-host $(BUILD)/pjrt_plugin_cpu.so

bench-limits: ## what this machine can do at most: memory bandwidth, multiply-adds, hand-over between threads
	@$(SETUP) build
	@$(MAKE) --no-print-directory all
	@$(NINJA) -C $(BUILD) bench-limits
	@$(BUILD)/bench-limits

bench-jax-apps: ## the programs of check-jax-apps with times to run and to compile, in turn with XLA, worst first, about 40 minutes
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@PY=$(PY) tools/jax-apps-env $(VENV)-jax-apps $(BUILD)
	@$(VENV)-jax-apps/bin/python bench/jax_apps.py --json $(BUILD)/jax-apps.json --markdown $(BUILD)/jax-apps.md $(BENCH)

install: all ## install under PREFIX (default /usr/local); DESTDIR is obeyed
	@cmake --install $(BUILD) --prefix $(PREFIX)

wheel: ## build the pip package with the plugin inside, in dist/
	@$(SETUP) build python
	@$(MAKE) --no-print-directory all
	@$(PY) tools/make_wheel.py --build $(BUILD) --out dist

format: ## lay out all C code with clang-format
	@$(SETUP) format
	@clang-format -i $(C_FILES)

format-check: ## say which files clang-format would change
	@$(SETUP) format
	@clang-format --dry-run --Werror $(C_FILES)

tidy: ## clang-tidy over all C code
	@$(SETUP) build tidy
	@$(MAKE) --no-print-directory everything
	@run-clang-tidy -quiet -p $(BUILD) -j $(JOBS) "$(CURDIR)/(src|cli|tests)/.*"

fuzz: ## build the libFuzzer targets (clang), in build-fuzz/; FUZZ_SECONDS=60 runs each that long
	@$(SETUP) build fuzz
	@CC=clang $(CMAKE) -S . -B build-fuzz -DPJ_FUZZ=ON -DPJ_TESTS=OFF -DPJ_WERROR=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	@$(NINJA) -C build-fuzz fuzzers
	@if [ -n "$(FUZZ_SECONDS)" ]; then tools/fuzz.sh build-fuzz $(FUZZ_SECONDS); fi

clean: ## remove all build folders (not .venv)
	rm -rf build build-san build-tsan build-fuzz dist out

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20
