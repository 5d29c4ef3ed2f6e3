//! The held-open ring directory and its safe opening.
