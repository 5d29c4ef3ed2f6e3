//! Names, user words and limits of what a run leaves on disk.
