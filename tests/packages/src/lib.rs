//! Package of tests: see `tests/`.
