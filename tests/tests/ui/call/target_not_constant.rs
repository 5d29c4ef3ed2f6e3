fn main() {
    let target = String::from("orders");
    stenolog::info!(target: &target, "login");
}
