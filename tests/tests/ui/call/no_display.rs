struct Order {
    id: u64,
}

fn main() {
    let order = Order { id: 1 };
    stenolog::info!("{} is {order}", order.id);
    stenolog::info!("placed {}", Order { id: 2 });
}
