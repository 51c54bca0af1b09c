//! Which column of a FOCUS file is which (FOCUS 1.0–1.3, by header names).

use super::IngestFault;

/// The columns that make a charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(super) enum Column {
    BilledCost,
    BillingCurrency,
    BillingAccountId,
    SubAccountId,
    ChargePeriodStart,
    BillingPeriodStart,
    ChargeCategory,
    ChargeClass,
    ServiceName,
    SkuId,
    ConsumedQuantity,
    ConsumedUnit,
    ChargeDescription,
    Tags,
}

impl Column {
    /// How many there are.
    pub(super) const COUNT: usize = Self::ALL.len();

    /// Every column, in the order of its number.
    pub(super) const ALL: [Self; 14] = [
        Self::BilledCost,
        Self::BillingCurrency,
        Self::BillingAccountId,
        Self::SubAccountId,
        Self::ChargePeriodStart,
        Self::BillingPeriodStart,
        Self::ChargeCategory,
        Self::ChargeClass,
        Self::ServiceName,
        Self::SkuId,
        Self::ConsumedQuantity,
        Self::ConsumedUnit,
        Self::ChargeDescription,
        Self::Tags,
    ];

    /// Its name in the header.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BilledCost => "BilledCost",
            Self::BillingCurrency => "BillingCurrency",
            Self::BillingAccountId => "BillingAccountId",
            Self::SubAccountId => "SubAccountId",
            Self::ChargePeriodStart => "ChargePeriodStart",
            Self::BillingPeriodStart => "BillingPeriodStart",
            Self::ChargeCategory => "ChargeCategory",
            Self::ChargeClass => "ChargeClass",
            Self::ServiceName => "ServiceName",
            Self::SkuId => "SkuId",
            Self::ConsumedQuantity => "ConsumedQuantity",
            Self::ConsumedUnit => "ConsumedUnit",
            Self::ChargeDescription => "ChargeDescription",
            Self::Tags => "Tags",
        }
    }
}

/// Where the columns are.
#[derive(Debug)]
pub(super) struct Columns {
    index_of: [Option<usize>; Column::COUNT],
    count: usize,
}

impl Columns {
    /// From the fields of the header; lenient reading also takes names in another letter case or with spaces around.
    pub(super) fn find<'h>(
        header: impl Iterator<Item = &'h [u8]> + Clone,
        lenient: bool,
    ) -> Result<Self, IngestFault> {
        let mut index_of = [None; Column::COUNT];
        for column in Column::ALL {
            let name = column.name().as_bytes();
            let place = |same: &dyn Fn(&[u8]) -> bool| {
                let mut found =
                    header.clone().enumerate().filter(|(_, field)| same(field)).map(|(index, _)| index);
                let first = found.next();
                if found.next().is_some() { Err(IngestFault::ColumnTwice(column.name())) } else { Ok(first) }
            };
            let mut index = place(&|field| field == name)?;
            if lenient && index.is_none() {
                index = place(&|field| field.trim_ascii().eq_ignore_ascii_case(name))?;
            }
            index_of[column as usize] = index;
        }
        if index_of[Column::BilledCost as usize].is_none() {
            return Err(IngestFault::NoCostColumn);
        }
        Ok(Self { index_of, count: header.count() })
    }

    /// The column's index among the fields of a row.
    pub(super) fn index_of(&self, column: Column) -> Option<usize> {
        self.index_of[column as usize]
    }

    /// How many columns the file has, known or not.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

/// Whether the first line of a text names a column of FOCUS.
pub(super) fn is_header(line: &[u8]) -> bool {
    line.split(|byte| *byte == b',').any(|field| {
        let field = field.trim_ascii();
        let field = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field);
        Column::ALL.iter().any(|column| column.name().as_bytes().eq_ignore_ascii_case(field.trim_ascii()))
    })
}
