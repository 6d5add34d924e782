# Every chore has a name. `just` alone lists them.

default:
    @just --list

# What CI runs, in its order.
ci:
    bash .ci/run

# Fast feedback while writing.
check:
    cargo check --workspace --all-targets

# The whole test suite, as in the README.
test:
    bash tests/servers/install
    bash tests/kubernetes/build
    cargo test --workspace --locked

# Each behaviour on the simulator and on ministack, beside what AWS documents.
servers:
    bash tests/servers/install
    cargo build -q --example deploy
    cargo test -q --test servers -- --nocapture behaviours

# A Kubernetes API server with its controllers and a node that kwok plays, for people. Prints the kubeconfig.
cluster FOLDER="target/cluster":
    bash tests/kubernetes/build
    cargo run -q -p landfall-eks --example cluster -- {{FOLDER}}

# Every kill of the crash matrix: single, twice, throttled, with stale reads, without the journal. NAME chooses rows.
crash-matrix NAME="":
    cargo build --example deploy --locked
    cargo test --test crash --test crash-all --locked -- --nocapture --test-threads 1 {{NAME}}
    cargo test -p landfall-eks --test release-crash-all --locked -- --nocapture {{NAME}}

# Formatting and lints; warnings are errors.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The facade with each of its features alone.
features:
    for feature in "" auth ecs ec2-cfn eks steps full; do cargo check -p landfall --no-default-features --features "$feature"; done

# Documentation; warnings are errors.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Licences, bans and sources of all dependencies.
deny:
    cargo deny check licenses bans sources

# Writes the published schemas of the event stream and of the report of a pipeline anew.
schema:
    cargo run -q -p landfall-core --example event-schema > docs/events.schema.json
    cargo run -q -p landfall-core --example report-schema > docs/report.schema.json

# Writes docs/causes.md, docs/ec2-causes.md and docs/eks-bad-input.md anew: every failure with what landfall says. Takes seconds.
causes:
    cargo run -q -p landfall-ecs --example causes > docs/causes.md
    cargo run -q --example ec2_causes > docs/ec2-causes.md
    cargo run -q -p landfall-eks --example bad_input > docs/eks-bad-input.md

# Fuzzes every target for so many seconds and prints executions, coverage and findings.
fuzz SECONDS="60" *TARGETS:
    fuzz/run {{SECONDS}} {{TARGETS}}

# The main job on the simulator.
demo *FLAGS:
    cargo run --example deploy -- ecs --simulate --cluster demo --service web --image web=registry.example.com/web:2.0 {{FLAGS}}

# Every scenario of the simulator with what is printed at its end, and its exit code. Takes about five minutes.
scenarios:
    #!/usr/bin/env bash
    cargo build -q --example deploy
    deploy=${CARGO_TARGET_DIR:-target}/debug/examples/deploy
    for name in $("$deploy" scenarios | cut -d ' ' -f 1 | grep -vx long); do
      printf '\n== %s\n' "$name"
      "$deploy" ecs --simulate --scenario "$name" --cluster demo --service web \
        --image web=registry.example.com/web:2.0 --timeout 45s 2>&1 |
        sed -n '/started: /,$p;/^REFUSED/,$p' | grep -v '(service web)'
      echo "exit code ${PIPESTATUS[0]}"
    done

# What it costs that 10,000 steps of a pipeline wait at once, without a journal and with one. Takes six minutes.
bench-pipeline STEPS="10000" SECONDS="180":
    #!/usr/bin/env bash
    set -euo pipefail
    ulimit -n "$(ulimit -H -n)"
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cargo build --release -q -p landfall-core --example bench-pipeline
    bench=${CARGO_TARGET_DIR:-target}/release/examples/bench-pipeline
    "$bench" {{STEPS}} {{SECONDS}}
    "$bench" {{STEPS}} {{SECONDS}} "$folder"

# Compares whole processes with other tools and measures what watching costs; see benches/README.md.
bench *FLAGS:
    python3 benches/run.py {{FLAGS}}

# A release of a stack, a bundle and a deployment on the simulator: its calls, and what takes place at once.
overlap:
    cargo run --release -q -p landfall-ec2-cfn --example overlap

# Packs and sends folders beside `aws deploy push` and `zip -r` + `aws s3 cp`; see benches/README.md.
bench-bundle *FLAGS:
    python3 benches/bundle.py {{FLAGS}}

# Deploys sets of Kubernetes objects beside kubectl and kapp to a real API server; see benches/README.md. Takes hours.
bench-kubernetes *FLAGS:
    python3 benches/kubernetes.py {{FLAGS}}

# How long after a rollout has become ready landfall says so: on the simulator's Kubernetes and on a real one. Takes minutes.
bench-verdict:
    bash tests/kubernetes/build
    cargo run --release -q -p landfall-eks --example verdict -- target/verdict
