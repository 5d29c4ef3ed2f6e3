//! One judgement of a ring of a dead writer against its dump.
