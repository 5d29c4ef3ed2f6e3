fn main() {
    let order = 1;
    stenolog::info!("placed", ?order);
    stenolog::info!("placed", %order);
}
