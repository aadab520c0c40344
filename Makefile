# The front door: every target is a line into cargo or hack. `make` alone lists them.
CARGO ?= cargo
HACK  := $(CARGO) run --quiet --package hack --
# Random histories and cases per property in `make soak`; `make test` runs a few hundred.
SEEDS ?= 20000
# Random histories of `make histories`: 24 s in the dev profile.
HISTORIES ?= 10000
# Inputs per fuzz target in `make soak`.
RUNS  ?= 1000000
# Shapes (all of the default set where it is empty) and rounds of `make bench`.
SHAPE  ?=
ROUNDS ?= 3
# The case of `make flame`.
CASE  ?= classes-1000
# More arguments for demo and the benches: make demo ARGS="--nodes=2000 --keep"
ARGS  ?=

.PHONY: help fmt lint rustfmt test histories tidy generate verify deny demo e2e bench bench-bars bench-engine flame fuzz soak image release controlplane

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a cluster in a process, Jobs on it, and a picture in the terminal; under a minute
	$(CARGO) run --release --package berth -- demo $(ARGS)

test: ## every test that needs no cluster
	$(CARGO) test --workspace
	$(CARGO) test --package berth --features heap-profile --lib -- serve::heap

histories: ## random histories by rankings and by the plain scan, which must be equal; half a minute
	BERTH_SEEDS=$(HISTORIES) $(CARGO) test --package berth-plugins --test rankings -- --nocapture

fmt: ## format all code
	$(CARGO) fmt --all

lint: rustfmt ## formatting and clippy, warnings are errors
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --package berth --no-default-features -- -D warnings

verify: ## tidy, generated files, dependency rules, licences, each package by itself, instructions
	$(HACK) verify

tidy: ## sizes, names, words, headers, module edges: seconds
	$(HACK) tidy

generate: ## write the generated files anew
	$(HACK) generate

deny: ## bans, licences, sources and, where reachable, advisories, by cargo-deny
	$(HACK) deny

e2e: release controlplane ## tests on a real etcd and Kubernetes; the first build takes 14 min
	$(CARGO) test --package e2e --no-fail-fast -- --ignored --test-threads=1 --nocapture

bench: release $(if $(SHAPE)$(BERTH_BENCH_SHAPE)$(filter --list --report-only,$(ARGS)),,bench-bars) ## every bar's figure; both schedulers on one real control plane: SHAPE=plain ROUNDS=1
	$(CARGO) run --release --package e2e --bin bench -- --rounds=$(ROUNDS) $(if $(SHAPE),--shape=$(SHAPE)) $(ARGS)

bench-engine: ## the engine alone: decisions a second and memory, 1,000 to 1,000,000 nodes; ARGS=--help
	$(CARGO) bench --package berth-plugins --bench engine -- $(ARGS)

# The engine's figures that have bars, where this build has not measured them on this machine.
bench-bars:
	$(CARGO) bench --package berth-plugins --bench engine -- --missing --case=bars --threads=1 --seconds=5 --rounds=3
	$(CARGO) bench --package berth-plugins --bench engine -- --missing --case=record
	$(CARGO) bench --package berth-plugins --bench engine -- --missing --case=crowds

flame: ## where the engine's time goes, as target/flame.svg: make flame CASE=mixed
	$(CARGO) bench --package berth-plugins --bench engine -- --flame=$(CURDIR)/target/flame.svg --case=$(CASE) --nodes=5000 --threads=1 --seconds=3

fuzz: ## the decoders' fuzz corpus again, then 60 s of new inputs each; needs a C++ compiler
	$(HACK) fuzz --seconds 60

soak: ## properties and fuzzing for longer: make soak SEEDS=1000000 RUNS=10000000
	BERTH_SEEDS=$(SEEDS) PROPTEST_CASES=$(SEEDS) $(CARGO) test --release --package berth-engine --package berth --lib --test properties
	BERTH_SEEDS=$(SEEDS) $(CARGO) test --release --package berth-plugins --test metamorphic --test properties --test rankings
	$(HACK) fuzz --runs $(RUNS)

rustfmt:
	$(CARGO) fmt --all --check

image: ## the container image as an OCI archive with digest and SBOM, in target/image; on Debian
	$(HACK) image

release:
	$(CARGO) build --release --package berth

controlplane:
	$(CARGO) run --quiet --package e2e --bin controlplane -- build
