//! Commands: who asks for what, decided by the account or the directory (rules A1–A4, B1, B2, J2, J5).

use std::sync::Arc;

use actix::dev::{Envelope, Message};
use siphasher::sip128::SipHasher13;
use tokio::sync::oneshot;

use super::account_commands::account_command;
use super::account_handle::AccountHandle;
use super::answer::Answer;
use super::command::{AccountSettings, Command, PROVIDER, Request};
use super::queries::AccountOverview;
use super::{Engine, EngineError, Inner};
use crate::actors::billing_account::{BillingAccount, View};
use crate::actors::credit_control::Given;
use crate::actors::directory::{Change, ChangeItem};
use crate::actors::resident::Deferred;
use crate::actors::shard::{Address, Deliver};
use crate::domain::account::{Account, Surroundings};
use crate::domain::directory::account_slot;
use crate::domain::ids::{AccountIndex, Currency, is_cloud_account_id, is_id};
use crate::domain::profile::{AccountType, Opening, Profile, ProfileChange};
use crate::domain::refusals::Refusal;
use crate::domain::time::{Timestamp, UtcOffset};
use crate::limits::{IDEMPOTENCY_KEY_BYTES_MAX, ITEMS_MAX, NAME_CHARS_MAX, TEXT_BYTES_MAX};

impl Engine {
    /// Carries out a command and waits until it is durable, blocking the thread.
    pub fn execute(&self, request: &Request) -> Result<Answer, EngineError> {
        self.blocking()?;
        pollster::block_on(self.execute_async(request))
    }

    /// Carries out a command and waits until it is durable, on any runtime.
    pub async fn execute_async(&self, request: &Request) -> Result<Answer, EngineError> {
        let scope = Scope::new(&self.inner, request)?;
        match &request.command {
            command @ (Command::RegisterCloudAccount { .. }
            | Command::RegisterPaidCloudAccount { .. }
            | Command::OpenBillingAccount { .. }
            | Command::SetPayer { .. }) => self.execute_on_directory(scope, command).await,
            Command::CancelBillingAccount { billing_account } => self.cancel(scope, billing_account).await,
            Command::ModifyBillingAccount { billing_account, settings } => {
                self.modify(scope, billing_account, settings).await
            }
            Command::AdvanceTime => self.advance_time(&scope).await,
            Command::SetLowBalanceAlert { billing_accounts, enabled, threshold } => {
                self.set_low_balance_alert(scope, billing_accounts, *enabled, *threshold).await
            }
            Command::SetSuspensionBenefit { billing_account, grace_micros, grace_amount } => {
                self.set_suspension_benefit(scope, billing_account, *grace_micros, *grace_amount).await
            }
            command @ (Command::IssueBills { .. }
            | Command::PayBill { .. }
            | Command::Purchase { .. }
            | Command::Refund { .. }
            | Command::StartUnifiedSettlement { .. }
            | Command::FinishUnifiedSettlement { .. }
            | Command::CloseUnifiedSettlement { .. }
            | Command::RecordRemittance { .. }
            | Command::ClaimRemittance { .. }
            | Command::SetExchangeRate { .. }) => self.execute_on_bills(scope, command).await,
            command => match account_command(command)? {
                Some((billing_account, command)) => {
                    self.account_command(scope, billing_account, command, Surroundings::default()).await
                }
                None => self.execute_crossing(scope, command).await,
            },
        }
    }

