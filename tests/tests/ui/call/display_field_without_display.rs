#[derive(Debug)]
struct Order;

fn main() {
    let order = Order;
    stenolog::info!(%order, "placed");
    stenolog::info!(order = %Order);
}
