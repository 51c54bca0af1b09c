//! What happened to a credit control, as its records hold it.

use super::parts::PostedV1;
use crate::domain::credit_control::CreditEvent;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) enum CreditEventV1 {
    AccountCenterEnabled,
    AccountInvited { account: u32 },
    MemberJoined { account: u32, number: u64 },
    MemberLeft { account: u32, number: u64 },
    TotalCreditSet { public_cloud: i128, hybrid_cloud: i128 },
    ContractRequested,
    ContractApproved,
    ContractConfirmed { activated: Vec<(u32, i128)>, posted: PostedV1 },
    LimitPending { account: u32, limit: i128 },
    CreditAllocated { account: u32, amount: i128, assigned_after: i128, posted: PostedV1 },
    CreditReturned { account: u32, number: u64, amount: i128, moved: Option<(u32, PostedV1)> },
    NothingChanged,
}

impl From<&CreditEvent> for CreditEventV1 {
    fn from(event: &CreditEvent) -> Self {
        match event {
            CreditEvent::AccountCenterEnabled => Self::AccountCenterEnabled,
            CreditEvent::AccountInvited { account } => Self::AccountInvited { account: account.0 },
            CreditEvent::MemberJoined { account, number } => {
                Self::MemberJoined { account: account.0, number: *number }
            }
            CreditEvent::MemberLeft { account, number } => {
                Self::MemberLeft { account: account.0, number: *number }
            }
            CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud } => Self::TotalCreditSet {
                public_cloud: public_cloud.units(),
                hybrid_cloud: hybrid_cloud.units(),
            },
            CreditEvent::NothingChanged => Self::NothingChanged,
            CreditEvent::ContractRequested => Self::ContractRequested,
            CreditEvent::ContractApproved => Self::ContractApproved,
            CreditEvent::ContractConfirmed { activated, posted } => Self::ContractConfirmed {
                activated: activated.iter().map(|(account, limit)| (account.0, limit.units())).collect(),
                posted: (*posted).into(),
            },
            CreditEvent::LimitPending { account, limit } => {
                Self::LimitPending { account: account.0, limit: limit.units() }
            }
            CreditEvent::CreditAllocated { account, amount, assigned_after, posted } => {
                Self::CreditAllocated {
                    account: account.0,
                    amount: amount.units(),
                    assigned_after: assigned_after.units(),
                    posted: (*posted).into(),
                }
            }
            CreditEvent::CreditReturned { account, number, amount, moved } => Self::CreditReturned {
                account: account.0,
                number: *number,
                amount: amount.units(),
                moved: moved.map(|(to, posted)| (to.0, posted.into())),
            },
        }
    }
}

impl From<CreditEventV1> for CreditEvent {
    fn from(form: CreditEventV1) -> Self {
        let (money, account_of) = (Money::from_units, AccountIndex);
        match form {
            CreditEventV1::AccountCenterEnabled => Self::AccountCenterEnabled,
            CreditEventV1::AccountInvited { account } => {
                Self::AccountInvited { account: account_of(account) }
            }
            CreditEventV1::MemberJoined { account, number } => {
                Self::MemberJoined { account: account_of(account), number }
            }
            CreditEventV1::MemberLeft { account, number } => {
                Self::MemberLeft { account: account_of(account), number }
            }
            CreditEventV1::TotalCreditSet { public_cloud, hybrid_cloud } => {
                Self::TotalCreditSet { public_cloud: money(public_cloud), hybrid_cloud: money(hybrid_cloud) }
            }
            CreditEventV1::NothingChanged => Self::NothingChanged,
            CreditEventV1::ContractRequested => Self::ContractRequested,
            CreditEventV1::ContractApproved => Self::ContractApproved,
            CreditEventV1::ContractConfirmed { activated, posted } => Self::ContractConfirmed {
                activated: activated
                    .into_iter()
                    .map(|(account, limit)| (account_of(account), money(limit)))
                    .collect(),
                posted: posted.into(),
            },
            CreditEventV1::LimitPending { account, limit } => {
                Self::LimitPending { account: account_of(account), limit: money(limit) }
            }
            CreditEventV1::CreditAllocated { account, amount, assigned_after, posted } => {
                Self::CreditAllocated {
                    account: account_of(account),
                    amount: money(amount),
                    assigned_after: money(assigned_after),
                    posted: posted.into(),
                }
            }
            CreditEventV1::CreditReturned { account, number, amount, moved } => Self::CreditReturned {
                account: account_of(account),
                number,
                amount: money(amount),
                moved: moved.map(|(to, posted)| (account_of(to), posted.into())),
            },
        }
    }
}
