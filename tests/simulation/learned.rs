//! What the auditor learns from each answer to a command about accounts and enterprises.

use std::collections::BTreeMap;

use exchequer::domain::permissions::Permission;
use exchequer::domain::profile::AccountType;
use exchequer::domain::time::Timestamp;
use exchequer::engine::{Answer, Command};

use crate::bills::Bills;
use crate::bills_learned::check_advanced;
use crate::model::{Account, Contradiction, Enterprise, Hold, HoldState, Member, Model, Status};
use crate::op::{Op, Reply, What};
use crate::standing::Standing;
use crate::touches::deciding;

impl Model {
    /// Takes in what was answered; whether it changed anything.
    pub fn learn(&mut self, op: &Op, reply: &Reply) -> Result<bool, Contradiction> {
        match (&op.what, reply) {
            (What::Command(request), Reply::Answer(answer)) => {
                let at = request.at.unwrap_or(Timestamp::from_micros(self.now));
                let deciding = deciding(&request.command, self);
                self.settle(&deciding, at);
                let changed = self.learn_command(op, &request.command, answer, at)?;
                for id in deciding.iter().filter(|_| changed) {
                    self.account_mut(id)?.event(at.micros());
                }
                Ok(changed)
            }
            (What::Post(charges, on_error, at), Reply::Report(report)) => {
                let at = at.map_or(self.now, Timestamp::micros);
                if self.months && op.reissued {
                    self.learn_posted_before(charges, *on_error, report, at)?;
                }
                self.learn_report(charges, *on_error, report, at)
            }
            _ => Err("answered as something else".to_owned()),
        }
    }

    #[allow(clippy::too_many_lines)] // one arm a command
    fn learn_command(
        &mut self,
        op: &Op,
        command: &Command,
        answer: &Answer,
        at: Timestamp,
    ) -> Result<bool, Contradiction> {
        match command {
            Command::RegisterCloudAccount { cloud_account, settings } => {
                self.open(cloud_account, settings)?;
                self.register(cloud_account, cloud_account);
            }
            Command::RegisterPaidCloudAccount { cloud_account, billing_account } => {
                self.register(cloud_account, billing_account);
            }
            Command::OpenBillingAccount { billing_account, settings } => {
                self.open(billing_account, settings)?;
            }
            Command::ModifyBillingAccount { billing_account, settings } => {
                let id = billing_account.clone();
                let account = self.account_mut(billing_account)?;
                if let Some(name) = &settings.name {
                    account.name = if name.is_empty() { id } else { name.clone() };
                }
                if let Some(owner) = &settings.owner {
                    account.owner.clone_from(owner);
                }
                let terms = settings.payment_terms_days.map(i64::from);
                account.bills.terms_days = terms.unwrap_or(account.bills.terms_days);
                account.credit_enabled = settings.credit_enabled.unwrap_or(account.credit_enabled);
                account.pay_on_behalf = settings.pay_on_behalf.unwrap_or(account.pay_on_behalf);
            }
            Command::SetPayer { billing_account, effective_at, .. } => {
                let Answer::Items(items) = answer else { return Err("not answered by items".to_owned()) };
                let mut changed = false;
                for (cloud, result) in items {
                    if result.is_ok() {
                        let change = (effective_at.unwrap_or(at), billing_account.clone());
                        self.payers.entry(cloud.clone()).or_default().push(change);
                        changed = true;
                    }
                }
                return Ok(changed);
            }
            Command::FreezeBillingAccount { billing_account } => {
                self.account_mut(billing_account)?.status = Status::Frozen;
            }
            Command::ThawBillingAccount { billing_account } => {
                self.account_mut(billing_account)?.status = Status::Valid;
            }
            Command::CancelBillingAccount { billing_account } => {
                self.account_mut(billing_account)?.status = Status::Canceled;
            }
            Command::TopUp { billing_account, amount, .. }
            | Command::AdjustCash { billing_account, amount, .. } => {
                let account = self.account_mut(billing_account)?;
                account.cash += amount.money().units();
                account.from_outside += amount.money().units();
            }
            Command::WithdrawCash { billing_account, amount } => {
                let account = self.account_mut(billing_account)?;
                account.cash -= amount.money().units();
                account.from_outside -= amount.money().units();
            }
            Command::GrantCreditLimit { billing_account, amount } => {
                self.account_mut(billing_account)?.limit = amount.money().units();
            }
            Command::SetQuota { billing_account, amount } => {
                self.account_mut(billing_account)?.quota = amount.money().units();
            }
            Command::RepayQuota { billing_account, amount } => {
                self.account_mut(billing_account)?.bills.quota_consumed -= amount.money().units();
            }
            Command::PlaceHold { billing_account, hold, amount, expires_at } => {
                let placed =
                    Hold { amount: amount.money().units(), expires_at: *expires_at, state: HoldState::Open };
                let holds = &mut self.account_mut(billing_account)?.holds;
                if holds.contains_key(hold) {
                    return Ok(false);
                }
                holds.insert(hold.clone(), placed);
            }
            Command::CaptureHold { billing_account, hold, amount } => {
                let amount = amount.map(|amount| amount.money().units());
                return self.capture(billing_account, hold, amount);
            }
            Command::ReleaseHold { billing_account, hold } => {
                let known = self.account_mut(billing_account)?.holds.get_mut(hold);
                let known = known.ok_or("released an unknown hold")?;
                return match known.state {
                    HoldState::Open => {
                        known.state = HoldState::Released;
                        Ok(true)
                    }
                    HoldState::Released => Ok(false),
                    state => Err(format!("released a hold that was {state:?}")),
                };
            }
            Command::AdvanceTime => {
                let (count, refused) = self.settle_due();
                return check_advanced(answer, (self.months && !op.reissued).then_some(count), &refused)
                    .map(|()| count > 0);
            }
            command => return self.learn_crossing(op, command, answer, at),
        }
        Ok(true)
    }

