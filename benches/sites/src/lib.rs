//! A thousand call sites; ten thousand with the feature `ten-thousand`.

use bench_statements::Statement;

macro_rules! site {
    () => {{
        fn call(n: u32) {
            stenolog::info!("A call site of many: {} of {}", n, n ^ 0x55);
        }
        call as Statement
    }};
}

macro_rules! ten_of {
    ($of:ident) => {
        [$of!(), $of!(), $of!(), $of!(), $of!(), $of!(), $of!(), $of!(), $of!(), $of!()]
    };
}

macro_rules! ten {
    () => {
        ten_of!(site)
    };
}

macro_rules! hundred {
    () => {
        ten_of!(ten).as_flattened()
    };
}

macro_rules! thousand {
    () => {
        ten_of!(hundred).concat()
    };
}

/// All of them, each a function with a static of its own.
#[cfg(not(feature = "ten-thousand"))]
#[must_use]
pub fn sites() -> Vec<Statement> {
    thousand!()
}

/// All of them, each a function with a static of its own.
#[cfg(feature = "ten-thousand")]
#[must_use]
pub fn sites() -> Vec<Statement> {
    ten_of!(thousand).concat()
}
