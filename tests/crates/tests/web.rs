//! A web server of `axum`, `hyper` and `tower-http`, and a client of `ureq`.
//!
//! The first five log by `tracing`, the client by `log`. Only the first lines of the test know Stenolog.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use serde_json::Value;
use stenolog::Builder;
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer};
use tower_http::trace::TraceLayer;

/// What a request adds up.
#[derive(Debug)]
struct Sum(u64);

async fn add(Query(terms): Query<Vec<(String, u64)>>) -> String {
    let sum = Sum(terms.iter().map(|(_, term)| term).sum());
    tracing::info!(terms = terms.len(), ?sum, "added");
    sum.0.to_string()
}

fn serve_one_request() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let routes = Router::new().route("/add", get(add)).layer(TraceLayer::new_for_http());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move { axum::serve(listener, routes).await });

    let answer = ureq::get(format!("http://{address}/add?a=1&b=2")).call().expect("an answer");
    assert_eq!(answer.into_body().read_to_string().expect("a text"), "3");
    runtime.shutdown_timeout(Duration::from_secs(5));
}

/// The records of a dump as JSON.
fn read(path: &Path) -> Vec<Value> {
    let dumps = [Dump::open(path).expect("the dump opens")];
    let mut decoder = Decoder::new(&dumps);
    let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
    let mut text = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut text);
        ControlFlow::Continue(())
    });
    assert!(decoder.summary().is_complete());
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_server_and_its_client_log_into_one_dump() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("trace").capture_log().capture_tracing().start();
    let log = log.expect("the logger starts");
    serve_one_request();
    log.close().expect("the dump is sealed");

    let records = read(&path);
    let of = |target: &str| -> Vec<&Value> {
        let is_of =
            |record: &&Value| record["target"].as_str().is_some_and(|it| it.starts_with(target));
        records.iter().filter(is_of).collect()
    };
    let of_server = of("tower_http");
    assert!(of_server.len() >= 2, "{records:#?}");
    for record in of_server.iter().chain(&of("web")) {
        let request = &record["spans"][0];
        assert_eq!(request["name"], "request");
        assert_eq!(request["fields"]["method"], "GET");
        assert_eq!(request["fields"]["uri"], "/add?a=1&b=2");
    }
    let status = of_server.iter().find_map(|record| record["fields"]["status"].as_u64());
    assert_eq!(status, Some(200), "a number");
    let own = of("web");
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["fields"], serde_json::json!({"terms": 2, "sum": "Sum(3)"}));
    let of_client = of("ureq");
    assert!(!of_client.is_empty(), "by `log`");
    assert!(
        of_client
            .iter()
            .all(|record| record["file"].as_str().is_some_and(|file| file.contains("ureq")))
    );
    // All threads have one clock, and the client's first record comes first.
    let times: Vec<_> = records.iter().map(|record| record["timestamp"].as_str()).collect();
    assert!(times.is_sorted());
}
