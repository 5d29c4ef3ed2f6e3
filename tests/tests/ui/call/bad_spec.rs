fn main() {
    stenolog::info!("{:5+}", 1);
}
