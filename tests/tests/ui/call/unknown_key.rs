fn main() {
    stenolog::info!(name: "order", "placed");
}
