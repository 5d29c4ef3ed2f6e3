fn main() {
    stenolog::info!(target: 3, "login");
}
