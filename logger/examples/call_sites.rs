//! Three call sites, whose assembly `.ci/assembly` keeps in `logger/assembly`, so what a change
//! does to the hot path is seen where it is reviewed.

use std::hint::black_box;

use stenolog::info;

#[inline(never)]
fn static_string() {
    info!("Starting backup replica garbage collector thread");
}

#[inline(never)]
fn two_numbers(read: u32, write: u32) {
    info!("Backup storage speeds (avg): {} MB/s read, {} MB/s write", read, write);
}

#[inline(never)]
fn one_string(name: &str) {
    info!("Opened session with coordinator at {}", name);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("stenolog-call-sites");
    std::fs::create_dir_all(&folder)?;
    let log = stenolog::Builder::new(folder.join("call_sites.steno")).start()?;
    static_string();
    two_numbers(black_box(1), black_box(2));
    one_string(black_box("basic+udp:host=192.168.1.140"));
    log.close()?;
    Ok(())
}
