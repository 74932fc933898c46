//! Cargo does not see that `sqlx::migrate!` reads a folder.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
