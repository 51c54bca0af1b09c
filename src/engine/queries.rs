//! Questions about accounts. An answer is as durable as what was recorded before it.

use super::{Engine, EngineError};
use crate::actors::billing_account::View;
use crate::domain::account::{AccountView, Status};
use crate::domain::billing::rate::Rate;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::directory::account_slot;
use crate::domain::ids::{CloudIndex, Currency};
use crate::domain::money::Money;
use crate::domain::names::LOOK_UPS_AHEAD;
use crate::domain::profile::{AccountType, Site};
use crate::domain::standing::{AlertState, SuspensionBenefit};
use crate::domain::time::{Timestamp, UtcOffset};

/// Cloud accounts named in one overview; the others are counted.
const CLOUD_ACCOUNTS_NAMED_MAX: usize = 100;

/// Everything about one billing account (rules A8, B3).
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(clippy::struct_excessive_bools)] // settings and states that don't depend on each other
pub struct AccountOverview {
    /// The user's id.
    pub billing_account: String,
    /// The number given out by the engine (rule A1).
    pub number: String,
    /// Display name.
    pub name: String,
    /// Direct or ecosystem.
    pub kind: AccountType,
    /// Status.
    pub status: Status,
    /// Legal owner.
    pub owner: String,
    /// Contact.
    pub contact: Option<String>,
    /// Site.
    pub site: Site,
    /// Whether credit limits may be granted.
    pub credit_enabled: bool,
    /// Whether a partner pays on behalf.
    pub pay_on_behalf: bool,
    /// Days from a bill's issue to its due date.
    pub payment_terms_days: u16,
    /// Base currency.
    pub currency: Currency,
    /// Offset of its months.
    pub utc_offset: UtcOffset,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Prepaid cash.
    pub cash_balance: Money,
    /// Credit limit.
    pub credit_limit: Money,
    /// Unsettled charges of open cycles (direct).
    pub unsettled_current: Money,
    /// What is outstanding of issued bills (direct).
    pub unsettled_previous: Money,
    /// Credit refund that is left (direct).
    pub credit_refund: Money,
    /// Coupons that are valid at the account's own time.
    pub coupons_valid: u64,
    /// What is left of them.
    pub coupon_balance: Money,
    /// Whether automatic write-off is on (rule D3).
    pub automatic_write_off: bool,
    /// Whether credit refund pays older bills (rule D5).
    pub write_off_previous_bills: bool,
    /// The rate of tax on bills (rule D2).
    pub tax_rate: Rate,
    /// The settlement currency that was set last (rule D9).
    pub settlement_currency: Currency,
    /// Quota (ecosystem).
    pub quota: Money,
    /// Quota consumed (ecosystem).
    pub quota_consumed: Money,
    /// Charges not yet billed against the quota (ecosystem).
    pub unbilled: Money,
    /// Available credit.
    pub available_credit: Money,
    /// Whether available credit is below 0 (rule H3).
    pub overdue: bool,
    /// Whether services are suspended (rule H4).
    pub suspended: bool,
    /// How the low balance alert stands (rule H2).
    pub alert: AlertState,
    /// The alert's threshold; 0 until one is set (rule H1).
    pub alert_threshold: Money,
    /// What delays a suspension, if anything does (rule H4).
    pub suspension_benefit: Option<SuspensionBenefit>,
    /// Cloud accounts that it pays for now, at most 100.
    pub cloud_accounts: Vec<String>,
    /// How many there are.
    pub cloud_account_count: u64,
    /// Charges posted so far.
    pub charges: u64,
    /// Cash that others transferred in, part of the cash balance (rule B1).
    pub transfer_book: Money,
    /// Cash without the transfer book.
    pub own_cash: Money,
    /// What open holds reserve (rule B5).
    pub held: Money,
    /// Available credit less what is held (rule B5).
    pub spendable: Money,
    /// Cash that it sent and nobody has received yet (rule F5).
    pub in_flight: Money,
    /// The enterprise that it belongs to (rule A6).
    pub ecid: Option<String>,
}

impl Engine {
    /// Everything about one billing account, blocking the thread.
    pub fn account_overview(&self, billing_account: &str) -> Result<AccountOverview, EngineError> {
        self.blocking()?;
        pollster::block_on(self.account_overview_async(billing_account))
    }

    /// Everything about one billing account, on any runtime.
    pub async fn account_overview_async(
        &self,
        billing_account: &str,
    ) -> Result<AccountOverview, EngineError> {
        let account = self.known(billing_account)?;
        let now = self.inner.config.clock.now();
        // Before the account is asked: its answer waits for what the directory has recorded by then.
        let (cloud_accounts, others) = {
            let directory = self.inner.directory.read();
            let mut paid = directory.paid_by(account, now);
            let named: Vec<_> = paid.by_ref().take(CLOUD_ACCOUNTS_NAMED_MAX).map(str::to_owned).collect();
            (named, paid.count())
        };
        let view = self.ask(account, View).await?;
        let mut overview = self.overview(billing_account, view);
        overview.cloud_account_count = (cloud_accounts.len() + others) as u64;
        overview.cloud_accounts = cloud_accounts;
        Ok(overview)
    }

