use std::collections::HashMap;

struct Price;

#[derive(stenolog::Record)]
struct Order<'a, T> {
    id: u64,
    price: Price,
    name: &'a str,
    old: Option<&'a Price>,
    rest: T,
    tags: HashMap<T, u8>,
}

#[derive(stenolog::Record)]
enum Side {
    Buy(u8, Price),
    Sell { price: Price },
}

fn main() {}
