//! Ten thousand call sites.

use std::sync::LazyLock;

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

/// All of them, each a function with a static of its own.
#[must_use]
pub fn sites() -> &'static [Statement] {
    static SITES: LazyLock<Vec<Statement>> = LazyLock::new(|| {
        let hundreds: [fn() -> Vec<Statement>; 100] = hundreds();
        hundreds.iter().flat_map(|sites| sites()).collect()
    });
    &SITES
}

/// A hundred functions that know a hundred call sites each.
macro_rules! hundred_of_hundred {
    () => {{
        fn some() -> Vec<Statement> {
            hundred!().to_vec()
        }
        some as fn() -> Vec<Statement>
    }};
}

macro_rules! ten_hundreds {
    () => {
        ten_of!(hundred_of_hundred)
    };
}

fn hundreds() -> [fn() -> Vec<Statement>; 100] {
    let mut all = [(|| Vec::new()) as fn() -> Vec<Statement>; 100];
    all.copy_from_slice(ten_of!(ten_hundreds).as_flattened());
    all
}
