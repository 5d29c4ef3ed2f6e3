fn main() {
    stenolog::info!("{}" 1);
}
