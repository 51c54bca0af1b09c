//! What a reader hands over: a page of charges, with what was refused and what was read leniently.

use std::borrow::Cow;

use crate::domain::charge::Charge;
use crate::domain::charge_batch::ChargeBatch;

/// Bytes of text after which a page takes no further row, however few rows it has.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Refusals and notes after which a page takes no further row.
const PAGE_MESSAGES_MAX: usize = 64 * 1024;

/// Charges in the order of the input, and what else is to be said about its rows.
#[derive(Default, Debug)]
pub struct Page {
    /// The charges that were read.
    pub charges: ChargeBatch,
    /// For each charge its 1-based data row; with NDJSON its line, with MessagePack its record.
    pub rows: Vec<u64>,
    /// For each charge the billing account that is to pay it when it is not known yet.
    pub opens: Openings,
    /// The rows that were refused.
    pub refused: Vec<RowFault>,
    /// What lenient reading took for granted.
    pub notes: Vec<RowNote>,
}

/// A row that is no charge, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowFault {
    /// 1-based data row; with NDJSON the line, with MessagePack the record.
    pub row: u64,
    /// One of the codes in [`code`](super::code).
    pub code: &'static str,
    /// The reason, for a person.
    pub detail: String,
}

/// A reading that strict mode would have refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowNote {
    /// 1-based data row; with NDJSON the line, with MessagePack the record.
    pub row: u64,
    /// One of the codes in [`code`](super::code).
    pub code: &'static str,
    /// What was read how, for a person.
    pub detail: Cow<'static, str>,
}

/// Accounts to open for a charge whose cloud account is unknown (rule A4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening<'a> {
    /// The billing account that pays.
    pub billing_account: &'a str,
    /// The cloud account that it pays for; its default one when the ids are equal.
    pub cloud_account: &'a str,
    /// The billing account's currency.
    pub currency: &'a str,
}

/// The billing account ids of a page's charges; a run of equal ones is kept once.
#[derive(Default, Debug)]
pub struct Openings {
    text: String,
    spans: Vec<(usize, usize)>,
}

impl Openings {
    /// The billing account id of the charge at `index`.
    pub fn get(&self, index: usize) -> &str {
        let (start, end) = self.spans[index];
        &self.text[start..end]
    }

    fn push(&mut self, billing_account: &str) {
        let span = match self.spans.last() {
            Some(&(start, end)) if &self.text[start..end] == billing_account => (start, end),
            _ => {
                let start = self.text.len();
                self.text.push_str(billing_account);
                (start, self.text.len())
            }
        };
        self.spans.push(span);
    }
}

impl Page {
    /// An empty page.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.charges.clear();
        self.rows.clear();
        self.opens.text.clear();
        self.opens.spans.clear();
        self.refused.clear();
        self.notes.clear();
    }

    /// Which accounts the charge at `index` needs.
    pub fn opening(&self, index: usize) -> Opening<'_> {
        let charge = self.charges.get(index);
        Opening {
            billing_account: self.opens.get(index),
            cloud_account: charge.cloud_account,
            currency: charge.currency,
        }
    }

    pub(super) fn push(&mut self, row: u64, charge: &Charge<'_>, billing_account: &str) {
        self.charges.push(charge);
        self.rows.push(row);
        self.opens.push(billing_account);
    }

    /// Whether there is room for another row.
    pub(super) fn has_room(&self) -> bool {
        self.charges.text_size() + self.opens.text.len() < PAGE_BYTES_MAX
            && self.refused.len() + self.notes.len() < PAGE_MESSAGES_MAX
    }
}
