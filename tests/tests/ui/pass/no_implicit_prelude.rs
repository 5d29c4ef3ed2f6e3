//! No name of the prelude, and names of the caller where an expansion might look for its own.
#![no_implicit_prelude]
#![deny(warnings)]
#![forbid(unsafe_code)]

#[derive(::std::fmt::Debug, ::stenolog::Record)]
pub struct Order {
    id: u64,
    side: Side,
}

#[derive(::std::fmt::Debug, ::stenolog::Record)]
pub enum Side {
    Buy,
    Sell(u8),
}

mod names {
    pub mod core {}
    pub mod std {}
    pub mod stenolog {}

    pub struct Some;
    pub struct None;
    pub struct Option;
    pub struct Level;
    pub struct Site;
    pub const SITE: u8 = 1;
    pub const META: u8 = 1;

    /// Has every method, for everything.
    pub trait Everything {
        fn display(&self) {}
        fn field(&self) {}
        fn is_enabled(&self) -> bool {
            false
        }
    }

    impl<T: ?::std::marker::Sized> Everything for T {}

    pub fn log() {
        let (a0, a1, x, v0, at, level, site, text) = (1, 2, 3, 4, 5_u64, 6, 7, 8);
        ::stenolog::info!(at: at, "{SITE} {META} {a0} {a1} {x:>a2$} {v0} {level} {site} {text} {}", a1, a2 = 5);
        ::stenolog::event!(::stenolog::Level::Info, a0, level, site, "{a1:>5} {site}");
    }
}

fn main() {
    names::log();
    ::stenolog::info!("{:?} {:?}", Order { id: 1, side: Side::Buy }, Side::Sell(1));
    ::stenolog::info!(order = Order { id: 1, side: Side::Buy });
}
