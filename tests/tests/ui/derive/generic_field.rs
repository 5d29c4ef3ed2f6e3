struct Price;

#[derive(stenolog::Record)]
struct Order<T> {
    price: T,
}

fn main() {
    let order = Order { price: Price };
    stenolog::info!(order);
}
