//! Where the actors are: how a message finds the account or the credit control that it is for.

use std::sync::{Arc, OnceLock};

use actix::Addr;
use actix::dev::Envelope;
use parking_lot::RwLock;

use super::admin_authorization::AdminAuthorizationActor;
use super::billing_account::{Acknowledge, Receive};
use super::credit_control::{AcknowledgeCredit, CreditControlActor, ReceiveCredit};
use super::crossings::Crossing;
use super::shard::{Deliver, Shard};
use crate::domain::crossing::{Party, Received, Sent};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::time::Timestamp;

/// The actors of one enterprise.
#[derive(Clone)]
pub struct EnterpriseActors {
    /// Its credit control.
    pub control: Addr<CreditControlActor>,
    /// Its authorization.
    pub authorization: Addr<AdminAuthorizationActor>,
}

/// Every actor's address.
#[derive(Default)]
pub struct Routes {
    /// The shards; set before anything runs.
    pub shards: OnceLock<Vec<Addr<Shard>>>,
    /// The enterprises, by number.
    pub enterprises: RwLock<Vec<EnterpriseActors>>,
    /// The authorization outside of enterprises.
    pub outside: OnceLock<Addr<AdminAuthorizationActor>>,
}

/// One message on its way, and what is known of it besides.
pub struct Delivery {
    /// The message.
    pub received: Received,
    /// Business time of the command that caused it; the receiver's own may be later.
    pub at: Timestamp,
    /// Who gave the command that caused it.
    pub actor: Box<str>,
    /// Keeps the accounts that it concerns from being closed until it has arrived.
    pub crossing: Option<Arc<Crossing>>,
}

impl Delivery {
    /// What `sent` is for its receiver.
    pub fn of(from: Party, sent: &Sent, at: Timestamp, actor: &str, crossing: Option<Arc<Crossing>>) -> Self {
        let received = Received { from, number: sent.number, cargo: sent.cargo.clone() };
        Self { received, at, actor: actor.into(), crossing }
    }
}

impl Routes {
    /// The actors of an enterprise.
    pub fn enterprise(&self, enterprise: EnterpriseIndex) -> Option<EnterpriseActors> {
        self.enterprises.read().get(enterprise.0 as usize).cloned()
    }

    /// The authorization that decides about the accounts of an enterprise, or about those outside of any.
    pub fn authorization(
        &self,
        enterprise: Option<EnterpriseIndex>,
    ) -> Option<Addr<AdminAuthorizationActor>> {
        match enterprise {
            Some(enterprise) => self.enterprise(enterprise).map(|actors| actors.authorization),
            None => self.outside.get().cloned(),
        }
    }

    /// Sends a message on its way. The sender's record is in the log's queue by now.
    pub fn deliver(&self, to: Party, delivery: Delivery) {
        match to {
            Party::Account(account) => {
                self.to_account(account, Envelope::new(Receive(delivery), None));
            }
            Party::CreditControl(enterprise) => {
                let actors = self.enterprise(enterprise);
                let control = actors.expect("invariant: messages go to enterprises that were opened").control;
                control.do_send(ReceiveCredit(delivery));
            }
        }
    }

    /// Tells a sender that the record of its message's receiver is in the log's queue.
    pub fn acknowledge(&self, sender: Party, number: u64) {
        match sender {
            Party::Account(account) => {
                self.to_account(account, Envelope::new(Acknowledge(number), None));
            }
            Party::CreditControl(enterprise) => {
                if let Some(actors) = self.enterprise(enterprise) {
                    actors.control.do_send(AcknowledgeCredit(number));
                }
            }
        }
    }

    fn to_account(&self, account: AccountIndex, envelope: Envelope<super::billing_account::BillingAccount>) {
        let shards = self.shards.get().expect("invariant: set before anything runs");
        shards[account.partition().shard(shards.len())].do_send(Deliver { account, envelope });
    }
}
