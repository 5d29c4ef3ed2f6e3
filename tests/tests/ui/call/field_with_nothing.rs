struct Order;

fn main() {
    let order = Order;
    stenolog::info!(order, other = &Order, "placed");
}
