struct Order;

fn main() {
    stenolog::info!("{:?} at {price:.2}", Order, price = 1.5);
}
