fn main() {
    stenolog::info!(b"placed");
}
