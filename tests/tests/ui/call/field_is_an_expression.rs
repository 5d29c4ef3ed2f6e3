fn main() {
    let orders = [1];
    stenolog::info!(orders.len(), "placed");
}
