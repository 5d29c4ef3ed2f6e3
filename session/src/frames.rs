//! A walk over the frames of a dump, which resynchronizes after damage.
