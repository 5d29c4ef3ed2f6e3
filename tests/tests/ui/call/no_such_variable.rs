fn main() {
    stenolog::info!("order {order_id}");
}
