fn main() {
    stenolog::info!("placed", target: "orders");
    stenolog::info!("placed {}", 1, at: 5_u64);
}
