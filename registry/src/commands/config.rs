//! `yice config` and `yice openapi`.
#![expect(clippy::print_stdout, reason = "what these commands are for")]

use std::process::ExitCode;

use crate::settings::Resolved;

/// Prints each setting, its value and where it came from.
pub(super) fn print(resolved: &Resolved) {
    for (name, value, origin) in resolved.lines() {
        println!("{name:<22} {value:<40} {origin}");
    }
}

/// Prints the OpenAPI document.
pub(super) fn print_openapi() -> ExitCode {
    match serde_json::to_string_pretty(&crate::http::openapi()) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::from(3),
    }
}
