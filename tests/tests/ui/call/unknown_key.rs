fn main() {
    stenolog::info!(nmae: "order", "placed");
    stenolog::info!(logger: "order", "placed");
}
