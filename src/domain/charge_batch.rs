//! Many charges in two allocations: an arena of their texts, and a row for each.

use rust_decimal::Decimal;

use super::charge::{Category, Charge};
use super::money::Amount;
use super::time::{Cycle, Timestamp};

/// Texts of one charge, in the order in which they lie in the arena.
const TEXTS: usize = 9;

/// Bytes of text set aside for a charge by [`ChargeBatch::with_capacity`].
const TEXT_BYTES_USUAL: usize = 160;

/// Charges kept by value without an allocation per charge; [`ChargeBatch::clear`] keeps the memory for the next ones.
#[derive(Clone, Default, Debug)]
pub struct ChargeBatch {
    text: String,
    rows: Vec<Packed>,
    /// Rows of an import are meant to add to what another import posted: that they overlap is no reason to refuse
    /// them (rule C7).
    pub append: bool,
    /// Which reading of a file its rows come from, any number: rows of an import may only go on where the same reading
    /// has come by the last one posted (rule C7).
    pub reading: u64,
    /// The business time at which the charges are posted: the engine's clock if none. Alerts and suspensions go by it, not by
    /// the charges' own periods (rules H2, H4, J5).
    pub at: Option<Timestamp>,
}

/// What is not text, and where the texts are: one behind the other from `start`.
#[derive(Clone, Copy, Debug)]
struct Packed {
    start: usize,
    lengths: [u32; TEXTS],
    amount: Amount,
    quantity: Option<Decimal>,
    period_start: Timestamp,
    billing_cycle: Option<Cycle>,
    category: Category,
    correction: bool,
    import_row: u64,
}

impl ChargeBatch {
    /// An empty batch that owns no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for that many usual charges.
    pub fn with_capacity(charges: usize) -> Self {
        Self {
            text: String::with_capacity(charges.saturating_mul(TEXT_BYTES_USUAL)),
            rows: Vec::with_capacity(charges),
            append: false,
            reading: 0,
            at: None,
        }
    }

    /// Copies a charge to the end.
    pub fn push(&mut self, charge: &Charge<'_>) {
        let start = self.text.len();
        let texts = [
            charge.cloud_account,
            charge.source,
            charge.id,
            charge.currency,
            charge.service,
            charge.sku,
            charge.unit,
            charge.description,
            charge.tags,
        ];
        let lengths = texts.map(|text| {
            self.text.push_str(text);
            u32::try_from(text.len()).expect("invariant: a charge's text is shorter than 4 GiB")
        });
        self.rows.push(Packed {
            start,
            lengths,
            amount: charge.amount,
            quantity: charge.quantity,
            period_start: charge.period_start,
            billing_cycle: charge.billing_cycle,
            category: charge.category,
            correction: charge.correction,
            import_row: charge.import_row,
        });
    }

    /// How many charges there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of text in the arena.
    pub fn text_size(&self) -> usize {
        self.text.len()
    }

    /// Forgets the charges, that they append and their time, and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
        self.append = false;
        self.reading = 0;
        self.at = None;
    }

    /// The charge at `index`, counted from 0; panics beyond the end, as a slice does.
    pub fn get(&self, index: usize) -> Charge<'_> {
        self.charge(&self.rows[index])
    }

    /// The cloud account of the charge at `index`; panics beyond the end.
    #[inline]
    pub fn cloud_account(&self, index: usize) -> &str {
        let row = &self.rows[index];
        &self.text[row.start..row.start + row.lengths[0] as usize]
    }

    /// The charges in the order in which they were pushed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Charge<'_>> {
        self.rows.iter().map(|row| self.charge(row))
    }

    fn charge(&self, row: &Packed) -> Charge<'_> {
        let mut rest = &self.text[row.start..];
        let [cloud_account, source, id, currency, service, sku, unit, description, tags] =
            row.lengths.map(|length| {
                let (text, after) = rest.split_at(length as usize);
                rest = after;
                text
            });
        Charge {
            cloud_account,
            source,
            id,
            amount: row.amount,
            currency,
            period_start: row.period_start,
            billing_cycle: row.billing_cycle,
            category: row.category,
            correction: row.correction,
            service,
            sku,
            quantity: row.quantity,
            unit,
            description,
            tags,
            import_row: row.import_row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge<'a>(id: &'a str, description: &'a str) -> Charge<'a> {
        Charge {
            cloud_account: "acct/ä",
            source: "meter",
            id,
            amount: Amount::parse("-1.50").unwrap(),
            currency: "EUR",
            period_start: Timestamp::parse("2026-05-01T00:00:00Z").unwrap(),
            billing_cycle: Cycle::new(2026, 5),
            category: Category::Tax,
            correction: true,
            service: "Object Storage",
            sku: "",
            quantity: Some(Decimal::new(25, 1)),
            unit: "GB",
            description,
            tags: r#"{"team":"core"}"#,
            import_row: 7,
        }
    }

    #[test]
    fn gives_back_the_charges_that_were_pushed() {
        let charges = [charge("1", "first"), charge("2", ""), charge("3", "ünï")];
        let mut batch = ChargeBatch::with_capacity(2);
        for charge in &charges {
            batch.push(charge);
        }
        assert_eq!(batch.len(), 3);
        assert!(batch.iter().eq(charges.iter().copied()));
        assert_eq!(batch.get(1), charges[1]);
    }

    #[test]
    fn clearing_keeps_the_memory() {
        let mut batch = ChargeBatch::new();
        batch.push(&charge("1", "words"));
        let room = batch.text.capacity();
        batch.clear();
        assert!(batch.is_empty() && batch.text_size() == 0 && batch.text.capacity() == room);
        batch.push(&charge("2", ""));
        assert_eq!(batch.get(0), charge("2", ""));
    }
}
