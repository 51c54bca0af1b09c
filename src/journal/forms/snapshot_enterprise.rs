//! One enterprise in a snapshot: its credit control, and who administers its accounts.

use super::authorization_record::PolicyV1;
use super::crossing::{InboxV1, OutboxV1};
use super::parts::{CharterV1, RememberedV1};
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::credit_control::{Contract, CreditControl, Member};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::keys::{Keys, Remembered};
use crate::domain::money::Money;
use crate::domain::permissions::Permissions;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

/// The credit control of one enterprise.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct CreditControlV1 {
    enterprise: u32,
    charter: CharterV1,
    sequence: u64,
    at: i64,
    keys: Vec<RememberedV1>,
    account_center: bool,
    public_cloud: i128,
    hybrid_cloud: i128,
    contract: u8,
    members: Vec<(u32, MemberV1)>,
    outbox: OutboxV1,
    inbox: InboxV1,
    total_lowered: bool,
}

#[derive(Serialize, Deserialize)]
struct MemberV1 {
    active: bool,
    assigned: i128,
    pending: i128,
}

impl From<&CreditControl> for CreditControlV1 {
    fn from(control: &CreditControl) -> Self {
        let member = |(account, member): (&AccountIndex, &Member)| {
            let form = MemberV1 {
                active: member.active,
                assigned: member.assigned.units(),
                pending: member.pending.units(),
            };
            (account.0, form)
        };
        Self {
            enterprise: control.enterprise.0,
            charter: (&control.charter).into(),
            sequence: control.sequence,
            at: control.at.micros(),
            keys: control.keys.iter().map(RememberedV1::from).collect(),
            account_center: control.account_center,
            public_cloud: control.public_cloud.units(),
            hybrid_cloud: control.hybrid_cloud.units(),
            contract: contract_number(control.contract),
            members: control.members.iter().map(member).collect(),
            outbox: (&control.outbox).into(),
            inbox: (&control.inbox).into(),
            total_lowered: control.total_lowered,
        }
    }
}

impl TryFrom<CreditControlV1> for CreditControl {
    type Error = JournalFault;

    fn try_from(form: CreditControlV1) -> Result<Self, JournalFault> {
        let money = Money::from_units;
        let member = |(account, form): (u32, MemberV1)| {
            let MemberV1 { active, assigned, pending } = form;
            (AccountIndex(account), Member { active, assigned: money(assigned), pending: money(pending) })
        };
        Ok(Self {
            enterprise: EnterpriseIndex(form.enterprise),
            charter: form.charter.try_into()?,
            sequence: form.sequence,
            at: Timestamp::from_micros(form.at),
            keys: keys_of(form.keys)?,
            account_center: form.account_center,
            public_cloud: money(form.public_cloud),
            hybrid_cloud: money(form.hybrid_cloud),
            contract: contract_of(form.contract)?,
            members: form.members.into_iter().map(member).collect(),
            outbox: form.outbox.try_into()?,
            inbox: form.inbox.into(),
            total_lowered: form.total_lowered,
        })
    }
}

fn contract_number(contract: Contract) -> u8 {
    match contract {
        Contract::None => 0,
        Contract::Requested => 1,
        Contract::Approved => 2,
        Contract::Confirmed => 3,
    }
}

fn contract_of(number: u8) -> Result<Contract, JournalFault> {
    match number {
        0 => Ok(Contract::None),
        1 => Ok(Contract::Requested),
        2 => Ok(Contract::Approved),
        3 => Ok(Contract::Confirmed),
        _ => Err(JournalFault::Malformed("contract")),
    }
}

fn keys_of(form: Vec<RememberedV1>) -> Result<Keys, JournalFault> {
    form.into_iter().map(Remembered::try_from).collect()
}

/// The administrators of one account: who, and what they may.
type AdministratorsV1 = Vec<(Box<str>, u16)>;

/// The authorization of one enterprise, or that outside of enterprises.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct AuthorizationV1 {
    enterprise: u32,
    super_administrator: Option<Box<str>>,
    sequence: u64,
    at: i64,
    keys: Vec<RememberedV1>,
    administrators: Vec<(u32, AdministratorsV1)>,
    policies: Vec<(Box<str>, PolicyV1)>,
}