    /// Whether a billing account pays, paid or will pay for a cloud account.
    pub fn pays_ever(&self, cloud_account: &str, billing_account: &str) -> bool {
        let directory = self.inner.directory.read();
        let both = directory.cloud(cloud_account).zip(directory.account(billing_account));
        both.is_some_and(|(cloud, account)| directory.payment(cloud, account).is_some())
    }

    /// The cloud account of each charge of a batch, where it is known.
    pub fn cloud_accounts(&self, batch: &ChargeBatch) -> Vec<Option<CloudIndex>> {
        let directory = self.inner.directory.read();
        let mut known = Vec::with_capacity(batch.len());
        let mut clouds = [None; LOOK_UPS_AHEAD];
        for start in (0..batch.len()).step_by(LOOK_UPS_AHEAD) {
            let mut ids = [""; LOOK_UPS_AHEAD];
            let count = LOOK_UPS_AHEAD.min(batch.len() - start);
            for (id, index) in ids[..count].iter_mut().zip(start..) {
                *id = batch.cloud_account(index);
            }
            directory.clouds(&ids[..count], &mut clouds);
            known.extend(clouds[..count].iter().map(|cloud| cloud.map(CloudIndex)));
        }
        known
    }

    /// Whether a billing account is the first payer of a cloud account.
    pub fn is_first_payer(&self, cloud: CloudIndex, billing_account: &str) -> bool {
        let directory = self.inner.directory.read();
        directory.account_id(directory.first_payer(cloud).account) == Some(billing_account)
    }

    /// The id of the first payer of a cloud account, if the cloud account is known.
    pub fn first_payer(&self, cloud_account: &str) -> Option<String> {
        let directory = self.inner.directory.read();
        let payer = directory.first_payer(directory.cloud(cloud_account)?).account;
        directory.account_id(payer).map(str::to_owned)
    }

    /// The newest available credit, which may run ahead of the disk. Resolving the id takes a lock; a handle does not.
    pub fn newest_available_credit(&self, billing_account: &str) -> Result<Money, EngineError> {
        let account = self.known(billing_account)?;
        let shards = self.inner.shards.len();
        let newest = &self.inner.newest[account.partition().shard(shards)];
        let reader = newest.reader(account_slot(account, shards));
        Ok(reader.map_or(Money::ZERO, |reader| reader.read()))
    }

    /// An account's own figures, without its cloud accounts.
    pub(super) fn overview(&self, billing_account: &str, view: AccountView) -> AccountOverview {
        let ecid = view
            .enterprise
            .and_then(|enterprise| self.inner.directory.read().enterprise_id(enterprise).map(str::to_owned));
        AccountOverview::of(billing_account, view, ecid)
    }
}

impl AccountOverview {
    /// An account's own figures, without its cloud accounts.
    pub(super) fn of(billing_account: &str, view: AccountView, ecid: Option<String>) -> Self {
        let direct = view.kind == AccountType::Direct;
        let text = |text: Option<Box<str>>| text.map_or_else(|| billing_account.to_owned(), Into::into);
        Self {
            billing_account: billing_account.to_owned(),
            number: view.account.to_string(),
            name: text(view.profile.name),
            kind: view.kind,
            status: view.status,
            owner: text(view.profile.owner),
            contact: view.profile.contact.map(Into::into),
            site: view.profile.site,
            credit_enabled: view.profile.credit_enabled,
            pay_on_behalf: view.profile.pay_on_behalf,
            payment_terms_days: view.profile.payment_terms_days,
            currency: view.currency,
            utc_offset: view.offset,
            created_at: view.created_at,
            cash_balance: view.cash,
            credit_limit: view.credit_limit,
            unsettled_current: if direct { view.unsettled_current } else { Money::ZERO },
            unsettled_previous: view.unsettled_previous,
            credit_refund: view.credit_refund,
            coupons_valid: view.coupons_valid,
            coupon_balance: view.coupon_balance,
            automatic_write_off: view.automatic_write_off,
            write_off_previous_bills: view.write_off_previous_bills,
            tax_rate: view.tax_rate,
            settlement_currency: view.settlement_currency,
            quota: view.quota,
            quota_consumed: view.quota_consumed,
            unbilled: if direct { Money::ZERO } else { view.unsettled_current },
            available_credit: view.available_credit,
            overdue: view.overdue,
            suspended: view.suspended,
            alert: view.alert,
            alert_threshold: view.alert_threshold,
            suspension_benefit: view.suspension_benefit,
            cloud_accounts: Vec::new(),
            cloud_account_count: 0,
            charges: view.charges,
            transfer_book: view.transfer_book,
            own_cash: view.cash.checked_sub(view.transfer_book).unwrap_or(view.cash),
            held: view.held,
            spendable: view.spendable,
            in_flight: view.in_flight,
            ecid,
        }
    }
}
