fn main() {
    let order = Default::default();
    stenolog::info!("order {}", order);
    let list = Vec::new();
    stenolog::info!(list);
}
