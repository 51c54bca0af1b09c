//! Messages between accounts, and from credit controls, and that they have arrived.

use std::sync::Arc;

use actix::{Handler, Message};

use super::super::planted::PlantedFault;
use super::super::resident::Resident;
use super::super::routes::Delivery;
use super::{BillingAccount, Cause};

/// A message of another account, or of the credit control, has come.
pub struct Receive(pub Delivery);

impl Message for Receive {
    type Result = ();
}

impl Handler<Receive> for BillingAccount {
    type Result = ();

    fn handle(&mut self, message: Receive, context: &mut Resident) {
        let Delivery { mut received, at, actor, crossing } = message.0;
        if context.planted == Some(PlantedFault::InboxNotIdempotent) {
            let newest = self.account.rare().map_or(0, |rare| rare.inbox.newest(received.from));
            received.number = received.number.max(newest + 1);
        }
        let (from, number) = (received.from, received.number);
        if let Some(event) = self.account.receive(&received) {
            let at = at.max(self.account.at());
            self.settle_due(at, context);
            self.record(event, Cause { at, elsewhere: at, actor, crossing: None }, None, context);
        }
        // The sender forgets it when this account's record is in the log's queue.
        let routes = Arc::clone(&context.routes);
        context.log.sends.push(Box::new(move || {
            routes.acknowledge(from, number);
            drop(crossing);
        }));
    }
}

/// The record of a message's receiver is in the log's queue.
pub struct Acknowledge(pub u64);

impl Message for Acknowledge {
    type Result = ();
}

impl Handler<Acknowledge> for BillingAccount {
    type Result = ();

    fn handle(&mut self, message: Acknowledge, _: &mut Resident) {
        self.account.rare_mut().outbox.acknowledge(message.0);
    }
}
