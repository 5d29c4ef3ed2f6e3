fn main() {
    stenolog::event!(3, "login");
}
