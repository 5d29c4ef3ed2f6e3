//! `h2`, which logs by `tracing`: its events and spans arrive with nothing but the set-up changed.

use serde_json::{Value, json};
use stenolog_tests_crates::records;
use tokio::io::DuplexStream;

async fn serve(stream: DuplexStream) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (_, mut respond) = request?;
        let mut body = respond.send_response(http::Response::new(()), false)?;
        body.send_data("seventeen".into(), true)?;
    }
    Ok(())
}

async fn ask(stream: DuplexStream) -> Result<usize, h2::Error> {
    let (client, connection) = h2::client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let request = http::Request::get("https://shop.example.org/order").body(()).expect("a request");
    let (response, _) = client.ready().await?.send_request(request, true)?;
    let mut body = response.await?.into_body();
    let mut bytes = 0;
    while let Some(data) = body.data().await {
        bytes += data?.len();
    }
    drop(body);
    connection.abort();
    Ok(bytes)
}

#[test]
fn a_request_is_told_by_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h2.steno");
    let log = stenolog::Builder::new(&path).filter("trace").capture_tracing().start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let server = runtime.spawn(serve(far));
    let bytes = runtime.block_on(ask(near)).unwrap();
    assert_eq!(bytes, 9);
    let _ = runtime.block_on(server);
    drop(runtime);
    log.close().unwrap();

    let records = records(&path);
    // What the server received, in the spans of its connection: their fields are typed.
    let received = records.iter().filter(|record| {
        record["target"] == "h2::codec::framed_read" && record["message"] == "received"
    });
    let by_peer = |peer: &str| {
        let of_peer =
            received.clone().filter(|record| path_of(record)[0] == format!("Connection {peer}"));
        of_peer.map(|record| record["fields"]["frame"].as_str().unwrap().to_owned()).collect()
    };
    let (client, server): (Vec<_>, Vec<_>) = (by_peer("Client"), by_peer("Server"));
    let kinds = |frames: &[String]| -> Vec<String> {
        let kind = |frame: &String| frame.split(' ').next().unwrap().to_owned();
        let all = frames.iter().map(kind).filter(|kind| kind != "Settings");
        all.collect()
    };
    assert_eq!(kinds(&client), ["Headers", "Data"], "{client:?}");
    assert_eq!(kinds(&server)[0], "Headers", "{server:?}");

    // Numbers are numbers, in records and in spans.
    let assigning = records.iter().find(|record| record["message"] == "assigning").unwrap();
    assert_eq!(assigning["fields"], json!({ "capacity": 9 }));
    assert_eq!(assigning["level"], "TRACE");
    let spans = assigning["spans"].as_array().unwrap();
    let sending = spans.iter().find(|span| span["name"] == "send_data").unwrap();
    assert_eq!(sending["fields"], json!({ "sz": 9, "requested": 0 }));
    assert!(assigning["file"].as_str().unwrap().ends_with("prioritize.rs"), "{assigning}");
}

/// The names of a record's spans, outermost first; connections say which side they are.
fn path_of(record: &Value) -> Vec<String> {
    let spans = record["spans"].as_array().cloned().unwrap_or_default();
    let name = |span: &Value| match (&span["name"], &span["fields"]["peer"]) {
        (Value::String(name), Value::String(peer)) => format!("{name} {peer}"),
        (name, _) => name.as_str().unwrap_or_default().to_owned(),
    };
    spans.iter().map(name).chain([String::new()]).collect()
}
