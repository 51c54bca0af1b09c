//! Questions about bills and what pays them. An answer is as durable as what was recorded before it.

use super::answer::Funding;
use super::commands::quoted;
use super::{Engine, EngineError};
use crate::actors::billing_account::Ask;
use crate::domain::account::AccountView;
use crate::domain::billing::Billing;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::billing::bill::{Bill, Paid};
use crate::domain::billing::coupon::Coupon;
use crate::domain::billing::order::{Order, Refund};
use crate::domain::billing::payment_method::PaymentMethodKind;
use crate::domain::ids::Currency;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp};

/// One bill (rules D1, D2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BillView {
    /// Its id: `BILLING_ACCOUNT/CYCLE`.
    pub bill: String,
    /// Whose.
    pub billing_account: String,
    /// The account's currency, of every amount but the converted one.
    pub currency: Currency,
    /// The bill.
    pub facts: Bill,
    /// What has paid it, by name: a coupon by its id, credit refund by its month.
    pub payments: Vec<(String, Money)>,
    /// Whether something is outstanding although its time to be paid is over, now or by the account's own time.
    pub past_due: bool,
}

impl BillView {
    /// `settled` or `unsettled` (rule D1).
    pub const fn state(&self) -> &'static str {
        if self.facts.settled_at.is_some() { "settled" } else { "unsettled" }
    }

    /// What has paid it, by kind of asset.
    pub fn paid(&self) -> Paid {
        self.facts.paid()
    }
}

/// One coupon or voucher (rule D7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CouponView {
    /// The coupon.
    pub facts: Coupon,
    /// `pending`, `valid`, `used_up` or `expired`, as of the account's own time.
    pub status: &'static str,
}

/// One purchase (rule D6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderView {
    /// Its id.
    pub order: String,
    /// Whose.
    pub billing_account: String,
    /// What it cost, and when.
    pub amount: Money,
    /// When.
    pub at: Timestamp,
    /// What has paid it.
    pub funding: Funding,
    /// What has not been refunded.
    pub refundable: Money,
    /// The refunds with where each went, oldest first.
    pub refunds: Vec<(Refund, Funding)>,
}

/// A linked payment method (rule D10). Its token is never shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentMethodView {
    /// The account's own id for it.
    pub method: String,
    /// Its kind.
    pub kind: PaymentMethodKind,
    /// Whether it is used if none is named.
    pub is_default: bool,
}

impl Engine {
    /// The bills of an account, oldest first, or that of one cycle (rules D1, D2).
    pub fn bills(&self, billing_account: &str, cycle: Option<Cycle>) -> Result<Vec<BillView>, EngineError> {
        self.blocking()?;
        pollster::block_on(self.bills_async(billing_account, cycle))
    }

    /// As [`Engine::bills`], on any runtime.
    pub async fn bills_async(
        &self,
        billing_account: &str,
        cycle: Option<Cycle>,
    ) -> Result<Vec<BillView>, EngineError> {
        let (view, billing) = self.billing(billing_account).await?;
        let bills = billing.bills.iter().filter(|bill| cycle.is_none_or(|cycle| cycle == bill.cycle));
        Ok(bills.map(|bill| self.bill_view(billing_account, &view, &billing, bill)).collect())
    }

    /// The coupons and vouchers of an account, in the order of their granting (rule D7).
    pub fn coupons(&self, billing_account: &str) -> Result<Vec<CouponView>, EngineError> {
        self.blocking()?;
        pollster::block_on(self.coupons_async(billing_account))
    }

    /// As [`Engine::coupons`], on any runtime.
    pub async fn coupons_async(&self, billing_account: &str) -> Result<Vec<CouponView>, EngineError> {
        let (view, billing) = self.billing(billing_account).await?;
        let coupons = billing.coupons.iter();
        Ok(coupons
            .map(|coupon| CouponView { facts: coupon.clone(), status: coupon.status(view.at) })
            .collect())
    }

    /// A purchase with its funding and where its refunds went (rule D6).
    pub fn order(&self, order: &str) -> Result<OrderView, EngineError> {
        self.blocking()?;
        pollster::block_on(self.order_async(order))
    }

    /// As [`Engine::order`], on any runtime.
    pub async fn order_async(&self, order: &str) -> Result<OrderView, EngineError> {
        let billing_account = self.owner_of_order(order)?;
        let bought = self.bought(&billing_account, order).await?;
        let refundable = bought.refundable();
        let Order { amount, funding, at, refunds } = bought;
        Ok(OrderView {
            order: order.to_owned(),
            billing_account,
            amount,
            at,
            funding: Funding::of(&funding),
            refundable,
            refunds: refunds
                .into_iter()
                .map(|refund| {
                    let returned = Funding::of(&refund.returned);
                    (refund, returned)
                })
                .collect(),
        })
    }

