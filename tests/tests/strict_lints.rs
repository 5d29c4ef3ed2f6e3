//! Every form of a call compiles under the strictest lints that a caller may have; clippy looks at
//! this file as well.
#![deny(warnings, clippy::pedantic, clippy::nursery, clippy::undocumented_unsafe_blocks)]
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::future::Future;

use stenolog::{Level, Record, debug, error, event, info, trace, warn};

#[derive(Debug, Record)]
struct Order<'a, T> {
    id: u64,
    r#type: Option<&'a str>,
    price: T,
    side: Side,
}

#[derive(Debug, Record)]
enum Side {
    Buy,
    Sell(u8, String),
    Both { r#in: [u8; 2] },
}

#[derive(Debug, Record)]
struct Unit;

#[derive(Debug, Record)]
struct Pair(u8, Unit);

#[derive(Clone, Copy, Record)]
#[repr(C, packed)]
struct Packed {
    small: u8,
    large: u64,
}

macro_rules! forward {
    ($level:ident: $($call:tt)*) => { stenolog::$level!($($call)*) };
}

macro_rules! message {
    ($format:literal, $value:expr) => {
        stenolog::info!($format, $value)
    };
    ($format:expr) => {
        stenolog::info!($format)
    };
    (field $name:ident, $value:expr) => {
        stenolog::info!(other = $value, $name)
    };
}

macro_rules! order {
    ($name:ident) => {
        #[derive(Debug, Record)]
        struct $name {
            id: u64,
        }
    };
}

order!(Trade);

fn generic<T: Display>(value: T) {
    info!("{value} {value:>5} {}", value);
    info!(%value);
    drop(value);
}

fn dynamic(value: &dyn Display, text: &str, list: &[u8], pair: &impl Display) {
    info!("{value} {text} {list:?} {pair}");
    info!(text = *text, list = *list, %value);
}

async fn asynchronous(value: impl Future<Output = u8> + Send) -> u8 {
    info!("before");
    let number = value.await;
    info!("{} {}", std::future::ready(number).await, number);
    number
}

fn fallible(text: &str) -> Result<u8, std::num::ParseIntError> {
    info!("{}", text.parse::<u8>()?);
    for _ in 0..2 {
        info!("{}", if text.is_empty() { 1 } else { break });
    }
    Ok(2)
}

fn never(stop: bool) {
    let number: u8 = if stop { return } else { 1 };
    match number {
        1 => info!("one"),
        2 => info!(number),
        _ => info!(number, "other"),
    }
}

#[derive(Debug)]
struct Holder {
    order: Order<'static, f64>,
    pair: (u8, (u16, u32)),
}

impl Holder {
    fn log(&self, at: std::time::SystemTime) {
        info!(self.order, ?self.pair, self.pair.0, self.pair.1.0, "{:?} {self:?}", self.order);
        warn!(at: at, target: "holder", self.order.id, side = ?self.order.side);
        error!(target: concat!("a", "b"), at: 5_u64, "failed",);
    }
}

#[test]
fn calls_and_derives_trip_no_lint() {
    let (order_id, quantity, price) = (7_u64, 3, 2.5);
    info!("order {order_id} filled {} @ {price:.2}", quantity);
    trace!("{0:>1$.2$} {x:#010b} {:e} {:.*}", price, 10, 3, x = 5_u8);
    debug!("{quantity:?} {quantity:#x} {:p}", &raw const quantity);
    let state = Side::Sell(1, String::new());
    let other = (Side::Buy, Side::Both { r#in: [1, 2] });
    error!(?state, target: "risk", "rejected {:?} {{}}", other);
    event!(Level::Warn, target: "x", user.id = order_id, "quoted name" = 'c', type = 1, "login",);
    event!(target: "x", if price > 2.0 { Level::Error } else { Level::Info }, "{}", price);
    forward!(info: order_id, "{order_id} {}", quantity,);
    message!("{}", order_id);
    message!("{order_id}");
    message!(field order_id, 5);
    info!(order = Trade { id: 1 }, pair = ?Pair(1, Unit), packed = Packed { small: 1, large: 2 });
    generic("text");
    generic(5);
    dynamic(&5, "text", &[1], &'c');
    never(false);
    let closure = |value: u8| info!("{value}");
    closure(5);
    drop(fallible("5"));
    drop(asynchronous(std::future::ready(5)));
    let holder = Holder {
        order: Order { id: 1, r#type: Some("x"), price: 1.5, side: Side::Buy },
        pair: (1, (2, 3)),
    };
    holder.log(std::time::SystemTime::now());
}
