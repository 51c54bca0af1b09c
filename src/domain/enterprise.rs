//! One enterprise as recovery makes it: the states of its two actors.

use super::admin_authorization::AdminAuthorization;
use super::credit_control::{Charter, CreditControl};
use super::ids::EnterpriseIndex;

/// The whole state of one enterprise (rules A6, E1–E6, G1–G4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enterprise {
    /// Members, quota, contract and limits.
    pub control: CreditControl,
    /// Who administers its accounts.
    pub authorization: AdminAuthorization,
}

impl Enterprise {
    /// A new one.
    pub fn open(enterprise: EnterpriseIndex, charter: Charter) -> Self {
        let authorization = AdminAuthorization::of(&charter.management_account);
        Self { control: CreditControl::open(enterprise, charter), authorization }
    }
}