    /// The payment methods of an account (rule D10).
    pub fn payment_methods(&self, billing_account: &str) -> Result<Vec<PaymentMethodView>, EngineError> {
        self.blocking()?;
        pollster::block_on(self.payment_methods_async(billing_account))
    }

    /// As [`Engine::payment_methods`], on any runtime.
    pub async fn payment_methods_async(
        &self,
        billing_account: &str,
    ) -> Result<Vec<PaymentMethodView>, EngineError> {
        let (_, billing) = self.billing(billing_account).await?;
        let methods = &billing.payment_methods;
        let views = methods.by_id.iter().map(|(method, linked)| PaymentMethodView {
            method: method.to_string(),
            kind: linked.kind,
            is_default: methods.default.as_ref() == Some(method),
        });
        Ok(views.collect())
    }

    /// The credit refund that is left, by month of refund (rule D5), on any runtime.
    pub async fn credit_refund_async(
        &self,
        billing_account: &str,
    ) -> Result<Vec<(Cycle, Money)>, EngineError> {
        let (_, billing) = self.billing(billing_account).await?;
        Ok(billing.credit_refund.into_iter().collect())
    }

    /// A purchase of an account.
    pub(super) async fn bought(&self, billing_account: &str, order: &str) -> Result<Order, EngineError> {
        let id: Box<str> = order.into();
        let ask = Ask(Box::new(move |account| account.billing().orders.get(&id).cloned()));
        let bought = self.ask(self.known(billing_account)?, ask).await?;
        bought.ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(order)))
    }

    /// An account's figures with its bills and what pays them, but for purchases.
    pub(super) async fn billing(
        &self,
        billing_account: &str,
    ) -> Result<(AccountView, Box<Billing>), EngineError> {
        let ask = Ask(Box::new(|account| (account.view(), Box::new(account.billing().but_orders()))));
        self.ask(self.known(billing_account)?, ask).await
    }

    /// One bill of an account.
    pub(super) async fn bill(&self, billing_account: &str, cycle: Cycle) -> Result<BillView, EngineError> {
        let (view, billing) = self.billing(billing_account).await?;
        let bill = billing.bills.of(cycle);
        let bill = bill.ok_or_else(|| {
            EngineError::refused(Refusal::NotFound, quoted(&format!("{billing_account}/{cycle}")))
        })?;
        Ok(self.bill_view(billing_account, &view, &billing, bill))
    }

    fn bill_view(
        &self,
        billing_account: &str,
        view: &AccountView,
        billing: &Billing,
        bill: &Bill,
    ) -> BillView {
        let name = |asset| match asset {
            Asset::Coupon(number) => {
                let coupon = billing.coupons.coupon(number);
                format!("coupon {}", coupon.map_or("", |coupon| &*coupon.terms.id))
            }
            Asset::CreditRefund(month) => format!("credit_refund {month}"),
            Asset::TransferBook => "transfer_book".to_owned(),
            Asset::Cash => "cash".to_owned(),
            Asset::Quota => "quota".to_owned(),
            Asset::Credit => "credit".to_owned(),
        };
        let now = self.inner.config.clock.now().max(view.at);
        BillView {
            bill: format!("{billing_account}/{}", bill.cycle),
            billing_account: billing_account.to_owned(),
            currency: view.currency,
            payments: bill.payments.iter().map(|portion| (name(portion.asset), portion.amount)).collect(),
            past_due: bill.settled_at.is_none() && bill.due_at <= now,
            facts: bill.clone(),
        }
    }
}

impl Funding {
    /// The sum of each kind.
    pub(super) fn of(portions: &[Portion]) -> Self {
        let mut funding = Self::default();
        for Portion { asset, amount } in portions {
            let sum = match asset {
                Asset::Coupon(_) => &mut funding.coupon,
                Asset::TransferBook => &mut funding.transfer_book,
                Asset::Cash => &mut funding.cash,
                Asset::Credit => &mut funding.credit,
                Asset::CreditRefund(_) | Asset::Quota => {
                    unreachable!("invariant: these pay bills only")
                }
            };
            *sum = sum.checked_add(*amount).expect("invariant: no more than the purchase");
        }
        funding
    }
}
