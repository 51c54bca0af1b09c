//! The `exchequer` command.

fn main() {}
