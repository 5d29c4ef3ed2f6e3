fn main() {
    stenolog::info!();
    stenolog::info!(target: "orders");
}
