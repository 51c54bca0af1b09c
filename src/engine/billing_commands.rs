//! Commands about bills and what pays them: who may give them, and who carries them out (rules C5, D1–D11).

use rust_decimal::Decimal;

use super::answer::{Answer, Funding};
use super::authorization::Decider;
use super::command::{Command, PayingAsset};
use super::commands::{ID_FORM, Scope, quoted, require, text_fits};
use super::references::Named;
use super::{Engine, EngineError};
use crate::actors::directory::ChangeItem;
use crate::domain::account::Surroundings;
use crate::domain::account_command::{AccountCommand, PayWith};
use crate::domain::billing::asset::AssetKind;
use crate::domain::billing::coupon::CouponTerms;
use crate::domain::billing::payment_method::{PaymentMethod, is_like_card_number};
use crate::domain::billing::settlement::SettlementEnd;
use crate::domain::directory::Remittance;
use crate::domain::ids::{AccountIndex, Currency, is_id};
use crate::domain::money::{Amount, Money};
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;
use crate::domain::time::Cycle;
use crate::limits::{COUPON_SERVICES_MAX, LABEL_BYTES_MAX};

/// The command to one account that a user's command is, and which account; none if it is no such command.
pub(super) fn billing_command(command: &Command) -> Result<Option<(&str, AccountCommand)>, EngineError> {
    Ok(Some(match command {
        Command::SetAutomaticWriteOff { billing_account, enabled } => {
            (billing_account.as_str(), AccountCommand::SetAutomaticWriteOff { enabled: *enabled })
        }
        Command::SetWriteOffPreviousBills { billing_account, enabled } => {
            (billing_account, AccountCommand::SetWriteOffPreviousBills { enabled: *enabled })
        }
        Command::SetSettlementCurrency { billing_account, currency } => {
            (billing_account, AccountCommand::SetSettlementCurrency { currency: *currency })
        }
        Command::SetTaxRate { billing_account, rate } => {
            require(rate.decimal() <= Decimal::ONE, "rate", "give a rate from 0 to 1, such as 0.06")?;
            (billing_account, AccountCommand::SetTaxRate { rate: *rate })
        }
        Command::GrantCoupon {
            billing_account,
            coupon,
            kind,
            amount,
            starts_at,
            ends_at,
            services,
            minimum_spend,
        } => {
            require(is_id(coupon), "coupon", ID_FORM)?;
            let fits = |service: &String| !service.is_empty() && service.len() <= LABEL_BYTES_MAX;
            require(services.iter().all(fits), "services", "give names of 1 to 256 bytes")?;
            require(services.len() <= COUPON_SERVICES_MAX, "services", "name at most 100 services")?;
            let minimum_spend = minimum_spend.map_or(Money::ZERO, Amount::money);
            require(minimum_spend >= Money::ZERO, "minimum_spend", "give an amount of at least 0")?;
            let terms = CouponTerms {
                id: coupon.as_str().into(),
                kind: *kind,
                nominal: amount.money(),
                starts_at: *starts_at,
                ends_at: *ends_at,
                services: services.iter().map(|service| service.as_str().into()).collect(),
                minimum_spend,
            };
            (billing_account, AccountCommand::GrantCoupon { coupon: Box::new(terms) })
        }
        Command::LinkPaymentMethod { billing_account, method, kind, token } => {
            require(is_id(method), "method", ID_FORM)?;
            let linked = PaymentMethod { kind: *kind, token: checked_token(token)? };
            (billing_account, AccountCommand::LinkPaymentMethod { method: method.as_str().into(), linked })
        }
        Command::EditPaymentMethod { billing_account, method, token } => {
            let (method, token) = (method.as_str().into(), checked_token(token)?);
            (billing_account, AccountCommand::EditPaymentMethod { method, token })
        }
        Command::UnlinkPaymentMethod { billing_account, method } => {
            (billing_account, AccountCommand::UnlinkPaymentMethod { method: method.as_str().into() })
        }
        Command::SetDefaultPaymentMethod { billing_account, method } => {
            (billing_account, AccountCommand::SetDefaultPaymentMethod { method: method.as_str().into() })
        }
        _ => return Ok(None),
    }))
}

