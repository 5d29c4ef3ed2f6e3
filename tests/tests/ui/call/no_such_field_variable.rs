fn main() {
    stenolog::info!(order_id, "placed");
}
