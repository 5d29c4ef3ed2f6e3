fn main() {
    let order = String::from("order");
    drop(order);
    stenolog::info!("{order}");
}
