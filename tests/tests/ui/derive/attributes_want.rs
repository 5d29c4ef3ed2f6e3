//! What an attribute wants of a field's type.
struct Opaque;

fn takes_a_number(_: &u8) -> u8 {
    0
}

fn makes_nothing(_: &Opaque) -> Opaque {
    Opaque
}

#[derive(stenolog::Record)]
struct Fields<T> {
    #[record(display)]
    a: Opaque,
    #[record(debug)]
    b: Opaque,
    #[record(hex)]
    c: f64,
    #[record(ascii)]
    d: u8,
    #[record(with = takes_a_number)]
    e: Opaque,
    #[record(with = makes_nothing)]
    f: Opaque,
    #[record(redact)]
    g: Opaque,
    #[record(skip)]
    h: T,
}

fn main() {}
