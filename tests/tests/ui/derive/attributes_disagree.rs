//! Attributes that contradict one another, and names that come twice.
#[derive(stenolog::Record)]
struct Fields {
    #[record(skip, redact)]
    a: u8,
    #[record(display)]
    #[record(debug)]
    b: u8,
    #[record(skip, skip)]
    c: u8,
    #[record(rename = "x", rename = "y")]
    d: u8,
    #[record(skip, rename = "z")]
    e: u8,
    #[record(rename = "")]
    f: u8,
    #[record(hex, with = str::len)]
    g: u8,
    #[record(rename = "i")]
    h: u8,
    i: u8,
    #[record(rename = "type")]
    j: u8,
    r#type: u8,
    #[record(skip)]
    k: u8,
    #[record(rename = "k")]
    l: u8,
}

#[derive(stenolog::Record)]
struct Pair(#[record(rename = "first")] u8, #[record(redact)] u8);

#[derive(stenolog::Record)]
enum Side {
    Both {
        #[record(rename = "b")]
        a: u8,
        b: u8,
    },
}

fn main() {}
