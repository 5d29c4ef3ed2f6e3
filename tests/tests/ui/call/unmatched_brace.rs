fn main() {
    stenolog::info!("order }");
}
