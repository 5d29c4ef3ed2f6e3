fn main() {
    stenolog::info!("order {}", 1, price = 2);
}
