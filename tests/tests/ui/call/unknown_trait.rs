fn main() {
    stenolog::info!("{:y}", 1);
}
