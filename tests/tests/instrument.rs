//! `#[instrument]`: functions run in spans of their own.

use std::fmt::Debug;
use std::future::Future;
use std::num::ParseIntError;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use stenolog::{Builder, info, instrument, span};
use stenolog_tests::second_reader::{Reading, parse};

/// What the second reader finds of the records that `work` logs.
fn logged<R>(work: impl FnOnce() -> R) -> (R, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("trace").start_detached().unwrap();
    let scope = log.enter();
    let result = work();
    drop((scope, log));
    (result, Reading::of(&path).whole().iter().map(|line| parse(line)).collect())
}

/// The fields of the span that is first begun, by name.
fn fields(lines: &[Value]) -> Value {
    let new = lines.iter().find(|line| line["event"] == 3).expect("a span began");
    let pairs = new["names"].as_array().unwrap().iter().zip(new["values"].as_array().unwrap());
    let named = pairs
        .filter(|(name, _)| *name != "")
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), value.clone()));
    Value::Object(named.collect())
}

/// The names of the spans of the records of `template`.
fn spans_of(lines: &[Value], template: &str) -> Vec<String> {
    let lines = lines.iter().filter(|line| line["template"] == template && line["event"] == 0);
    let names = |line: &Value| {
        let names =
            line["spans"].as_array().unwrap().iter().map(|span| span["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join("/")
    };
    lines.map(names).collect()
}

fn poll<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let context = &mut Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return output;
        }
    }
}

