fn main() {
    stenolog::info!(order = 1 "placed");
    stenolog::info!(target: "orders" "placed");
}