/// A token must be one: a card's number is never kept, nor told in an error (rule D10).
fn checked_token(token: &str) -> Result<Box<str>, EngineError> {
    require(!token.is_empty() && token.len() <= LABEL_BYTES_MAX, "token", "give a token of 1 to 256 bytes")?;
    require(!is_like_card_number(token), "token", "give the gateway's token, never a card's number")?;
    Ok(token.into())
}

impl Engine {
    /// What concerns bills, and is more than one account's own command.
    pub(super) async fn execute_on_bills(
        &self,
        scope: Scope,
        command: &Command,
    ) -> Result<Answer, EngineError> {
        match command {
            Command::IssueBills { cycle, billing_account } => {
                self.issue_bills(scope, *cycle, billing_account.as_deref()).await
            }
            Command::PayBill { bill, assets } => self.pay_bill(scope, bill, assets).await,
            Command::Purchase { billing_account, order, amount, cloud_account, service } => {
                self.purchase(
                    scope,
                    billing_account,
                    order,
                    *amount,
                    cloud_account.as_deref(),
                    service.as_deref(),
                )
                .await
            }
            Command::Refund { order, refund, amount } => self.refund(scope, order, refund, *amount).await,
            Command::StartUnifiedSettlement { settlement, pairs, assets } => {
                self.start_settlement(scope, settlement, pairs, assets.as_deref()).await
            }
            Command::FinishUnifiedSettlement { settlement } => {
                self.end_settlement(scope, settlement, SettlementEnd::Finished).await
            }
            Command::CloseUnifiedSettlement { settlement } => {
                self.end_settlement(scope, settlement, SettlementEnd::Closed).await
            }
            Command::RecordRemittance { remittance, amount, currency, reference } => {
                require(is_id(remittance), "remittance", ID_FORM)?;
                text_fits("reference", reference.as_deref())?;
                let received = Remittance {
                    amount: amount.money(),
                    currency: currency.unwrap_or(Currency::USD),
                    reference: reference.as_deref().map(Into::into),
                };
                let item = ChangeItem::RecordRemittance { remittance: remittance.as_str().into(), received };
                self.change_one(scope, item, remittance).await?;
                Ok(Answer::Done)
            }
            Command::ClaimRemittance { billing_account, remittance } => {
                self.claim_remittance(scope, billing_account, remittance).await
            }
            Command::SetExchangeRate { from, to, rate, day } => {
                require(!rate.decimal().is_zero(), "rate", "give a rate above 0")?;
                let (from, to, day, rate) = (*from, *to, *day, *rate);
                let pair = format!("{from}/{to}");
                self.change_one(scope, ChangeItem::SetExchangeRate { from, to, day, rate }, &pair).await?;
                Ok(Answer::Done)
            }
            _ => unreachable!("invariant: every other command is carried out elsewhere"),
        }
    }

    async fn pay_bill(
        &self,
        scope: Scope,
        bill: &str,
        assets: &[PayingAsset],
    ) -> Result<Answer, EngineError> {
        let named = bill.rsplit_once('/').and_then(|(account, cycle)| Some((account, Cycle::parse(cycle)?)));
        let form = "give a bill such as acme/2026-05";
        let (billing_account, cycle) =
            named.ok_or_else(|| EngineError::Invalid { field: "bill", detail: form.to_owned() })?;
        let with = assets.iter().map(pay_with).collect::<Result<_, _>>()?;
        self.authorize_for(&scope, Permission::PayBills, billing_account).await?;
        let account = self.known(billing_account)?;
        let command = AccountCommand::PayBill { cycle, with };
        self.tell(account, scope, command, Surroundings::default(), None, bill).await?;
        Ok(Answer::Bill(Box::new(self.bill(billing_account, cycle).await?)))
    }

