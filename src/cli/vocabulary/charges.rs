//! `post_charges`: each malformed charge is an item of its own, like one that a rule refuses (rule C6).

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Problem;
use crate::domain::time::Timestamp;
use crate::engine::{Engine, OnError, PostReport};
use crate::ingest::{Page, read_charge};

/// Posts charges as they are written, at that business time.
pub(super) fn post(
    engine: &Engine,
    charges: &[&RawValue],
    on_error: OnError,
    at: Option<Timestamp>,
) -> Result<Value, Problem> {
    let mut page = Page::new();
    page.charges.at = at;
    for (index, charge) in (0..).zip(charges) {
        read_charge(charge.get(), index, &mut page);
        if on_error == OnError::Stop && !page.refused.is_empty() {
            break;
        }
    }
    let malformed = page.refused.len() as u64;
    // All or none: one that can't be read is enough.
    let report = if on_error == OnError::Atomic && malformed > 0 {
        PostReport { rejected: charges.len() as u64 - malformed, ..PostReport::default() }
    } else {
        engine.post(&page.charges, on_error)?
    };
    // The engine stopped before the malformed one was reached.
    if on_error == OnError::Stop && !report.items.is_empty() {
        page.refused.clear();
    }
    let malformed = page.refused.len() as u64;
    let mut items: Vec<_> = page
        .refused
        .iter()
        .map(|fault| (fault.row, fault.code, fault.detail.as_str()))
        .chain(
            report
                .items
                .iter()
                .map(|item| (page.rows[item.index as usize], item.code.code(), item.detail.as_str())),
        )
        .collect();
    items.sort_by_key(|(index, ..)| *index);
    let items: Vec<_> = items
        .into_iter()
        .map(|(index, code, detail)| json!({ "index": index, "code": code, "detail": detail }))
        .collect();
    let rejected = report.rejected + malformed;
    let settled = report.accepted + report.duplicate + report.conflict + rejected;
    Ok(json!({
        "accepted": report.accepted,
        "duplicate": report.duplicate,
        "conflict": report.conflict,
        "rejected": rejected,
        "unsubmitted": charges.len() as u64 - settled,
        "items": items,
    }))
}
