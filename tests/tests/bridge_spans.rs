//! Spans of `tracing` in the dump.

use serde_json::Value;
use stenolog_tests::LogFixture;
use tracing::{info, info_span};

fn logged(work: impl FnOnce()) -> Vec<Value> {
    let mut fixture = LogFixture::new();
    tracing::subscriber::with_default(stenolog::tracing_subscriber(), work);
    fixture.finish()
}

#[test]
fn smoke() {
    let records = logged(|| {
        let request = info_span!("request", path = "/x", status = tracing::field::Empty);
        let _entered = request.enter();
        info!("in");
        request.record("status", 200);
        let query = info_span!("query {}", n = 3);
        query.in_scope(|| info!("deep"));
        query.follows_from(&request);
        info!(parent: &query, "of");
        info!(parent: None, "root");
    });
    for record in records {
        println!("{record}");
    }
}