impl AuthorizationV1 {
    pub(in crate::journal) fn new(enterprise: EnterpriseIndex, authorization: &AdminAuthorization) -> Self {
        Self {
            enterprise: enterprise.0,
            super_administrator: authorization.super_administrator.clone(),
            sequence: authorization.sequence,
            at: authorization.at.micros(),
            keys: authorization.keys.iter().map(RememberedV1::from).collect(),
            administrators: authorization
                .administrators
                .iter()
                .map(|(account, list)| {
                    let list = list.iter().map(|(id, permissions)| (id.clone(), permissions.bits()));
                    (account.0, list.collect())
                })
                .collect(),
            policies: authorization
                .policies
                .iter()
                .map(|(user, policy)| (user.clone(), (*policy).into()))
                .collect(),
        }
    }

    pub(in crate::journal) fn into_state(
        self,
    ) -> Result<(EnterpriseIndex, AdminAuthorization), JournalFault> {
        let authorization = AdminAuthorization {
            super_administrator: self.super_administrator,
            sequence: self.sequence,
            at: Timestamp::from_micros(self.at),
            keys: keys_of(self.keys)?,
            administrators: self
                .administrators
                .into_iter()
                .map(|(account, list)| {
                    let list = list.into_iter().map(|(id, bits)| (id, Permissions::from_bits(bits)));
                    (AccountIndex(account), list.collect())
                })
                .collect(),
            policies: self.policies.into_iter().map(|(user, policy)| (user, policy.into())).collect(),
        };
        Ok((EnterpriseIndex(self.enterprise), authorization))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credit_control::Charter;
    use crate::domain::crossing::{Cargo, Party};
    use crate::domain::enterprise::Enterprise;
    use crate::domain::ids::Currency;
    use crate::domain::permissions::{Permission, Policy};
    use crate::journal::forms::from_slice;

    fn key() -> Remembered {
        Remembered {
            principal: "p".into(),
            key: "k".into(),
            digest: u128::MAX,
            answer: Box::from([1, 2]),
            at: Timestamp::from_micros(3),
        }
    }

    fn enterprise() -> Enterprise {
        let charter = Charter { owner: "o".into(), management_account: "m".into(), currency: Currency::USD };
        Enterprise::open(EnterpriseIndex(6), charter)
    }

    #[test]
    fn credit_controls_read_back() {
        let money = Money::from_units;
        let mut control = enterprise().control;
        control.sequence = 9;
        control.at = Timestamp::from_micros(4);
        control.keys.remember(key());
        control.account_center = true;
        control.public_cloud = money(i128::MAX);
        control.hybrid_cloud = money(2);
        control.total_lowered = true;
        control
            .members
            .insert(AccountIndex(1), Member { active: true, assigned: money(7), pending: money(8) });
        control.members.insert(AccountIndex(2), Member::default());
        control.outbox.push(Party::Account(AccountIndex(1)), Cargo::Credit { amount: money(7) });
        control.inbox.receive(Party::Account(AccountIndex(2)), 5);
        for contract in [Contract::None, Contract::Requested, Contract::Approved, Contract::Confirmed] {
            control.contract = contract;
            let bytes = rmp_serde::to_vec(&CreditControlV1::from(&control)).unwrap();
            let form: CreditControlV1 = from_slice("credit control", &bytes).unwrap();
            assert_eq!(CreditControl::try_from(form).unwrap(), control);
        }
    }

    #[test]
    fn authorizations_read_back() {
        let permissions: Permissions = [Permission::ReadAccount, Permission::Transfer].into_iter().collect();
        let mut authorization = enterprise().authorization;
        authorization.sequence = 3;
        authorization.at = Timestamp::from_micros(-4);
        authorization.keys.remember(key());
        authorization.administrators.entry(AccountIndex(1)).or_default().insert("c".into(), permissions);
        authorization.policies.insert("c/u".into(), Policy::ReadOnly);
        authorization.policies.insert("c/v".into(), Policy::Permissions(permissions));
        for (enterprise, authorization) in
            [(EnterpriseIndex(6), authorization), (EnterpriseIndex::NONE, AdminAuthorization::default())]
        {
            let bytes = rmp_serde::to_vec(&AuthorizationV1::new(enterprise, &authorization)).unwrap();
            let form: AuthorizationV1 = from_slice("authorization", &bytes).unwrap();
            assert_eq!(form.into_state().unwrap(), (enterprise, authorization));
        }
    }
}
