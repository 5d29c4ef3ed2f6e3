fn main() {
    let order = "1".parse().unwrap();
    stenolog::info!("order {}", order);
    let list = Vec::new();
    stenolog::info!(list);
}
