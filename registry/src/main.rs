//! The program `yice`.

use std::process::ExitCode;

/// Rows of a file are made of many small pieces that another thread gives back: with the system's allocator that is a
/// sixth of an import's work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    registry::commands::run()
}
