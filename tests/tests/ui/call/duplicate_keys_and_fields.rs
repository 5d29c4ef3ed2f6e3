fn main() {
    stenolog::info!(target: "a", target: "b", at: 1_u64, at: 2_u64, x = 1, x = 2, "x" = 3, "twice");
}
