//! The program of docs/guides/async-services.md.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::{Router, routing::get};
use serde::Deserialize;
use tower_http::trace::TraceLayer;
use tracing::{Instrument, info, info_span, instrument, warn};

#[derive(Deserialize)]
struct Order {
    quantity: u32,
}

/// The stock of an item, from a slow shelf.
#[instrument]
async fn stock(item: u64) -> u32 {
    tokio::time::sleep(Duration::from_millis(5)).await;
    info!("looked up");
    5
}

async fn order(Path(item): Path<u64>, Query(order): Query<Order>) -> StatusCode {
    let left = stock(item).await;
    if order.quantity > left {
        warn!(order.quantity, left, "not enough");
        return StatusCode::CONFLICT;
    }
    let packing = info_span!("packing", item);
    let packed = tokio::spawn(async move { info!(order.quantity, "packed") }.instrument(packing));
    packed.await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::ACCEPTED)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _log = stenolog::Builder::new("shop.steno")
        .default_filter("info,tower_http=debug,axum::rejection=trace")
        .capture_tracing()
        .capture_log()
        .capture_panics()
        .start()?;

    let routes = Router::new().route("/order/{item}", get(order)).layer(TraceLayer::new_for_http());
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    info!(address = %listener.local_addr()?, "ready");
    axum::serve(listener, routes).await?;
    Ok(())
}
