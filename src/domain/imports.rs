//! How far an import of a file without row keys has come, so that another import can't post the same usage
//! again under other keys (rule C7).

use super::refusals::Refusal;
use super::time::Cycle;

/// Per source and cycle, the highest row number of an import that was posted to one billing account.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Imports(Vec<ImportedUpTo>);

/// One source and cycle, and the row that an import of it has reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedUpTo {
    /// The source.
    pub source: Box<str>,
    /// The cycle posted to.
    pub cycle: Cycle,
    /// The highest row number posted, from 1.
    pub row: u64,
    /// Which reading of a file came by that row.
    pub reading: Reading,
}

/// The reading of a file that came by the highest row posted: it alone may go on. Forgotten at the end of the process,
/// since a file is read from its beginning again; so it is no part of the state that is compared.
#[derive(Clone, Copy, Default, Debug)]
pub struct Reading(Option<u64>);

impl PartialEq for Reading {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Reading {}

/// A row of an import whose ids are digests.
#[derive(Clone, Copy, Debug)]
pub struct ImportedRow<'a> {
    /// The source.
    pub source: &'a str,
    /// Its number, from 1.
    pub row: u64,
    /// Which reading of a file it comes from.
    pub reading: u64,
    /// The import may overlap another one: the row is noted, and not refused for it.
    pub append: bool,
}

impl Imports {
    /// Decides whether a row that was not posted before continues what was imported.
    ///
    /// Rows of the same file come in order, and those before it are duplicates: a reading that has not come by the
    /// highest row posted is of another file, and a new row at or below that row is as well.
    pub fn decide(&self, imported: &ImportedRow<'_>, cycle: Cycle) -> Result<(), Refusal> {
        match self.0.iter().find(|one| one.is_of(imported.source, cycle)) {
            _ if imported.append => Ok(()),
            Some(one) if imported.row <= one.row || one.reading.0 != Some(imported.reading) => {
                Err(Refusal::OverlappingImport)
            }
            _ => Ok(()),
        }
    }

    /// Notes that a row was posted before: its reading has come by it.
    pub fn met(&mut self, imported: &ImportedRow<'_>, cycle: Cycle) {
        if let Some(one) = self.0.iter_mut().find(|one| one.is_of(imported.source, cycle))
            && one.row == imported.row
        {
            one.reading = Reading(Some(imported.reading));
        }
    }

    /// Notes a posted row, and who came by it if that is known.
    pub fn apply(&mut self, source: &str, cycle: Cycle, row: u64, reading: Option<u64>) {
        let reading = Reading(reading);
        match self.0.iter_mut().find(|one| one.is_of(source, cycle)) {
            Some(one) => {
                one.row = one.row.max(row);
                one.reading = reading;
            }
            None => self.0.push(ImportedUpTo { source: source.into(), cycle, row, reading }),
        }
    }

    /// Everything noted.
    pub fn iter(&self) -> impl Iterator<Item = &ImportedUpTo> {
        self.0.iter()
    }
}

impl ImportedUpTo {
    fn is_of(&self, source: &str, cycle: Cycle) -> bool {
        self.cycle == cycle && *self.source == *source
    }
}

impl FromIterator<ImportedUpTo> for Imports {
    fn from_iter<I: IntoIterator<Item = ImportedUpTo>>(imports: I) -> Self {
        Self(imports.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAY: Cycle = Cycle::from_index(5);

    fn row(reading: u64, row: u64) -> ImportedRow<'static> {
        ImportedRow { source: "focus", row, reading, append: false }
    }

    fn imported(rows: u64) -> Imports {
        let mut imports = Imports::default();
        for number in 1..=rows {
            assert_eq!(imports.decide(&row(1, number), MAY), Ok(()));
            imports.apply("focus", MAY, number, Some(1));
        }
        imports
    }

    #[test]
    fn another_file_of_the_same_source_and_cycle_overlaps() {
        // rule C7
        let imports = imported(3);
        assert_eq!(imports.decide(&row(1, 4), MAY), Ok(()));
        assert_eq!(imports.decide(&row(1, 3), MAY), Err(Refusal::OverlappingImport));
        assert_eq!(imports.decide(&ImportedRow { append: true, ..row(2, 3) }, MAY), Ok(()));
        assert_eq!(imports.decide(&row(2, 1), Cycle::from_index(6)), Ok(()));
        assert_eq!(imports.decide(&ImportedRow { source: "other", ..row(2, 1) }, MAY), Ok(()));
    }

    #[test]
    fn only_a_reading_that_has_come_by_the_last_row_goes_on() {
        // rule C7: a longer file of the same month begins alike and then differs; its end is no continuation.
        let mut imports = imported(3);
        imports.met(&row(2, 2), MAY);
        assert_eq!(imports.decide(&row(2, 3), MAY), Err(Refusal::OverlappingImport));
        assert_eq!(imports.decide(&row(2, 4), MAY), Err(Refusal::OverlappingImport));
        imports.met(&row(2, 3), MAY);
        assert_eq!(imports.decide(&row(2, 4), MAY), Ok(()));
        assert_eq!(imports.decide(&row(1, 4), MAY), Err(Refusal::OverlappingImport));
    }
}
