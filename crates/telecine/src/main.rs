//! The `telecine` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    telecine::cli::main()
}
