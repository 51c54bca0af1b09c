//! Whom to tell, of some accounts at once.

use actix::{Handler, Message, ResponseFuture};

use super::shard::Shard;
use super::ticket::Stopped;
use crate::domain::directory::account_slot;
use crate::domain::ids::{AccountIndex, Currency};

/// Asks for the contacts and currencies of accounts of the shard; the answer comes when they are durable.
pub struct Contacts(pub Vec<AccountIndex>);

impl Message for Contacts {
    type Result = Result<Vec<(Option<Box<str>>, Currency)>, Stopped>;
}

impl Handler<Contacts> for Shard {
    type Result = ResponseFuture<Result<Vec<(Option<Box<str>>, Currency)>, Stopped>>;

    fn handle(&mut self, message: Contacts, context: &mut Self::Context) -> Self::Result {
        self.drain();
        let shards = self.shards;
        let contact = |account: AccountIndex| {
            let account = &self.accounts[account_slot(account, shards)].account;
            let contact = account.rare().and_then(|rare| rare.profile.contact.clone());
            (contact, account.currency())
        };
        let contacts: Vec<_> = message.0.into_iter().map(contact).collect();
        self.answer(contacts, context)
    }
}
