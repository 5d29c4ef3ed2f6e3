# The same recipes that `.ci/run` runs, one by one. `just` alone lists them.

_list:
    @just --list

# Runs everything that must hold before a change lands.
ci:
    .ci/run

# Runs every test but the loom models.
test:
    cargo test --workspace
    cargo test -p stenolog-ringbuf --all-features

# Every interleaving of the rings' protocols.
loom:
    RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p stenolog-ringbuf --profile loom --test loom

# The rings' stress tests under ThreadSanitizer, if there is a nightly toolchain.
tsan:
    .ci/tsan

# The queues in a program without the standard library.
no-std:
    .ci/no-std

# The packages on other targets; those that rustup cannot add are skipped.
targets *targets:
    .ci/targets {{targets}}

# The packages with the oldest compilers that they name.
msrv:
    .ci/msrv

# Licences, sources and advisories of the dependencies, if there is a cargo-deny.
deny:
    .ci/deny

# The house rules that no compiler checks: sizes, arrows, wording, links.
tidy:
    cargo test -p stenolog-tests --test tidy

# Whether the loom models can fail: weakens the protocol at one place at a time.
weaken:
    .ci/weaken

# Compares the code of the hot path with logger/assembly; `just assembly --bless` replaces it.
assembly *options:
    .ci/assembly {{options}}

# Kills COUNT logging processes at random moments, and walks through the drain's steps for as long.
kills count:
    cargo build -p stenolog-cli
    STENOLOG_KILLS={{count}} cargo test -p stenolog-tests --test kill -- --nocapture

# A long run of a fuzz target (block, dump, ring_file, template); needs nightly and cargo-fuzz.
# Findings go to fuzz/target/corpus and fuzz/artifacts: keep the best in fuzz/corpus.
fuzz target seconds="1800":
    mkdir -p fuzz/target/corpus/{{target}}
    cargo +nightly fuzz run --fuzz-dir fuzz {{target}} \
        fuzz/target/corpus/{{target}} fuzz/corpus/{{target}} -- \
        -max_total_time={{seconds}} -max_len=2048 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1

# Writes the fuzz targets' seeds into fuzz/corpus, before a long run.
seeds:
    cargo run -p stenolog-tests --example write_seeds

# Lints, warnings denied.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The documentation, as docs.rs will show it.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Measures all figures of benches/README.md and writes them there. Nothing else should run meanwhile.
bench *options:
    cargo build --release -p stenolog-cli
    cargo run --release --manifest-path benches/Cargo.toml -p stenolog-bench -- \
        --readme benches/README.md --readme README.md {{options}}

# The rings beside others.
bench-rings:
    cargo run --release --manifest-path benches/Cargo.toml -p ring-bench

# Threads that log, and their dump as text.
quickstart:
    cargo run --release --example quickstart
