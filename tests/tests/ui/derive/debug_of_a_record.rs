#[derive(stenolog::Record)]
struct Order;

fn main() {
    stenolog::info!("{:?}", Order);
}
