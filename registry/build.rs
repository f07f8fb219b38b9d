//! Builds anew when what is built in changes: migrations and the page.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=../web/dist");
    println!("cargo::rerun-if-changed=../gis-data/samples");
}
