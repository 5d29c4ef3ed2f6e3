//! `axum`, `tower-http` and `tokio`: the program of docs/guides/async-services.md, and what it logs until it is killed.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stenolog_tests_crates::{Program, records, shows, text};

fn get(address: SocketAddr, path: &str) -> String {
    let patience = Instant::now() + Duration::from_secs(60);
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < patience, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_service_is_told_until_it_is_killed() {
    // A port that is free: the system gives the next program another one.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut shop = Program::new(env!("CARGO_BIN_EXE_shop")).arg(&address.to_string());
    let child = shop.start();
    let answers = ["/order/7?quantity=2", "/order/8?quantity=9", "/order/9?quantity=x"]
        .map(|path| get(address, path).lines().next().unwrap_or_default().to_owned());
    child.kill();
    assert_eq!(
        answers.map(|line| line[..12].to_owned()),
        ["HTTP/1.1 202", "HTTP/1.1 409", "HTTP/1.1 400"]
    );

    let path = shop.file("shop.steno");
    let log = text(&path);
    shows("docs/guides/async-services.md", &log, &["address", "latency"]);
    let records = records(&path);
    let with = |message: &str| -> Vec<Value> {
        let found = records.iter().filter(|record| record["message"] == message);
        found.map(|record| json!([record["target"], record["fields"], spans_of(record)])).collect()
    };
    let request =
        |uri: &str| json!(["request", { "method": "GET", "uri": uri, "version": "HTTP/1.1" }]);
    let (first, second, third) = (
        request("/order/7?quantity=2"),
        request("/order/8?quantity=9"),
        request("/order/9?quantity=x"),
    );
    let stock = |item: u64| json!(["stock", { "item": item }]);
    // After an `await`, on whatever thread, and in a task of its own.
    let looked_up =
        [json!(["shop", {}, [first, stock(7)]]), json!(["shop", {}, [second, stock(8)]])];
    assert_eq!(with("looked up"), looked_up);
    let packing = json!(["packing", { "item": 7 }]);
    assert_eq!(with("packed"), [json!(["shop", { "order.quantity": 2 }, [first, packing]])]);
    let not_enough = json!({ "order.quantity": 9, "left": 5 });
    assert_eq!(with("not enough"), [json!(["shop", not_enough, [second]])]);
    // What the libraries say.
    let answered = with("finished processing request");
    let status = |answered: &Value| answered[1]["status"].as_u64();
    assert_eq!(answered.iter().map(status).collect::<Vec<_>>(), [Some(202), Some(409), Some(400)]);
    assert_eq!(answered[2][2], json!([third]));
    let rejected = &with("rejecting request")[0];
    assert_eq!((&rejected[0], &rejected[1]["status"]), (&json!("axum::rejection"), &json!(400)));
}

/// Names and fields of a record's spans.
fn spans_of(record: &Value) -> Value {
    let spans = record["spans"].as_array().cloned().unwrap_or_default();
    spans.iter().map(|span| json!([span["name"], span["fields"]])).collect()
}