/// Is pending once.
async fn pause() {
    let mut was_polled = false;
    std::future::poll_fn(move |_| {
        if std::mem::replace(&mut was_polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[instrument]
fn plain(a: u32, b: &str, (c, _): (Option<u8>, Opaque)) -> u32 {
    info!("plain");
    a + b.len() as u32 + u32::from(c.unwrap_or_default())
}

struct Opaque;

#[test]
fn parameters_are_fields() {
    let (sum, lines) = logged(|| plain(7, "xyz", (Some(2), Opaque)));
    assert_eq!((sum, spans_of(&lines, "plain")), (12, vec!["plain".to_owned()]));
    assert_eq!(fields(&lines), json!({"a": 7, "b": "xyz", "c": 2}));
}

#[instrument(name = "other", level = "debug", target = "net", skip(secret), fields(bytes = secret.len(), b = %"replaced", done = stenolog::Empty))]
fn with_options(secret: &[u8], a: u32, b: &str) {
    let _ = (secret, a, b);
    info!("options");
}

#[instrument("named", skip_all, fields(only = 1), level = 1)]
fn skipped<T>(_what: T) {
    info!("skipped");
}

#[test]
fn options_are_followed() {
    let (_, lines) = logged(|| with_options(b"xx", 1, "b"));
    assert_eq!(spans_of(&lines, "options"), ["other"]);
    let new = lines.iter().find(|line| line["event"] == 3).unwrap();
    assert_eq!((&new["level"], &new["target"]), (&json!("DEBUG"), &json!("net")));
    let fields_of = fields(&lines);
    assert_eq!(
        (&fields_of["a"], &fields_of["b"], &fields_of["bytes"]),
        (&json!(1), &json!("replaced"), &json!(2))
    );
    assert!(fields_of.get("secret").is_none());
    let (_, lines) = logged(|| skipped(Opaque));
    assert_eq!(spans_of(&lines, "skipped"), ["named"]);
    assert_eq!(fields(&lines), json!({"only": 1}));
}

#[instrument(err, ret)]
fn number(text: &str) -> Result<u32, ParseIntError> {
    let number = text.parse()?;
    Ok(number)
}

#[instrument(err(Debug, level = "warn"))]
async fn number_later(text: String) -> Result<u32, ParseIntError> {
    pause().await;
    let number = text.parse()?;
    info!("later");
    Ok(number)
}

#[instrument(ret(Display, level = "debug"))]
fn doubled<T: Debug + Copy + std::ops::Add<Output = T> + std::fmt::Display>(value: T) -> T {
    value + value
}

/// Level and value of the records with this field.
fn told<'l>(lines: &'l [Value], field: &str) -> Vec<(&'l str, &'l Value)> {
    let named = lines.iter().filter(|line| line["names"] == json!([field]));
    named.map(|line| (line["level"].as_str().unwrap(), &line["values"][0])).collect()
}

#[test]
fn results_and_errors_are_logged() {
    let (result, lines) = logged(|| (number("12"), number("x")));
    assert!(result.0 == Ok(12) && result.1.is_err());
    assert_eq!(told(&lines, "return"), [("INFO", &json!(12))]);
    let errors = told(&lines, "error");
    assert!(errors.len() == 1 && errors[0].0 == "ERROR", "{errors:?}");
    let (_, lines) = logged(|| poll(number_later("y".to_owned())));
    assert_eq!(told(&lines, "error")[0].0, "WARN");
    let (four, lines) = logged(|| doubled(2_i64));
    assert_eq!((four, told(&lines, "return")), (4, vec![("DEBUG", &json!("4"))]));
}

#[derive(Debug)]
struct Server {
    served: u32,
}

impl Server {
    #[instrument(skip(self))]
    async fn serve(&mut self, path: &str) -> u32 {
        info!("first");
        pause().await;
        self.count(path);
        info!("last");
        self.served
    }

    #[instrument(skip_all)]
    fn count(&mut self, _path: &str) {
        info!("counted");
        self.served += 1;
    }

    #[instrument]
    fn show(&self) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(self.served)
    }
}

#[test]
fn methods_and_futures_run_in_their_spans() {
    let mut server = Server { served: 0 };
    let (served, lines) = logged(|| {
        let _outer = span!("outer");
        let served = poll(server.serve("/x"));
        info!("after");
        served + server.show().sum::<u32>()
    });
    assert_eq!(served, 2);
    assert_eq!(spans_of(&lines, "first"), ["outer/serve"]);
    assert_eq!(spans_of(&lines, "counted"), ["outer/serve/count"]);
    assert_eq!(spans_of(&lines, "last"), ["outer/serve"]);
    assert_eq!(spans_of(&lines, "after"), ["outer"]);
}

/// A name alone is a field that is given a value later, as in `tracing`, even if a parameter has that name.
#[test]
fn a_field_without_a_value_is_given_one_later() {
    const NAME: &str = "of a constant";

    #[instrument(name = NAME, skip(secret), fields(secret, found, kind = "x"))]
    fn look(secret: &str, n: u8) {
        assert!(!secret.is_empty());
        stenolog::Span::current().record("found", u64::from(n));
        info!("looked");
    }

    let ((), lines) = logged(|| look("do not log me", 7));
    assert_eq!(fields(&lines)["kind"], "x");
    assert!(!lines.iter().any(|line| line.to_string().contains("do not log me")));
    assert_eq!(spans_of(&lines, "looked"), ["of a constant"]);
    assert!(lines.iter().any(|line| line.to_string().contains("found")));
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[async_trait::async_trait]
trait Store {
    async fn put(&mut self, key: &str, value: Vec<u8>) -> Result<usize, ParseIntError>;

    #[instrument(skip(self), level = "debug")]
    async fn len(&self, mut times: u32) -> u32 {
        times *= 2;
        pause().await;
        info!("counted");
        times
    }
}

#[async_trait::async_trait]
impl Store for Server {
    #[instrument(skip(self, value), fields(bytes = value.len(), served = self.served), err, ret)]
    async fn put(&mut self, key: &str, value: Vec<u8>) -> Result<usize, ParseIntError> {
        info!("before");
        pause().await;
        self.served += key.parse::<u32>()?;
        info!("put");
        Ok(value.len())
    }
}

const fn is_send<F: Send>(future: F) -> F {
    future
}

/// As in `async fn`: the span begins with the first poll, in the span that is the current one then.
#[test]
fn futures_of_async_trait_run_in_their_spans() {
    let mut server = Server { served: 4 };
    let (_, lines) = logged(|| {
        let future = is_send(server.put("7", vec![0; 3]));
        let _outer = span!("outer");
        assert_eq!(poll(future), Ok(3));
        info!("after");
        assert!(poll(server.put("x", vec![])).is_err());
        assert_eq!(poll(server.len(4)), 8);
    });
    assert_eq!(spans_of(&lines, "before"), ["outer/put", "outer/put"]);
    assert_eq!(spans_of(&lines, "put"), ["outer/put"]);
    assert_eq!(spans_of(&lines, "after"), ["outer"]);
    assert_eq!(spans_of(&lines, "counted"), ["outer/len"]);
    assert_eq!(fields(&lines[1..]), json!({"key": "7", "bytes": 3, "served": 4}));
    assert_eq!(told(&lines, "return"), [("INFO", &json!(3))]);
    assert_eq!(told(&lines, "error").len(), 1);
}

#[instrument(skip(server), fields(of = server.served), err)]
fn boxed<'a>(server: &'a mut Server, by: &'a str) -> BoxFuture<'a, Result<u32, ParseIntError>> {
    info!("making");
    Box::pin(async move {
        pause().await;
        server.served += by.parse::<u32>()?;
        info!("boxed");
        Ok(server.served)
    })
}

#[instrument(ret)]
fn opaque(name: String) -> impl Future<Output = Result<String, Box<dyn Debug>>> + Send {
    async move {
        if name.is_empty() {
            return Ok(name);
        }
        pause().await;
        // Only the type of the function says what error this is.
        let number: u8 = name.parse().map_err(|error| Box::new(error) as Box<dyn Debug>)?;
        info!("opaque");
        Ok((number + 1).to_string())
    }
}

#[test]
fn futures_that_a_function_makes_run_in_their_spans() {
    let mut server = Server { served: 1 };
    let (sum, lines) = logged(|| poll(is_send(boxed(&mut server, "2"))));
    assert_eq!(sum, Ok(3));
    assert_eq!(
        (spans_of(&lines, "making"), spans_of(&lines, "boxed")),
        (vec![String::new()], vec!["boxed".to_owned()])
    );
    assert_eq!(fields(&lines), json!({"by": "2", "of": 1}));
    let (_, lines) = logged(|| poll(boxed(&mut server, "x")).unwrap_err());
    assert_eq!(told(&lines, "error").len(), 1);

    let (text, lines) = logged(|| poll(opaque("8".to_owned())).unwrap());
    assert_eq!((text.as_str(), spans_of(&lines, "opaque")), ("9", vec!["opaque".to_owned()]));
    assert_eq!(fields(&lines), json!({"name": "8"}));
    // A future that is not polled has no span.
    let ((), lines) = logged(|| drop(opaque("8".to_owned())));
    assert!(lines.is_empty(), "{lines:?}");
}
