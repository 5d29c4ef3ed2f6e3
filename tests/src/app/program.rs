use stenolog::{error, info, warn};

fn main() -> Result<(), stenolog::StartError> {
    let _log = stenolog::Builder::new("app.steno").start()?; // dropping it seals the dump

    let (order_id, qty, price) = (17_u64, 300, 99.5);
    info!("order {order_id} filled {} @ {price:.2}", qty); // all of std::format!'s syntax
    warn!(order_id, latency_us = 1800_u64, "slow fill"); // fields: name, name = value, ?debug, %display
    info!(peer = "10.0.0.7:9000", legs = ?[Some(1.5), None], "quote");
    error!(target: "risk", state = ?Some("halted"), "rejected {:#06x}", 2989);
    Ok(())
}
