//! What crosses accounts, as snapshots hold it.

use super::parts::RememberedV1;
use crate::domain::crossing::{Cargo, Inbox, Outbox, Party, Sent};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum PartyV1 {
    Account(u32),
    CreditControl(u32),
}

impl From<Party> for PartyV1 {
    fn from(party: Party) -> Self {
        match party {
            Party::Account(account) => Self::Account(account.0),
            Party::CreditControl(enterprise) => Self::CreditControl(enterprise.0),
        }
    }
}

impl From<PartyV1> for Party {
    fn from(form: PartyV1) -> Self {
        match form {
            PartyV1::Account(account) => Self::Account(AccountIndex(account)),
            PartyV1::CreditControl(enterprise) => Self::CreditControl(EnterpriseIndex(enterprise)),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum CargoV1 {
    Transfer { amount: i128 },
    Revocation { amount: i128 },
    Credit { amount: i128 },
    CreditReturn { amount: i128, moves_to: Option<u32>, remembered: Option<RememberedV1> },
    Joined,
    Left,
}

impl From<&Cargo> for CargoV1 {
    fn from(cargo: &Cargo) -> Self {
        match cargo {
            Cargo::Transfer { amount } => Self::Transfer { amount: amount.units() },
            Cargo::Revocation { amount } => Self::Revocation { amount: amount.units() },
            Cargo::Credit { amount } => Self::Credit { amount: amount.units() },
            Cargo::CreditReturn { amount, moves_to, remembered } => Self::CreditReturn {
                amount: amount.units(),
                moves_to: moves_to.map(|account| account.0),
                remembered: remembered.as_deref().map(RememberedV1::from),
            },
            Cargo::Joined => Self::Joined,
            Cargo::Left => Self::Left,
        }
    }
}

impl TryFrom<CargoV1> for Cargo {
    type Error = JournalFault;

    fn try_from(form: CargoV1) -> Result<Self, JournalFault> {
        let money = Money::from_units;
        Ok(match form {
            CargoV1::Transfer { amount } => Self::Transfer { amount: money(amount) },
            CargoV1::Revocation { amount } => Self::Revocation { amount: money(amount) },
            CargoV1::Credit { amount } => Self::Credit { amount: money(amount) },
            CargoV1::CreditReturn { amount, moves_to, remembered } => Self::CreditReturn {
                amount: money(amount),
                moves_to: moves_to.map(AccountIndex),
                remembered: remembered.map(Remembered::try_from).transpose()?.map(Box::new),
            },
            CargoV1::Joined => Self::Joined,
            CargoV1::Left => Self::Left,
        })
    }
}

#[derive(Serialize, Deserialize, Default)]
pub(super) struct OutboxV1 {
    last: u64,
    waiting: Vec<(u64, PartyV1, CargoV1)>,
}

impl From<&Outbox> for OutboxV1 {
    fn from(outbox: &Outbox) -> Self {
        let form = |sent: &Sent| (sent.number, sent.to.into(), (&sent.cargo).into());
        Self { last: outbox.last(), waiting: outbox.waiting().map(form).collect() }
    }
}

impl TryFrom<OutboxV1> for Outbox {
    type Error = JournalFault;

    fn try_from(form: OutboxV1) -> Result<Self, JournalFault> {
        let mut waiting: Vec<Sent> = Vec::with_capacity(form.waiting.len());
        for (number, to, cargo) in form.waiting {
            let before = waiting.last().map_or(0, |sent| sent.number);
            if number <= before || number > form.last {
                return Err(JournalFault::Malformed("outbox"));
            }
            waiting.push(Sent { number, to: to.into(), cargo: cargo.try_into()? });
        }
        Ok(Self::from_parts(form.last, waiting))
    }
}

#[derive(Serialize, Deserialize, Default)]
pub(super) struct InboxV1(Vec<(PartyV1, u64)>);

impl From<&Inbox> for InboxV1 {
    fn from(inbox: &Inbox) -> Self {
        Self(inbox.iter().map(|(from, number)| (from.into(), number)).collect())
    }
}

impl From<InboxV1> for Inbox {
    fn from(form: InboxV1) -> Self {
        form.0.into_iter().map(|(from, number)| (from.into(), number)).collect()
    }
}
