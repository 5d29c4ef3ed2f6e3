fn main() {
    let order = "order";
    stenolog::info!("{}", *order);
}
