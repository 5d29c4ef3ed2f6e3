#[derive(stenolog::Record)]
#[record(krate = stenolog)]
struct Order;

#[derive(stenolog::Record)]
#[record(crate = stenolog, crate = stenolog)]
struct Trade;

#[derive(stenolog::Record)]
#[record]
struct Fill;

fn main() {}
