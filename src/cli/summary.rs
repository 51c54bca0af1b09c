//! What an import did: counts, exact sums, and the rows that need a look.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Globals;
use super::failure::Failure;
use super::table::{self, Column, table};
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::engine::PostReport;
use crate::ingest::{Page, code};

/// Rows named in a summary; the others are counted.
const ITEMS_MAX: usize = 100;

/// Rows shown to a person.
const ITEMS_SHOWN: usize = 10;

/// A row, and what is to be said about it.
struct Item {
    input: usize,
    row: u64,
    code: &'static str,
    detail: String,
}

/// The first items, and how many more there are.
#[derive(Default)]
struct Items {
    kept: Vec<Item>,
    omitted: u64,
}

impl Items {
    fn push(&mut self, item: Item) {
        if self.kept.len() < ITEMS_MAX {
            self.kept.push(item);
        } else {
            self.omitted += 1;
        }
    }

    fn json(&self, inputs: &[String]) -> Value {
        let items = self.kept.iter().map(|item| {
            json!({ "file": inputs[item.input], "row": item.row, "code": item.code, "detail": item.detail })
        });
        Value::Array(items.collect())
    }
}

/// The figures of one import. All of it is durable.
pub(super) struct Summary {
    inputs: Vec<String>,
    rows: u64,
    accepted: u64,
    duplicate: u64,
    conflict: u64,
    rejected: u64,
    /// Whether lenient reading may take one that was rejected.
    has_strict: bool,
    /// Whether one was rejected because its account is not known.
    has_unknown: bool,
    lenient: bool,
    read_leniently: u64,
    /// Per currency; none where the sum is too large to be held.
    totals: BTreeMap<String, Option<Money>>,
    items: Items,
    notes: Items,
    /// Per code, how many notes there are, and the first of them.
    note_codes: BTreeMap<&'static str, (u64, Item)>,
    faults: Vec<(usize, String, String)>,
    stopped_at: Option<(usize, u64)>,
}

impl Summary {
    /// Nothing yet, of these inputs.
    pub(super) fn new(inputs: Vec<String>, lenient: bool) -> Self {
        Self {
            inputs,
            lenient,
            has_strict: false,
            has_unknown: false,
            rows: 0,
            accepted: 0,
            duplicate: 0,
            conflict: 0,
            rejected: 0,
            read_leniently: 0,
            totals: BTreeMap::new(),
            items: Items::default(),
            notes: Items::default(),
            note_codes: BTreeMap::new(),
            faults: Vec::new(),
            stopped_at: None,
        }
    }

    /// Rows that were looked at and are settled: posted and durable, or refused.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows that were posted now.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether every row was posted, now or before, and every input read to its end.
    pub(super) fn is_good(&self) -> bool {
        self.conflict == 0 && self.rejected == 0 && self.faults.is_empty()
    }

    /// Adds a page that is durable.
    pub(super) fn add(&mut self, input: usize, page: &Page, report: &PostReport) {
        self.rows += page.charges.len() as u64 - report.unsubmitted + page.refused.len() as u64;
        self.accepted += report.accepted;
        self.duplicate += report.duplicate;
        self.conflict += report.conflict;
        self.rejected += report.rejected + page.refused.len() as u64;
        self.has_strict |= !self.lenient && page.refused.iter().any(|fault| code::is_strict(fault.code));
        self.add_totals(page, report);
        let refused = page.refused.iter().map(|fault| Item {
            input,
            row: fault.row,
            code: fault.code,
            detail: fault.detail.clone(),
        });
        self.has_unknown |= report.items.iter().any(|item| item.code == Refusal::NotFound)
            || page.refused.iter().any(|fault| fault.code == Refusal::NotFound.code());
        let exceptions = report.items.iter().map(|item| Item {
            input,
            row: page.rows[item.index as usize],
            code: item.code.code(),
            detail: item.detail.clone(),
        });
        let room = ITEMS_MAX - self.items.kept.len();
        let count = page.refused.len() + report.items.len();
        if room == 0 {
            self.items.omitted += count as u64;
        } else {
            let mut items: Vec<_> = refused.chain(exceptions).collect();
            items.sort_by_key(|item| item.row);
            for item in items {
                self.items.push(item);
            }
        }
        let mut last = 0;
        for note in &page.notes {
            self.read_leniently += u64::from(note.row != last);
            last = note.row;
            let item =
                || Item { input, row: note.row, code: note.code, detail: note.detail.clone().into_owned() };
            self.note_codes.entry(note.code).or_insert_with(|| (0, item())).0 += 1;
            if self.notes.kept.len() == ITEMS_MAX {
                self.notes.omitted += 1;
            } else {
                self.notes.push(item());
            }
        }
    }

