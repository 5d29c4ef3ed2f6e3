//! Nothing of the caller's breaks an expansion: no item, macro or trait by any name, no crate or module.
#![no_implicit_prelude]
#![allow(non_camel_case_types, non_upper_case_globals, dead_code, unused_macros, unused_imports)]

pub mod core {}
pub mod std {}
pub mod alloc {}
pub mod stenolog {}

pub const a0: u8 = 10;
pub const a1: u8 = 11;
pub static at: u8 = 1;
pub static level: u8 = 2;
pub static x: u8 = 3;
pub struct site;
pub struct value(u8);
pub fn f0() {}
pub struct Level;
pub struct Site;
pub struct Meta;
pub struct Text;
pub struct Option;
pub struct Some;
pub struct None;
pub struct Ok;
pub struct Box;
pub type u64 = ();
pub type u32 = ();
pub type usize = ();
pub type i32 = ();
pub type str = ();
pub type bool = ();
pub trait Display {}
pub trait Debug {}

macro_rules! format_args { ($($any:tt)*) => { compile_error!("the caller's") }; }
macro_rules! concat { ($($any:tt)*) => { compile_error!("the caller's") }; }
macro_rules! module_path { ($($any:tt)*) => { compile_error!("the caller's") }; }
macro_rules! line { ($($any:tt)*) => { compile_error!("the caller's") }; }
macro_rules! call { ($($any:tt)*) => { compile_error!("the caller's") }; }

pub trait Methods: ::core::marker::Sized {
    fn is_enabled(self) {}
    fn index(self) {}
    fn pick(self) {}
    fn carried(self) {}
    fn bare(self) {}
    fn find(self) {}
    fn new(self) {}
    fn fmt(self) {}
    fn size(self) {}
    fn write(self) {}
    fn deref(self) {}
    fn steno_display(self) {}
}
impl<T> Methods for T {}

fn main() {
    let number = 5;
    let message = "text";
    let what = ::std::string::String::new();
    ::stenolog::info!("{number} {} {:?} {:>5} {:#x} {:p}", a0, a1, x, level, &number);
    ::stenolog::info!(number, ?message, %at, "{message:>1$.*} {number:?}", 3, 2);
    ::stenolog::event!(::stenolog::Level::Info, at: 5_u64, "level {level:>3}");
    ::stenolog::event!(target: &what, ::stenolog::Level::Warn, number);
    ::stenolog::info!(target: &what, "{number}");
    ::stenolog::info!(number, ::core::stringify!(a b));
    ::stenolog::info!(::core::concat!("{}", ::core::stringify!(a b)), number);
    ::stenolog::log!(::stenolog::Level::Info, k:? = number; "text");
    if ::stenolog::enabled!(::stenolog::Level::Info) {}
}
