fn main() {
    stenolog::info!("order {} filled {}", 1);
}
