//! The writer's lock on a file, and whether its holder is alive.
