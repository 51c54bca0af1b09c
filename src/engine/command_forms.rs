//! How the fields of commands are written where a command's digest is made (rule J2).

use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::domain::billing::asset::AssetKind;
use crate::domain::money::Amount;
use crate::domain::permissions::{Permissions, Policy};
use crate::domain::time::Cycle;

#[allow(clippy::ref_option)] // serde's form
pub(super) fn optional_text<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
pub(super) fn asset_name<S: Serializer>(kind: &AssetKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

#[allow(clippy::ref_option)] // serde's form
pub(super) fn asset_names<S: Serializer>(
    kinds: &Option<Vec<AssetKind>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let names: Option<Vec<_>> = kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.name()).collect());
    names.serialize(serializer)
}

pub(super) fn pairs_of<S: Serializer>(pairs: &[(String, Cycle)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pairs.iter().map(|(account, cycle)| (account, cycle.to_string())))
}

pub(super) fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // serde's form
pub(super) fn permission_names<S: Serializer>(
    permissions: &Option<Permissions>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    permissions.map(Permissions::bits).serialize(serializer)
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
pub(super) fn policy_name<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
    match policy {
        Policy::FullAccess => serializer.serialize_str("full_access"),
        Policy::ReadOnly => serializer.serialize_str("read_only"),
        Policy::Permissions(permissions) => serializer.serialize_u16(permissions.bits()),
    }
}

#[allow(clippy::ref_option)] // serde's form
pub(super) fn optional_amount<S: Serializer>(
    amount: &Option<Amount>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => plain_amount(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// 1.0 and 1.00 are the same request.
pub(super) fn plain_amount<S: Serializer>(amount: &Amount, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.money())
}
