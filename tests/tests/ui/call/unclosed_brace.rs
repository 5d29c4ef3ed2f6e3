fn main() {
    stenolog::info!("order {", 1);
}