    /// Adds the accepted charges of a page to the totals: all but duplicates, exceptions and what was not submitted.
    fn add_totals(&mut self, page: &Page, report: &PostReport) {
        if report.accepted == 0 {
            return;
        }
        let submitted = page.charges.len() - usize::try_from(report.unsubmitted).unwrap_or(usize::MAX);
        let mut duplicates = report.duplicates.iter().map(|index| *index as usize).peekable();
        let mut exceptions = report.items.iter().map(|item| item.index as usize).peekable();
        let mut sum = Some(Money::ZERO);
        let mut currency = "";
        for (index, charge) in page.charges.iter().enumerate().take(submitted) {
            let duplicate = duplicates.next_if_eq(&index).is_some();
            let exception = exceptions.next_if_eq(&index).is_some();
            if duplicate || exception {
                continue;
            }
            if charge.currency != currency {
                self.add_total(currency, sum);
                (currency, sum) = (charge.currency, Some(Money::ZERO));
            }
            sum = sum.and_then(|sum| sum.checked_add(charge.amount.money()));
        }
        self.add_total(currency, sum);
    }

    fn add_total(&mut self, currency: &str, sum: Option<Money>) {
        if currency.is_empty() {
            return;
        }
        match self.totals.get_mut(currency) {
            Some(total) => *total = total.and_then(|total| total.checked_add(sum?)),
            None => drop(self.totals.insert(currency.to_owned(), sum)),
        }
    }

    /// Adds an input that could not be read, or not to its end.
    pub(super) fn add_fault(&mut self, input: usize, fault: &Failure) {
        self.faults.push((input, fault.detail(), fault.hint().to_owned()));
    }

    /// Notes where `--on-error stop` stopped.
    pub(super) fn stopped(&mut self, input: usize, row: u64) {
        self.stopped_at = Some((input, row));
    }

    /// The summary for programs.
    pub(super) fn json(&self, elapsed: Duration) -> Value {
        let totals: Map<_, _> = self
            .totals
            .iter()
            .map(|(currency, total)| {
                (currency.clone(), total.map_or(Value::Null, |total| json!(total.to_string())))
            })
            .collect();
        let mut json = json!({
            "rows": self.rows,
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "conflict": self.conflict,
            "rejected": self.rejected,
            "totals": totals,
            "read_leniently": self.read_leniently,
            "elapsed_seconds": elapsed.as_secs_f64(),
            "charges_per_second": self.charges_per_second(elapsed),
        });
        self.add_rows_json(&mut json);
        if let Some((input, row)) = self.stopped_at {
            json["stopped"] = json!({ "file": self.inputs[input], "row": row });
        }
        json
    }

    /// The rows that need a look and the inputs that could not be read, for programs.
    pub(super) fn add_rows_json(&self, json: &mut Value) {
        json["items"] = self.items.json(&self.inputs);
        json["items_omitted"] = self.items.omitted.into();
        json["notes"] = self.notes.json(&self.inputs);
        json["notes_omitted"] = self.notes.omitted.into();
        let fault = |(input, detail, hint): &(usize, String, String)| json!({ "file": self.inputs[*input], "detail": detail, "hint": hint });
        json["faults"] = self.faults.iter().map(fault).collect();
    }

