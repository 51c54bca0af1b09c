//! The `exchequer` command.

use std::process::ExitCode;

use exchequer::load::live_bytes::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    exchequer::cli::run()
}
