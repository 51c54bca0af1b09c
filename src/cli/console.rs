//! Writing to stdout and stderr without a panic when nobody reads.

use std::io::{self, Write};

use serde_json::Value;

use super::failure::Failure;

/// Prints data: the whole of it, and a line end.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") })
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))
}

/// Prints data as one line of JSON.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&value.to_string())
}

/// Says words to a person. When stderr is closed nobody is there to hear them.
pub(super) fn say(words: &str) {
    let mut stderr = io::stderr().lock();
    drop(writeln!(stderr, "{words}"));
}
