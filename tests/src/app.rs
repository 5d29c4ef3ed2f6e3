//! The program of `README.md`, which has no room for this line.

include!("app/program.rs");
