//! Unified settlement: bills of several accounts, paid together (rule D8).

use std::collections::{BTreeMap, BTreeSet};

use super::answer::Answer;
use super::authorization::Decider;
use super::commands::{ID_FORM, Scope, quoted, require};
use super::{Engine, EngineError};
use crate::actors::billing_account::Try;
use crate::domain::account::Surroundings;
use crate::domain::account_command::AccountCommand;
use crate::domain::billing::asset::AssetKind;
use crate::domain::billing::settlement::SettlementEnd;
use crate::domain::ids::{AccountIndex, is_id};
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;
use crate::domain::time::Cycle;
use crate::limits::{ITEMS_MAX, SETTLEMENT_CYCLES_MAX};

impl Engine {
    /// Begins a unified settlement in every account that it names, or in none.
    pub(super) async fn start_settlement(
        &self,
        scope: Scope,
        settlement: &str,
        pairs: &[(String, Cycle)],
        assets: Option<&[AssetKind]>,
    ) -> Result<Answer, EngineError> {
        require(is_id(settlement), "settlement", ID_FORM)?;
        require(!pairs.is_empty(), "pairs", "name at least one account and cycle")?;
        let mut assets = assets.unwrap_or(&AssetKind::ALL).to_vec();
        assets.sort_unstable();
        assets.dedup();
        let mut cycles_of: BTreeMap<&str, Vec<Cycle>> = BTreeMap::new();
        for (account, cycle) in pairs {
            cycles_of.entry(account).or_default().push(*cycle);
        }
        for id in cycles_of.keys() {
            self.authorize_settling(&scope, id).await?;
        }
        let named: Result<Vec<_>, _> =
            cycles_of.iter().map(|(id, cycles)| Ok((self.known(id)?, *id, cycles.clone()))).collect();
        let named: Vec<(AccountIndex, &str, Vec<Cycle>)> = named?;
        let cycles: BTreeSet<_> = pairs.iter().map(|(_, cycle)| *cycle).collect();
        if cycles.len() > SETTLEMENT_CYCLES_MAX || pairs.len() > ITEMS_MAX {
            let detail = format!("at most {SETTLEMENT_CYCLES_MAX} cycles and {ITEMS_MAX} pairs");
            return Err(EngineError::refused(Refusal::TooManyItems, detail));
        }
        let _alone = self.inner.settling.lock().await;
        let mut accounts: Vec<_> = named.iter().map(|(account, ..)| *account).collect();
        accounts.sort_unstable();
        let known = self.inner.references.lock().settlement(settlement).map(<[_]>::to_vec);
        if known.is_some_and(|mut known| {
            known.sort_unstable();
            // A crash may have left it in some of the accounts; now it comes to the others.
            !known.iter().all(|account| accounts.contains(account))
        }) {
            return Err(EngineError::refused(Refusal::AlreadyExists, quoted(settlement)));
        }
        let command = |cycles: &[Cycle]| AccountCommand::StartUnifiedSettlement {
            settlement: settlement.into(),
            cycles: cycles.to_vec(),
            assets: assets.clone(),
        };
        for (account, id, cycles) in &named {
            if self.recall(*account, &scope, id).await?.is_some() {
                continue;
            }
            let would = self.ask(*account, Try(command(cycles), scope.at)).await?;
            would.map_err(|refusal| EngineError::refused(refusal, quoted(id)))?;
        }
        self.inner.references.lock().note_settlement(settlement, accounts);
        let mut begun = Vec::new();
        for (account, id, cycles) in &named {
            let around = Surroundings::default();
            let told = self.tell(*account, scope.again(), command(cycles), around, None, id).await;
            if let Err(error) = told {
                // Something has changed since it was asked: all of it or nothing.
                let has_it = begun.iter().map(|(account, _)| *account).collect();
                self.inner.references.lock().note_settlement(settlement, has_it);
                for (account, id) in begun {
                    let close = AccountCommand::EndUnifiedSettlement {
                        settlement: settlement.into(),
                        end: SettlementEnd::Closed,
                    };
                    let scope = Scope { key: None, ..scope.again() };
                    self.tell(account, scope, close, around, None, id).await?;
                }
                return Err(error);
            }
            begun.push((*account, *id));
        }
        self.settlement_bills(pairs.iter().map(|(id, cycle)| (id.as_str(), *cycle))).await
    }

    /// Ends a unified settlement in every account that has it.
    pub(super) async fn end_settlement(
        &self,
        scope: Scope,
        settlement: &str,
        end: SettlementEnd,
    ) -> Result<Answer, EngineError> {
        let _alone = self.inner.settling.lock().await;
        let accounts = self.inner.references.lock().settlement(settlement).map(<[_]>::to_vec);
        let not_found = || EngineError::refused(Refusal::NotFound, quoted(settlement));
        let ids: Vec<_> = {
            let directory = self.inner.directory.read();
            let id = |account: &AccountIndex| directory.account_id(*account).unwrap_or_default().to_owned();
            accounts.iter().flatten().map(|account| (*account, id(account))).collect()
        };
        for (_, id) in &ids {
            self.authorize_settling(&scope, id).await?;
        }
        if ids.is_empty() {
            self.authorize_provider(&scope.principal)?;
            return Err(not_found());
        }
        let mut pairs = Vec::new();
        for (account, id) in &ids {
            let (_, billing) = self.billing(id).await?;
            // A crash may have come before it began in this account.
            let Some(known) = billing.settlements.by_id.get(settlement) else { continue };
            let command = AccountCommand::EndUnifiedSettlement { settlement: settlement.into(), end };
            let around = Surroundings::default();
            self.tell(*account, scope.again(), command, around, None, settlement).await?;
            pairs.extend(known.cycles.iter().map(|cycle| (id.as_str(), *cycle)));
        }
        if pairs.is_empty() {
            return Err(not_found());
        }
        self.settlement_bills(pairs.into_iter()).await
    }

    async fn authorize_settling(&self, scope: &Scope, billing_account: &str) -> Result<(), EngineError> {
        let authorized = self.authorize_async(&scope.principal, Permission::PayBills, billing_account).await;
        self.unless_repeated(scope, authorized, Decider::Account(billing_account)).await
    }

    async fn settlement_bills(
        &self,
        pairs: impl Iterator<Item = (&str, Cycle)>,
    ) -> Result<Answer, EngineError> {
        let mut bills = Vec::new();
        for (id, cycle) in pairs {
            bills.push(self.bill(id, cycle).await?);
        }
        Ok(Answer::Bills(bills))
    }
}
