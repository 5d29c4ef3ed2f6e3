fn main() {
    stenolog::info!("{:width$}", 1, width = -1_i32);
}
