//! Which column of a CSV file is which, by the names in its header.

use super::IngestFault;
use super::layout::{Layout, Tags};

/// The columns that make a charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(super) enum Column {
    Cost,
    Currency,
    BillingAccount,
    SubAccount,
    PeriodStart,
    BillingPeriod,
    Category,
    Class,
    Service,
    Sku,
    Quantity,
    Unit,
    Description,
    Tags,
    /// The row's own key.
    LineItem,
    /// What the key needs beside it to be unique.
    Interval,
}

impl Column {
    /// How many there are.
    const COUNT: usize = Self::ALL.len();

    /// Every column, in the order of its number.
    pub(super) const ALL: [Self; 16] = [
        Self::Cost,
        Self::Currency,
        Self::BillingAccount,
        Self::SubAccount,
        Self::PeriodStart,
        Self::BillingPeriod,
        Self::Category,
        Self::Class,
        Self::Service,
        Self::Sku,
        Self::Quantity,
        Self::Unit,
        Self::Description,
        Self::Tags,
        Self::LineItem,
        Self::Interval,
    ];
}

/// Where the columns of a file are.
#[derive(Debug)]
pub(super) struct Columns {
    /// For each column its name, and its index among the fields of a row.
    places: [(&'static str, Option<usize>); Column::COUNT],
    tags: Vec<TagColumn>,
    count: usize,
}

/// A column that holds one tag.
#[derive(Debug)]
pub(super) struct TagColumn {
    /// The tag's key.
    pub(super) key: String,
    /// Its index among the fields of a row.
    pub(super) index: usize,
}

impl Columns {
    /// From the fields of the header; lenient reading also takes names in another letter case or with spaces around.
    pub(super) fn find<'h>(
        header: impl Iterator<Item = &'h [u8]> + Clone,
        layout: &Layout,
        lenient: bool,
    ) -> Result<Self, IngestFault> {
        let mut places = [("", None); Column::COUNT];
        for column in Column::ALL {
            let names = (layout.names)(column);
            let Some(usual) = names.first() else { continue };
            let mut found = place(&header, names, |field, name| field == name)?;
            if lenient && found.is_none() {
                found = place(&header, names, |field, name| field.trim_ascii().eq_ignore_ascii_case(name))?;
            }
            if found.is_none() && layout.required.contains(&column) {
                return Err(IngestFault::ColumnMissing { format: layout.format, column: usual });
            }
            places[column as usize] = found.map_or((*usual, None), |(name, index)| (name, Some(index)));
        }
        let tag = |(index, field): (usize, &[u8])| match layout.tags {
            Tags::Columns(prefix) => field
                .strip_prefix(prefix.as_bytes())
                .map(|key| TagColumn { key: String::from_utf8_lossy(key).into_owned(), index }),
            Tags::Json | Tags::BareJson => None,
        };
        Ok(Self { places, tags: header.clone().enumerate().filter_map(tag).collect(), count: header.count() })
    }

    /// The column's name in this file; where it is absent, its usual one.
    pub(super) fn name(&self, column: Column) -> &'static str {
        self.places[column as usize].0
    }

    /// The column's index among the fields of a row.
    pub(super) fn index_of(&self, column: Column) -> Option<usize> {
        self.places[column as usize].1
    }

    /// The columns that hold one tag each.
    pub(super) fn tags(&self) -> &[TagColumn] {
        &self.tags
    }

    /// How many columns the file has, known or not.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

/// The first of the names that the header has, and where.
fn place<'h>(
    header: &(impl Iterator<Item = &'h [u8]> + Clone),
    names: &'static [&'static str],
    same: fn(&[u8], &[u8]) -> bool,
) -> Result<Option<(&'static str, usize)>, IngestFault> {
    for name in names {
        let mut found = header.clone().enumerate().filter(|(_, field)| same(field, name.as_bytes()));
        if let Some((index, _)) = found.next() {
            return match found.next() {
                Some(_) => Err(IngestFault::ColumnTwice(name)),
                None => Ok(Some((name, index))),
            };
        }
    }
    Ok(None)
}