    #[allow(clippy::too_many_lines)] // one arm a command
    fn learn_crossing(
        &mut self,
        op: &Op,
        command: &Command,
        answer: &Answer,
        at: Timestamp,
    ) -> Result<bool, Contradiction> {
        match command {
            Command::OpenEnterprise { ecid, management_account, .. } => {
                let enterprise = Enterprise {
                    management: management_account.clone(),
                    center: false,
                    contract: "none",
                    total: 0,
                    members: BTreeMap::new(),
                    lowered: false,
                };
                if self.enterprises.insert(ecid.clone(), enterprise).is_some() {
                    return Err(format!("enterprise `{ecid}` was opened twice"));
                }
            }
            Command::EnableAccountCenter { ecid } => {
                let center = &mut self.enterprise_mut(ecid)?.center;
                return Ok(!std::mem::replace(center, true));
            }
            Command::InviteAccount { ecid, billing_account } => {
                let members = &mut self.enterprise_mut(ecid)?.members;
                if members.contains_key(billing_account) {
                    return Ok(false);
                }
                members.insert(billing_account.clone(), Member::default());
            }
            Command::AcceptInvitation { ecid, billing_account } => {
                self.enterprise_mut(ecid)?.members.entry(billing_account.clone()).or_default().active = true;
                self.account_mut(billing_account)?.enterprise = Some(ecid.clone());
            }
            Command::EndAssociation { ecid, billing_account } => {
                self.enterprise_mut(ecid)?.members.remove(billing_account);
                self.account_mut(billing_account)?.enterprise = None;
            }
            Command::SetTotalCredit { ecid, public_cloud, hybrid_cloud } => {
                let hybrid = hybrid_cloud.map_or(0, |amount| amount.money().units());
                let enterprise = self.enterprise_mut(ecid)?;
                enterprise.total = public_cloud.money().units() + hybrid;
                // Increases may be on their way: the engine's own check is the stricter one.
                enterprise.lowered = true;
            }
            Command::RequestCreditContract { ecid } => self.enterprise_mut(ecid)?.contract = "requested",
            Command::ApproveCreditContract { ecid } => self.enterprise_mut(ecid)?.contract = "approved",
            Command::ConfirmCreditContract { ecid } => {
                let enterprise = self.enterprise_mut(ecid)?;
                enterprise.contract = "confirmed";
                for (id, member) in enterprise.members.clone() {
                    if member.limit != 0 {
                        let account = self.account_mut(&id)?;
                        account.limit += member.limit;
                        account.event(at.micros());
                    }
                }
            }
            Command::AllocateCredit { dry_run: true, .. } => return Ok(false),
            Command::AllocateCredit { ecid, billing_account, .. } => {
                let Answer::Allocation(answer) = answer else { return Err("not answered as one".to_owned()) };
                let delta = answer.credit_limit_after.units() - answer.credit_limit_before.units();
                self.assign(ecid, billing_account, delta)?;
                return Ok(delta != 0);
            }
            Command::MoveCredit { ecid, from, to, amount } => {
                self.assign(ecid, from, -amount.money().units())?;
                self.assign(ecid, to, amount.money().units())?;
            }
            Command::TransferCash { from, to, amount } => {
                let amount = amount.money().units();
                self.account_mut(from)?.cash -= amount;
                let receiver = self.account_mut(to)?;
                receiver.cash += amount;
                receiver.book.entry(from.clone()).or_default().0 += amount;
            }
            Command::RevokeTransfer { giver, receiver, amount } => {
                let amount = amount.money().units();
                self.account_mut(giver)?.cash += amount;
                let receiver = self.account_mut(receiver)?;
                receiver.cash -= amount;
                receiver.book.entry(giver.clone()).or_default().1 += amount;
            }
            Command::GrantAdministrators { billing_account, permissions, .. } => {
                let Answer::Items(items) = answer else { return Err("not answered by items".to_owned()) };
                let default = [Permission::ReadAccount, Permission::ModifyAccount];
                let permissions = permissions.unwrap_or_else(|| default.into_iter().collect());
                let list = self.list_of(billing_account);
                let granted: Vec<_> = items.iter().filter(|(_, result)| result.is_ok()).collect();
                for (cloud, _) in &granted {
                    self.administrators.entry(list.clone()).or_default().insert(cloud.clone(), permissions);
                }
                return Ok(!granted.is_empty());
            }
            Command::RevokeAdministrator { billing_account, cloud_account } => {
                let list = self.list_of(billing_account);
                self.administrators.entry(list).or_default().remove(cloud_account);
            }
            Command::AttachPolicy { user, policy } => {
                self.policies.insert(user.clone(), *policy);
            }
            Command::DetachPolicy { user } => {
                self.policies.remove(user);
            }
            other => return self.learn_billing(op, other, answer, at),
        }
        Ok(true)
    }

