fn main() {
    stenolog::info!("{a}", a = 1, a = 2);
}
