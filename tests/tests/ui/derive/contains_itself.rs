#[derive(stenolog::Record)]
struct Node {
    next: Option<Box<Node>>,
    all: Vec<Self>,
}

fn main() {}
