//! An error keeps its sources.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use stenolog::info;
use stenolog_tests::LogFixture;

use crate::only_text;

#[derive(Debug)]
struct Inner(&'static str);

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Inner {}

#[derive(Debug)]
struct Outer(Inner);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("load failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Its source is itself.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("again")
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Self)
    }
}

/// As `anyhow::Error`: no error, but what it derefs to is one.
#[derive(Debug)]
struct Anyhow(Box<dyn Error + Send + Sync>);

impl std::ops::Deref for Anyhow {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Display for Anyhow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

fn outer() -> Outer {
    Outer(Inner("disk on fire"))
}

#[test]
fn errors_keep_their_sources() {
    let mut fixture = LogFixture::new();
    let err = outer();
    let dynamic: &(dyn Error + 'static) = &err;
    let boxed: Box<dyn Error> = Box::new(outer());
    let sent: Box<dyn Error + Send + Sync> = Box::new(outer());
    let shared: Arc<dyn Error> = Arc::new(outer());
    let anyhow = Anyhow(Box::new(outer()));
    info!(
        err,
        %boxed,
        shown = %err,
        dynamic,
        sent,
        reference = &sent,
        shared,
        anyhow,
        percent = %anyhow,
        alone = Inner("disk on fire"),
        io = std::io::Error::other(outer()),
        none = None::<Outer>,
        some = Some(outer()),
        some_boxed = Some(Box::new(outer()) as Box<dyn Error + Send + Sync>),
        some_borrowed = Some(&boxed),
        some_anyhow = Some(Anyhow(Box::new(outer()))),
        none_boxed = None::<Box<dyn Error>>,
        debug = ?err,
        "{} {:?} {err}", err, dynamic,
    );
    let records = fixture.finish();
    let chain = json!({"message": "load failed", "sources": ["disk on fire"]});
    let fields = &records[0]["fields"];
    for name in [
        "err",
        "boxed",
        "shown",
        "dynamic",
        "sent",
        "reference",
        "shared",
        "anyhow",
        "percent",
        "some",
        "some_boxed",
        "some_borrowed",
        "some_anyhow",
    ] {
        assert_eq!(fields[name], chain, "{name}");
    }
    assert_eq!(fields["alone"], json!({"message": "disk on fire", "sources": []}));
    assert_eq!(fields["io"]["message"], "load failed");
    assert_eq!(fields["none"], Value::Null);
    assert_eq!(fields["none_boxed"], Value::Null);
    assert_eq!(fields["debug"], "Outer(Inner(\"disk on fire\"))");
    assert_eq!(stenolog_tests::message(&records[0]), format!("{} {:?} {err}", err, dynamic));
}

#[test]
fn an_error_reads_as_a_line() {
    let mut fixture = LogFixture::new();
    info!(
        err = outer(),
        same = Outer(Inner("load failed")),
        word = Inner("word"),
        some = Some(Inner("no room")),
        endless = Endless,
    );
    let again = format!("again: {}", "again: ".repeat(0));
    let text = only_text(&mut fixture);
    assert_eq!(
        text,
        format!(
            "err=\"load failed: disk on fire\" same=\"load failed\" word=word some=Some(no room) \
             endless=\"{again}…\""
        )
    );
}
