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
}

impl Imports {
    /// Decides whether a row that was not posted before continues what was imported.
    ///
    /// Rows of the same file come in order, and those before it are duplicates; so a new row at or below the
    /// highest one posted is from another file.
    pub fn decide(&self, source: &str, cycle: Cycle, row: u64) -> Result<(), Refusal> {
        match self.0.iter().find(|one| one.cycle == cycle && *one.source == *source) {
            Some(one) if row <= one.row => Err(Refusal::OverlappingImport),
            _ => Ok(()),
        }
    }

    /// Notes a posted row.
    pub fn apply(&mut self, source: &str, cycle: Cycle, row: u64) {
        match self.0.iter_mut().find(|one| one.cycle == cycle && *one.source == *source) {
            Some(one) => one.row = one.row.max(row),
            None => self.0.push(ImportedUpTo { source: source.into(), cycle, row }),
        }
    }

    /// Everything noted.
    pub fn iter(&self) -> impl Iterator<Item = &ImportedUpTo> {
        self.0.iter()
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

    #[test]
    fn another_file_of_the_same_source_and_cycle_overlaps() {
        // rule C7
        let (may, june) = (Cycle::from_index(5), Cycle::from_index(6));
        let mut imports = Imports::default();
        for row in 1..=3 {
            assert_eq!(imports.decide("focus", may, row), Ok(()));
            imports.apply("focus", may, row);
        }
        assert_eq!(imports.decide("focus", may, 4), Ok(()));
        assert_eq!(imports.decide("focus", may, 3), Err(Refusal::OverlappingImport));
        assert_eq!(imports.decide("focus", june, 1), Ok(()));
        assert_eq!(imports.decide("other", may, 1), Ok(()));
    }
}
