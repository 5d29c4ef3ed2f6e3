//! A call may be anywhere that an expression may be.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::json;
use stenolog::info;
use stenolog_tests::LogFixture;

#[test]
fn calls_stand_in_async_code_and_closures() {
    async fn twice(number: impl Future<Output = u8> + Send) -> u8 {
        info!("waiting");
        let number = number.await;
        info!("{} and {}", std::future::ready(number).await, number);
        number
    }

    fn assert_send<T: Send>(value: T) -> T {
        value
    }

    let mut fixture = LogFixture::new();
    let mut future = pin!(assert_send(twice(std::future::ready(5))));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(5));
    let counter = Cell::new(0);
    let count = || {
        counter.set(counter.get() + 1);
        info!("{}", counter.get());
    };
    count();
    count();
    std::iter::repeat_n("each", 2).for_each(|word| info!(word, "{word}"));
    assert_eq!(fixture.messages(), ["waiting", "5 and 5", "1", "2", "each", "each"]);
}

#[test]
fn macros_of_the_caller_hand_calls_on() {
    macro_rules! all {
        ($($call:tt)*) => { info!($($call)*) };
    }
    macro_rules! parts {
        ($format:literal, $value:expr) => {
            info!($format, $value)
        };
        ($name:ident: $value:expr) => {
            info!($name = $value, "{}", $name)
        };
        ($format:expr) => {
            info!($format)
        };
    }

    let mut fixture = LogFixture::new();
    let number = 5;
    all!(target: "x", number, "{number} {}", 1 + 2,);
    parts!("{}", 1 + 2);
    parts!(number: 7);
    parts!("{number}");
    assert_eq!(fixture.messages(), ["5 3", "3", "5", "5"]);
}

#[test]
fn a_renamed_dependency_and_a_reexport_log() {
    let mut fixture = LogFixture::new();
    stenolog_tests_renamed::log(3);
    stenolog_tests_renamed::announce!("said {}", 4);
    stenolog_tests_renamed::reexported::warn!("and {}", 5);
    let records = fixture.finish();
    let messages: Vec<_> = records.iter().map(stenolog_tests::message).collect();
    assert_eq!(messages, ["order 3 is Order { id: 3 }", "placed", "said 4", "and 5"]);
    assert_eq!(records[1]["fields"], json!({"order": {"id": 3}}));
    assert_eq!(records[2]["target"], "announcements");
}