    /// Options that may help where rows were refused.
    pub(super) fn hints(&self) -> impl Iterator<Item = &'static str> {
        let form =
            "`--lenient` also reads times without an offset, and amounts and categories in other spellings";
        let unknown = "`--open-accounts` opens the accounts that are not known yet";
        let form = self.has_strict.then_some(form);
        form.into_iter().chain(self.has_unknown.then_some(unknown))
    }

    /// The summary for people.
    pub(super) fn text(&self, elapsed: Duration, globals: &Globals) -> String {
        let mut text = String::new();
        self.write_text(&mut text, elapsed, globals).expect("invariant: writing into memory can't fail");
        text
    }

    fn write_text(&self, text: &mut String, elapsed: Duration, globals: &Globals) -> std::fmt::Result {
        let rows = table::count(self.rows);
        let speed = table::count(self.charges_per_second(elapsed));
        let seconds = elapsed.as_secs_f64();
        if self.accepted > 0 {
            let accepted = table::count(self.accepted);
            writeln!(text, "posted {accepted} charges of {rows} rows in {seconds:.2} s ({speed} a second)")?;
        } else if self.rows > 0 && self.duplicate == self.rows {
            writeln!(text, "nothing new: all {rows} rows were posted before")?;
        } else {
            writeln!(text, "nothing was posted of {rows} rows")?;
        }
        let totals: Vec<_> = self
            .totals
            .iter()
            .map(|(currency, total)| {
                let total =
                    total.map_or_else(|| "too large to be summed".to_owned(), |total| total.to_string());
                vec![String::new(), currency.clone(), total]
            })
            .collect();
        if !totals.is_empty() {
            text.push('\n');
            let columns = [Column::Left(""), Column::Left("currency"), Column::Right("total")];
            text.push_str(&table(&columns, &totals));
        }
        let counts = [
            (if self.accepted > 0 { self.duplicate } else { 0 }, "posted before: no effect (duplicate)"),
            (self.conflict, "posted before with another amount: left as it was (conflict)"),
            (self.rejected, "rejected"),
            (self.read_leniently, "read leniently"),
        ];
        if counts.iter().any(|(count, _)| *count > 0) {
            text.push('\n');
        }
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(text, "{} {what}", table::count(count))?;
        }
        self.write_rows(text)?;
        if let Some((input, row)) = self.stopped_at {
            writeln!(
                text,
                "\nstopped at row {row} of `{}`: nothing after it was submitted",
                self.inputs[input]
            )?;
        }
        if self.accepted + self.duplicate > 0 {
            let directory = globals.data_dir.display();
            let option = if globals.data_dir.as_os_str() == "exchequer-data" {
                String::new()
            } else {
                format!(" --data-dir {directory}")
            };
            writeln!(text, "\nnext: exchequer accounts{option}")?;
            writeln!(text, "      exchequer report --by billing_account,cycle{option}")?;
        }
        Ok(())
    }

    /// The rows that need a look, for people.
    pub(super) fn write_rows(&self, text: &mut String) -> std::fmt::Result {
        if !self.items.kept.is_empty() {
            writeln!(text, "\nnot posted:")?;
            for item in self.items.kept.iter().take(ITEMS_SHOWN) {
                writeln!(text, "  {}: {}: {}", self.place(item), item.code, item.detail)?;
            }
            let more = self.items.kept.len().saturating_sub(ITEMS_SHOWN) as u64 + self.items.omitted;
            if more > 0 {
                let more = table::count(more);
                writeln!(text, "  … and {more} more (`--output json` lists the first {ITEMS_MAX})")?;
            }
        }
        if !self.note_codes.is_empty() {
            writeln!(text, "\nread leniently:")?;
            for (code, (count, first)) in &self.note_codes {
                let (count, place) = (table::count(*count), self.place(first));
                writeln!(text, "  {code}, {count} times, first in {place}: {}", first.detail)?;
            }
        }
        Ok(())
    }

    fn place(&self, item: &Item) -> String {
        let row = item.row;
        if self.inputs.len() > 1 {
            format!("{}, row {row}", self.inputs[item.input])
        } else {
            format!("row {row}")
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // a speed, for people
    fn charges_per_second(&self, elapsed: Duration) -> u64 {
        (self.accepted as f64 / elapsed.as_secs_f64().max(1e-9)).round() as u64
    }
}
