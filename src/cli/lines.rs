//! Lines of an input of any size, each in bounded memory.

use std::io::{self, BufRead};

use crate::limits::ROW_BYTES_MAX;

/// One line, without its end.
pub(super) enum Line {
    /// Its bytes are in the buffer.
    Whole,
    /// It has so many bytes, too many to be kept.
    TooLong(u64),
}

/// Reads the next line into `buffer`; none at the end of the input.
pub(super) fn read_line(input: &mut dyn BufRead, buffer: &mut Vec<u8>) -> io::Result<Option<Line>> {
    buffer.clear();
    let mut bytes: u64 = 0;
    let mut begun = false;
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() && !begun {
            return Ok(None);
        }
        begun = true;
        let end = memchr::memchr(b'\n', piece);
        let text = &piece[..end.unwrap_or(piece.len())];
        bytes += text.len() as u64;
        if bytes <= ROW_BYTES_MAX as u64 {
            buffer.extend_from_slice(text);
        }
        let (used, ended) = (text.len() + usize::from(end.is_some()), end.is_some() || piece.is_empty());
        input.consume(used);
        if ended {
            let too_long = bytes > ROW_BYTES_MAX as u64;
            return Ok(Some(if too_long { Line::TooLong(bytes) } else { Line::Whole }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_whole_lines_and_passes_over_long_ones() {
        let mut text = b"one\n\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', ROW_BYTES_MAX + 1));
        text.extend(b"\nlast");
        let mut input = io::BufReader::with_capacity(7, &*text);
        let mut buffer = Vec::new();
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input, &mut buffer).unwrap() {
            assert!(buffer.len() <= ROW_BYTES_MAX);
            lines.push(match line {
                Line::Whole => String::from_utf8(buffer.clone()).unwrap(),
                Line::TooLong(bytes) => format!("<{bytes}>"),
            });
        }
        assert_eq!(lines, ["one", "", &format!("<{}>", ROW_BYTES_MAX + 1), "last"]);
    }
}
