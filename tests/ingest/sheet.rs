//! CSV files of one row, made of a conformant one.

use exchequer::ingest::{Page, ReaderOptions};

use super::{LENIENT, STRICT, outcomes_of, read_all};

/// Names of columns, and a conformant row's cells as they are written.
pub type Row = [(&'static str, &'static str)];

/// A file of one row that differs from `row` in some cells; a cell `-` removes its column.
pub fn file(row: &Row, cells: &[(&str, &str)]) -> Vec<u8> {
    let cell = |name: &str, usual: &'static str| {
        cells
            .iter()
            .find(|(changed, _)| *changed == name)
            .map_or(usual.to_owned(), |(_, cell)| (*cell).to_owned())
    };
    let row: Vec<(&str, String)> =
        row.iter().map(|(name, usual)| (*name, cell(name, usual))).filter(|(_, cell)| cell != "-").collect();
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let cells: Vec<&str> = row.iter().map(|(_, cell)| cell.as_str()).collect();
    format!("{}\n{}\n", names.join(","), cells.join(",")).into_bytes()
}

/// What becomes of `row` with one other cell, in strict and in lenient mode.
pub fn check(row: &Row, column: &str, cell: &str, strict: &str, lenient: &str) {
    let input = file(row, &[(column, cell)]);
    for (options, expect) in [(STRICT, strict), (LENIENT, lenient)] {
        assert_eq!(outcomes_of(&input, options), [format!("1 {expect}")], "{column} {cell:.100} {options:?}");
    }
}

/// The row with some other cells, read in strict mode.
pub fn read(row: &Row, cells: &[(&str, &str)]) -> Page {
    let (page, fault) = read_all(&*file(row, cells), STRICT);
    assert!(fault.is_none() && page.refused.is_empty(), "{fault:?} {:?}", page.refused);
    page
}

/// Why the row is not read at all without a column.
pub fn fault_without(row: &Row, column: &str, options: ReaderOptions<'_>) -> String {
    let (page, fault) = read_all(&*file(row, &[(column, "-")]), options);
    assert!(page.charges.is_empty());
    fault.unwrap().to_string()
}