    fn assign(&mut self, ecid: &str, account: &str, delta: i128) -> Result<(), Contradiction> {
        let enterprise = self.enterprise_mut(ecid)?;
        enterprise.members.entry(account.to_owned()).or_default().limit += delta;
        if enterprise.confirmed() {
            self.account_mut(account)?.limit += delta;
        }
        Ok(())
    }

    fn capture(&mut self, account: &str, hold: &str, amount: Option<i128>) -> Result<bool, Contradiction> {
        let now = self.now;
        let account = self.account_mut(account)?;
        let known = account.holds.get_mut(hold).ok_or("captured an unknown hold")?;
        let amount = amount.unwrap_or(known.amount);
        match known.state {
            HoldState::Open => {
                known.state = HoldState::Captured(amount);
                account.owe(account.bills.month(now).max(account.bills.open_from), amount);
                Ok(true)
            }
            HoldState::Captured(before) if before == amount => Ok(false),
            state => Err(format!("captured {amount} of a hold that was {state:?}")),
        }
    }

    fn open(&mut self, id: &str, settings: &exchequer::engine::AccountSettings) -> Result<(), Contradiction> {
        let account = Account {
            kind: settings.kind.unwrap_or(AccountType::Direct),
            currency: settings.currency.map_or_else(|| "USD".to_owned(), |currency| currency.to_string()),
            owner: settings.owner.clone().unwrap_or_else(|| id.to_owned()),
            name: settings.name.clone().unwrap_or_else(|| id.to_owned()),
            credit_enabled: settings.credit_enabled.unwrap_or(true),
            pay_on_behalf: settings.pay_on_behalf.unwrap_or(false),
            status: Status::Valid,
            cash: 0,
            book: BTreeMap::new(),
            limit: 0,
            quota: 0,
            unsettled: 0,
            charges: 0,
            holds: BTreeMap::new(),
            enterprise: None,
            from_outside: 0,
            bills: Bills {
                offset: settings.utc_offset.unwrap_or_default(),
                terms_days: settings.payment_terms_days.unwrap_or(10).into(),
                at: self.now,
                ..Bills::default()
            },
            standing: Standing::default(),
        };
        match self.accounts.insert(id.to_owned(), account) {
            None => Ok(()),
            Some(_) => Err(format!("account `{id}` was opened twice")),
        }
    }

    fn register(&mut self, cloud: &str, payer: &str) {
        self.payers.insert(cloud.to_owned(), vec![(Timestamp::MIN, payer.to_owned())]);
    }
}
