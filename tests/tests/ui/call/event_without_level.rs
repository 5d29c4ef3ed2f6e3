fn main() {
    let user = 1;
    stenolog::event!("login");
    stenolog::event!(user = 1, "login");
    stenolog::event!(?user, "login");
    stenolog::event!();
}