    /// What opens accounts, or changes who pays.
    async fn execute_on_directory(&self, scope: Scope, command: &Command) -> Result<Answer, EngineError> {
        match command {
            Command::RegisterCloudAccount { cloud_account, settings } => {
                require(is_id(cloud_account) && !is_reserved(cloud_account), "cloud_account", ID_FORM)?;
                let opening = self.opening(settings, &scope, cloud_account)?;
                let item = ChangeItem::RegisterWithAccount {
                    id: cloud_account.as_str().into(),
                    opening: Box::new(opening.clone()),
                };
                self.change_one(scope, item, cloud_account).await?;
                let mut overview = self.opened_overview(cloud_account, opening).await?;
                overview.cloud_accounts = vec![cloud_account.clone()];
                overview.cloud_account_count = 1;
                Ok(Answer::Account(Box::new(overview)))
            }
            Command::RegisterPaidCloudAccount { cloud_account, billing_account } => {
                let is_free = is_cloud_account_id(cloud_account) && !is_reserved(cloud_account);
                require(is_free, "cloud_account", ID_FORM)?;
                let item = ChangeItem::Register {
                    id: cloud_account.as_str().into(),
                    payer: billing_account.as_str().into(),
                };
                self.change_one(scope, item, cloud_account).await?;
                Ok(Answer::Items(vec![(cloud_account.clone(), Ok(()))]))
            }
            Command::OpenBillingAccount { billing_account, settings } => {
                require(is_id(billing_account), "billing_account", ID_FORM)?;
                let opening = self.opening(settings, &scope, billing_account)?;
                let item = ChangeItem::Open {
                    id: billing_account.as_str().into(),
                    opening: Box::new(opening.clone()),
                };
                self.change_one(scope, item, billing_account).await?;
                Ok(Answer::Account(Box::new(self.opened_overview(billing_account, opening).await?)))
            }
            Command::SetPayer { cloud_accounts, billing_account, effective_at } => {
                require(!cloud_accounts.is_empty(), "cloud_accounts", "name at least one cloud account")?;
                self.authorize_provider(&scope.principal)?;
                if cloud_accounts.len() > ITEMS_MAX {
                    return Err(EngineError::refused(Refusal::TooManyItems, format!("at most {ITEMS_MAX}")));
                }
                let items = cloud_accounts
                    .iter()
                    .map(|cloud| ChangeItem::SetPayer {
                        cloud: cloud.as_str().into(),
                        payer: billing_account.as_str().into(),
                        effective_at: *effective_at,
                    })
                    .collect();
                let results = self.change(scope, items).await?;
                let items = cloud_accounts.iter().zip(results).map(|(cloud, result)| {
                    (cloud.clone(), result.map_err(|refusal| EngineError::refused(refusal, quoted(cloud))))
                });
                Ok(Answer::Items(items.collect()))
            }
            _ => unreachable!("invariant: only what the directory decides comes here"),
        }
    }

    /// Opens many accounts and registers many cloud accounts as one durable step, a result for each.
    ///
    /// Each pair is (cloud account, billing account, currency): the billing account is opened if it is unknown, the
    /// cloud account registered with it as its payer if it is unknown.
    pub fn open_accounts(
        &self,
        pairs: &[(String, String, Currency)],
    ) -> Result<Vec<Result<(), Refusal>>, EngineError> {
        self.blocking()?;
        let request = Request::new(Command::SetPayer {
            cloud_accounts: Vec::new(),
            billing_account: String::new(),
            effective_at: None,
        });
        let mut results = vec![Ok(()); pairs.len()];
        let mut opened = std::collections::HashSet::new();
        for (first, pairs) in (0..).step_by(ITEMS_MAX).zip(pairs.chunks(ITEMS_MAX)) {
            let scope = Scope::new(&self.inner, &request)?;
            let mut items = Vec::new();
            let mut whose = Vec::new();
            for (place, (cloud, account, currency)) in (first..).zip(pairs) {
                if !is_cloud_account_id(cloud) || is_reserved(cloud) || !is_id(account) {
                    results[place] = Err(Refusal::InvalidId);
                    continue;
                }
                let directory = self.inner.directory.read();
                if directory.account(account).is_none() && opened.insert(account.clone()) {
                    let opening = Opening {
                        kind: AccountType::Direct,
                        currency: *currency,
                        offset: UtcOffset::default(),
                        at: scope.at,
                        profile: Profile::default(),
                    };
                    items.push(ChangeItem::Open { id: account.as_str().into(), opening: Box::new(opening) });
                    whose.push(place);
                }
                if directory.cloud(cloud).is_none() {
                    items.push(ChangeItem::Register {
                        id: cloud.as_str().into(),
                        payer: account.as_str().into(),
                    });
                    whose.push(place);
                }
            }
            if items.is_empty() {
                continue;
            }
            let changed = pollster::block_on(self.change(scope, items))?;
            for (place, result) in whose.into_iter().zip(changed) {
                // Somebody else may have been faster; then it is there, and that is what was asked for.
                if result != Err(Refusal::AlreadyExists) {
                    results[place] = results[place].and(result);
                }
            }
        }
        Ok(results)
    }

