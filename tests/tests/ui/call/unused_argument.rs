fn main() {
    stenolog::info!("order {}", 1, 2);
}
