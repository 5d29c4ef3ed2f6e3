//! Programs of other crates, which log into a dump after a change of their set-up alone: see `tests/`.