    /// A billing account at hand, with its mailbox open as long as the handle lives.
    pub fn account(&self, billing_account: &str) -> Result<AccountHandle, EngineError> {
        self.blocking()?;
        self.inner.check_running()?;
        let account = self.known(billing_account)?;
        let shards = self.inner.shards.len();
        let shard = account.partition().shard(shards);
        let address = pollster::block_on(self.inner.shards[shard].send(Address(account)));
        let address = address.map_err(|_| self.inner.stopped())?;
        let newest = self.inner.newest[shard].reader(account_slot(account, shards));
        let newest = newest.expect("invariant: an account that answers has its figure");
        Ok(AccountHandle { engine: self.clone(), account, address, newest })
    }

    /// The number of a billing account.
    pub(super) fn known(&self, billing_account: &str) -> Result<AccountIndex, EngineError> {
        let account = self.inner.directory.read().account(billing_account);
        account.ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(billing_account)))
    }

    /// Sends a message to an account in place of its mailbox; the answer comes when it is durable.
    pub(super) async fn ask<M>(&self, account: AccountIndex, message: M) -> Result<M::Result, EngineError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        BillingAccount: actix::Handler<M, Result = Deferred<M::Result>>,
    {
        self.ask_shard(account, message).await
    }

    /// As [`Engine::ask`], for what need not be durable by itself.
    pub(super) async fn ask_shard<M>(
        &self,
        account: AccountIndex,
        message: M,
    ) -> Result<M::Result, EngineError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        BillingAccount: actix::Handler<M>,
    {
        self.inner.check_running()?;
        let (reply, answer) = oneshot::channel();
        let shard = account.partition().shard(self.inner.shards.len());
        let envelope = Envelope::new(message, Some(reply));
        self.inner.shards[shard].do_send(Deliver { account, envelope });
        answer.await.map_err(|_| self.inner.stopped())
    }

    async fn change(
        &self,
        scope: Scope,
        items: Vec<ChangeItem>,
    ) -> Result<Vec<Result<(), Refusal>>, EngineError> {
        self.authorize_provider(&scope.principal)?;
        self.inner.check_running()?;
        let now = self.inner.config.clock.now();
        let change = Change { items, principal: scope.principal, key: scope.key, at: scope.at, now };
        let answer = self.inner.directory_actor.send(change).await.map_err(|_| self.inner.stopped())?;
        answer.map_err(|_| self.inner.stopped())?.map_err(|refusal| EngineError::refused(refusal, ""))
    }

    pub(super) async fn change_one(
        &self,
        scope: Scope,
        item: ChangeItem,
        id: &str,
    ) -> Result<(), EngineError> {
        let results = self.change(scope, vec![item]).await?;
        results
            .into_iter()
            .collect::<Result<(), _>>()
            .map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }

    /// The figures of an account as it was opened: also the answer to a repeated command, whatever came since.
    async fn opened_overview(&self, id: &str, opening: Opening) -> Result<AccountOverview, EngineError> {
        let now = self.ask(self.known(id)?, View).await?;
        let opened = Account::open(now.account, &Opening { at: now.created_at, ..opening });
        Ok(self.overview(id, opened.view()))
    }

    #[allow(clippy::unused_self)] // beside `check_modifiable`
    fn opening(&self, settings: &AccountSettings, scope: &Scope, id: &str) -> Result<Opening, EngineError> {
        Ok(Opening {
            kind: settings.kind.unwrap_or(AccountType::Direct),
            currency: settings.currency.unwrap_or(Currency::USD),
            offset: settings.utc_offset.unwrap_or_default(),
            at: scope.at,
            profile: Profile::default().changed(profile_change(settings, id)?),
        })
    }
}

