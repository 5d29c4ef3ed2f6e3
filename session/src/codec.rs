//! Codecs of blocks: LZ4 and Zstandard, both ways.
