//! Writer of the fuzz targets' seeds into their corpora, to be run before a long run of fuzzing.

use std::path::Path;
use std::{fs, io};

use stenolog_tests::fuzz::seeds;

fn main() -> io::Result<()> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (target, name, bytes) in seeds() {
        fs::create_dir_all(corpora.join(target))?;
        fs::write(corpora.join(target).join(name), bytes)?;
    }
    Ok(())
}
