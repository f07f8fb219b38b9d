//! The program `yice`.

use std::process::ExitCode;

fn main() -> ExitCode {
    registry::commands::run()
}
