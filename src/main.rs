//! The `vent` program.

fn main() -> std::process::ExitCode {
    vent::cli::main()
}
