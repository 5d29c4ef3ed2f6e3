fn main() {
    stenolog::info!(1 = 2, "placed");
    stenolog::info!("" = 2, "placed");
}