pub(super) const ID_FORM: &str = "give an id of 1 to 128 printable bytes, other than `provider`";

/// Whether a cloud account of that id would be taken for the provider where it is a principal (rule G3).
pub(super) fn is_reserved(cloud_account: &str) -> bool {
    cloud_account == PROVIDER
}

pub(super) fn quoted(id: &str) -> String {
    format!("`{id}`")
}

pub(super) fn require(holds: bool, field: &'static str, detail: &str) -> Result<(), EngineError> {
    if holds { Ok(()) } else { Err(EngineError::Invalid { field, detail: detail.to_owned() }) }
}

pub(super) fn text_fits(field: &'static str, text: Option<&str>) -> Result<(), EngineError> {
    require(text.is_none_or(|text| text.len() <= TEXT_BYTES_MAX), field, "give at most 16 KiB")
}

/// What `settings` change in a profile; texts that equal the id are the default and cost nothing.
pub(super) fn profile_change(settings: &AccountSettings, id: &str) -> Result<ProfileChange, EngineError> {
    if let Some(name) = &settings.name {
        require(name.chars().count() <= NAME_CHARS_MAX, "name", "give at most 128 characters")?;
    }
    text_fits("owner", settings.owner.as_deref())?;
    text_fits("contact", settings.contact.as_deref())?;
    let text = |text: &String| (text != id).then(|| text.as_str().into());
    Ok(ProfileChange {
        name: settings.name.as_ref().map(text),
        owner: settings.owner.as_ref().map(text),
        contact: settings.contact.as_deref().map(Into::into),
        site: settings.site,
        credit_enabled: settings.credit_enabled,
        pay_on_behalf: settings.pay_on_behalf,
        payment_terms_days: settings.payment_terms_days,
    })
}

/// Who asks, when, and under which key.
pub(super) struct Scope {
    pub(super) principal: Box<str>,
    pub(super) key: Option<(Box<str>, u128)>,
    pub(super) at: Timestamp,
}

impl Scope {
    pub(super) fn new(inner: &Arc<Inner>, request: &Request) -> Result<Self, EngineError> {
        require(is_cloud_account_id(&request.principal), "principal", ID_FORM)?;
        if let Some(key) = &request.key {
            let fits = !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX;
            require(fits, "key", "give a key of 1 to 128 bytes")?;
        }
        // The fields by name, so that a field that is added later leaves the digests of older requests alone.
        let digest = || {
            let bytes = rmp_serde::to_vec_named(&request.command)
                .expect("invariant: encoding into memory can't fail");
            SipHasher13::new_with_key(&inner.identity.hash_key).hash(&bytes).as_u128()
        };
        Ok(Self {
            principal: request.principal.as_str().into(),
            key: request.key.as_ref().map(|key| (key.as_str().into(), digest())),
            at: match request.at {
                Some(at) if request.principal == PROVIDER => at,
                // Who pays does not choose a time to come: no coupon is early, and no bill is due late.
                Some(at) => at.min(inner.config.clock.now()),
                None => inner.config.clock.now(),
            },
        })
    }

    /// The same for another account.
    pub(super) fn again(&self) -> Self {
        Self { principal: self.principal.clone(), key: self.key.clone(), at: self.at }
    }

    /// Who gives the command, for the actor that decides it.
    pub(super) fn given(self, inner: &Inner) -> Given {
        let Self { principal, key, at } = self;
        Given { principal, key, at, now: inner.config.clock.now() }
    }
}
