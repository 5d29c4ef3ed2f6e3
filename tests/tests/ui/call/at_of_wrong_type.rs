fn main() {
    stenolog::info!(at: "noon", "login");
}
