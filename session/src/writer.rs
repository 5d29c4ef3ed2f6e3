//! `DumpWriter`: frames, dictionary, index and end of a dump.