    async fn purchase(
        &self,
        scope: Scope,
        billing_account: &str,
        order: &str,
        amount: Amount,
        cloud_account: Option<&str>,
        service: Option<&str>,
    ) -> Result<Answer, EngineError> {
        require(is_id(order), "order", ID_FORM)?;
        let fits = service.is_none_or(|service| service.len() <= LABEL_BYTES_MAX);
        require(fits, "service", "give a name of at most 256 bytes")?;
        self.authorize_for(&scope, Permission::Purchase, billing_account).await?;
        let account = self.known(billing_account)?;
        let cloud = match cloud_account {
            None => None,
            Some(cloud) => Some(
                self.inner
                    .directory
                    .read()
                    .cloud(cloud)
                    .ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(cloud)))?,
            ),
        };
        let command = AccountCommand::Purchase {
            order: order.into(),
            amount: amount.money(),
            cloud,
            service: service.map(Into::into),
        };
        self.tell_owner(scope, account, command, Named::Order, order).await?;
        Ok(Answer::Funding(Funding::of(&self.bought(billing_account, order).await?.funding)))
    }

    async fn refund(
        &self,
        scope: Scope,
        order: &str,
        refund: &str,
        amount: Amount,
    ) -> Result<Answer, EngineError> {
        require(is_id(refund), "refund", ID_FORM)?;
        self.authorize_provider(&scope.principal)?;
        let billing_account = self.owner_of_order(order)?;
        let account = self.known(&billing_account)?;
        let command = AccountCommand::RefundPurchase {
            order: order.into(),
            refund: refund.into(),
            amount: amount.money(),
        };
        self.tell(account, scope, command, Surroundings::default(), None, order).await?;
        let refunds = self.bought(&billing_account, order).await?.refunds;
        let made = refunds.iter().find(|made| *made.id == *refund);
        let made = made.ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(refund)))?;
        let (returned, forfeited) = (Funding::of(&made.returned), made.forfeited);
        Ok(Answer::Returned { returned, forfeited })
    }

    async fn claim_remittance(
        &self,
        scope: Scope,
        billing_account: &str,
        remittance: &str,
    ) -> Result<Answer, EngineError> {
        self.authorize_for(&scope, Permission::TopUp, billing_account).await?;
        let account = self.known(billing_account)?;
        let received = self.inner.directory.read().remittance(remittance).cloned();
        let Remittance { amount, currency, .. } =
            received.ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(remittance)))?;
        let command = AccountCommand::ClaimRemittance { remittance: remittance.into(), amount, currency };
        let view = self.tell_owner(scope, account, command, Named::Remittance, remittance).await?;
        Ok(Answer::Account(Box::new(self.overview(billing_account, view))))
    }

    /// Gives an account a command after which it has what `id` names, unless another account has it.
    async fn tell_owner(
        &self,
        scope: Scope,
        account: AccountIndex,
        command: AccountCommand,
        named: Named,
        id: &str,
    ) -> Result<crate::domain::account::AccountView, EngineError> {
        if !self.inner.references.lock().reserve(named, id, account) {
            return Err(EngineError::refused(Refusal::AlreadyExists, quoted(id)));
        }
        let told = self.tell(account, scope, command, Surroundings::default(), None, id).await;
        if matches!(told, Err(EngineError::Refused { .. })) {
            self.inner.references.lock().release(named, id);
        }
        Ok(told?.0)
    }

    /// The id of the account that made a purchase.
    pub(super) fn owner_of_order(&self, order: &str) -> Result<String, EngineError> {
        let owner = self.inner.references.lock().owner(Named::Order, order);
        let directory = self.inner.directory.read();
        let id = owner.and_then(|account| directory.account_id(account)).map(str::to_owned);
        id.ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(order)))
    }

    async fn authorize_for(
        &self,
        scope: &Scope,
        permission: Permission,
        billing_account: &str,
    ) -> Result<(), EngineError> {
        let authorized = self.authorize_async(&scope.principal, permission, billing_account).await;
        self.unless_repeated(scope, authorized, Decider::Account(billing_account)).await
    }
}

fn pay_with(asset: &PayingAsset) -> Result<PayWith, EngineError> {
    let amount = asset.amount.money();
    let of_coupon = asset.kind == AssetKind::Coupon;
    require(of_coupon || asset.coupon.is_none(), "assets", "only an asset of kind `coupon` has a coupon")?;
    let has_month = asset.kind == AssetKind::CreditRefund || asset.month.is_none();
    require(has_month, "assets", "only an asset of kind `credit_refund` has a month")?;
    Ok(match &asset.coupon {
        Some(coupon) => PayWith::Coupon { coupon: coupon.as_str().into(), amount },
        None => PayWith::Asset { kind: asset.kind, month: asset.month, amount },
    })
}
