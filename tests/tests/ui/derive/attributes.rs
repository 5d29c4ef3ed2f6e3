//! What `#[record(..)]` does not know, or says twice, is an error at its place.
#[derive(stenolog::Record)]
#[record(krate = stenolog)]
struct Order;

#[derive(stenolog::Record)]
#[record(crate = stenolog, crate = stenolog)]
struct Trade;

#[derive(stenolog::Record)]
#[record]
struct Fill;

#[derive(stenolog::Record)]
#[record(redact)]
struct Secret(u8);

#[derive(stenolog::Record)]
struct Fields {
    #[record(redacted)]
    a: u8,
    #[record(skip, anything_at_all(1, 2, 3))]
    b: u8,
    #[record]
    c: u8,
    #[record = "skip"]
    d: u8,
    #[record(crate = stenolog)]
    e: u8,
    #[record(rename)]
    f: u8,
    #[record(rename = 5)]
    g: u8,
    #[record(skip = true)]
    h: u8,
    #[record(with)]
    i: u8,
    #[record(skip redact)]
    j: u8,
}

#[derive(stenolog::Record)]
enum Side {
    #[record(rename = "B")]
    Buy,
    Sell(#[record(unknown)] u8),
    Both {
        #[record(Skip)]
        a: u8,
    },
}

fn main() {}
