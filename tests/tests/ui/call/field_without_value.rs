fn main() {
    stenolog::info!(order =, "placed");
    stenolog::info!("order" = , "placed");
    stenolog::info!(?order = 1, "placed");
}
