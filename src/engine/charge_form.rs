//! The form of a charge: what it must have, and how its texts are put into an inbox (rules A7, C1).

use crate::actors::inbox::{Contents, Extra, NO_EXTRA, UUID};
use crate::domain::charge::Charge;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::ids::{is_cloud_account_id, is_id};
use crate::domain::refusals::Refusal;
use crate::domain::strings::StringId;
use crate::journal::charges::ChargeId;
use crate::limits::{LABEL_BYTES_MAX, TEXT_BYTES_MAX};

pub(super) fn push_id(contents: &mut Contents, id: &str) -> (u32, u8) {
    let at = u32::try_from(contents.texts.len()).expect("invariant: a chunk's texts are far below 4 GiB");
    match ChargeId::new(id) {
        ChargeId::Uuid(bytes) => {
            contents.texts.extend_from_slice(&bytes);
            (at, UUID)
        }
        ChargeId::Text(text) => {
            contents.texts.extend_from_slice(text.as_bytes());
            (at, u8::try_from(text.len()).expect("invariant: ids have at most 128 bytes"))
        }
    }
}

#[inline]
pub(super) fn push_extra(
    contents: &mut Contents,
    charge: &Charge<'_>,
    labels: &[StringId; 4],
    batch: &ChargeBatch,
) -> u32 {
    if charge.quantity.is_none()
        && charge.description.is_empty()
        && charge.tags.is_empty()
        && charge.import_row == 0
        && !labels.contains(&StringId::INLINE)
    {
        return NO_EXTRA;
    }
    let inline = |field: usize, text| if labels[field] == StringId::INLINE { text } else { "" };
    let texts = [
        charge.description,
        charge.tags,
        inline(0, charge.source),
        inline(1, charge.service),
        inline(2, charge.sku),
        inline(3, charge.unit),
    ];
    let place =
        u32::try_from(contents.extras.len()).expect("invariant: a chunk has far fewer charges than 2^32");
    let lengths = texts.map(|text| {
        contents.texts.extend_from_slice(text.as_bytes());
        u32::try_from(text.len()).expect("invariant: texts are bounded by TEXT_BYTES_MAX")
    });
    let ChargeBatch { append, reading, .. } = *batch;
    let (quantity, import_row) = (charge.quantity, charge.import_row);
    contents.extras.push(Extra { quantity, lengths, import_row, reading, append });
    place
}

/// Checks the form of a charge (rules A7, C1); its cloud account and its source only where asked to.
#[inline]
pub(super) fn checked(charge: &Charge<'_>, cloud_account: bool, source: bool) -> Result<(), Refusal> {
    if !is_id(charge.id)
        || cloud_account && !is_cloud_account_id(charge.cloud_account)
        || source && !is_id(charge.source)
    {
        return Err(Refusal::InvalidId);
    }
    if [charge.service, charge.sku, charge.unit].iter().any(|label| label.len() > LABEL_BYTES_MAX)
        || charge.description.len() > TEXT_BYTES_MAX
        || charge.tags.len() > TEXT_BYTES_MAX
    {
        return Err(Refusal::FieldTooLong);
    }
    Ok(())
}
