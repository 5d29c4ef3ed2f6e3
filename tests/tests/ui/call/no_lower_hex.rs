fn main() {
    stenolog::info!("{:#x}", 1.5);
    stenolog::info!("{:x}", "text");
}
