fn main() {
    stenolog::info!(format!("order {}", 1));
    stenolog::info!(concat!("order {}", " filled"));
    stenolog::info!(concat!("order {id}", " filled"));
    stenolog::info!(stringify!(order), 1);
}
