//! What clients ask for next: every command, most of them sensible, some of them not.

use exchequer::domain::time::Timestamp;
use exchequer::engine::{AccountSettings, Command, PROVIDER, Request};

use crate::amounts::{amount, around};
use crate::bills::DAY;
use crate::bills_learned::bill_of;
use crate::model::{Account, HoldState, Model};
use crate::op::{Expect, Op, Sent, What};
use crate::random::Chance;
use crate::touches::{deciding, touches, widen};
use crate::world::{BEGIN, HOUR, World, cents, owner_of};

/// Less than what keys and closed holds are remembered for.
pub const REMEMBERED: i64 = 50 * DAY;

/// Makes the operations of one seed.
pub struct Workload {
    pub world: World,
    /// Answered operations that changed something, with their answers and when: their keys are used again.
    pub done: Vec<(Op, crate::op::Reply, i64)>,
    /// When the clock jumped last, the time before.
    pub before: i64,
    /// Charges that were sent before.
    pub charges: Vec<Sent>,
    fresh: u64,
}

impl Workload {
    pub const fn new(world: World) -> Self {
        Self { world, done: Vec::new(), before: BEGIN, charges: Vec::new(), fresh: 0 }
    }

    pub fn fresh(&mut self, prefix: &str) -> String {
        self.fresh += 1;
        format!("{prefix}{}", self.fresh)
    }

    /// Keeps what was answered, for repeating it; accounts that were opened take part from now on.
    pub fn learn(&mut self, op: Op, reply: crate::op::Reply, now: i64) {
        match op.command() {
            Some(Command::RegisterCloudAccount { cloud_account: id, .. })
                if !self.world.accounts.contains(id) =>
            {
                self.world.outsiders.push(id.clone());
                self.world.accounts.push(id.clone());
            }
            Some(Command::OpenBillingAccount { billing_account: id, .. })
                if !self.world.accounts.contains(id) =>
            {
                self.world.accounts.push(id.clone());
            }
            _ => {}
        }
        self.done.push((op, reply, now));
    }

    /// An operation that a principal gives, under a key of its own.
    pub fn op(number: u64, principal: &str, command: Command, at: Option<Timestamp>) -> Op {
        let touches = touches(&command);
        let key = Some(format!("k{number}"));
        let request = Request { command, principal: principal.to_owned(), key, at };
        Op { number, what: What::Command(request), touches, expect: Expect::Anything, reissued: false }
    }

    /// The next operation.
    pub fn next(&mut self, number: u64, model: &Model, chance: &mut Chance) -> Op {
        match chance.below(100) {
            0..16 => return self.post(number, model, chance),
            16..19 => {
                if let Some(op) = self.again(number, model, chance) {
                    return op;
                }
            }
            19..21 => {
                if let Some(op) = self.reuse(number, model, chance) {
                    return op;
                }
            }
            _ => {}
        }
        let billing = model.months && chance.one_in(2);
        let command = match (billing, model.months && chance.one_in(6)) {
            (_, true) => self.watch(model, chance),
            (true, false) => self.bills(model, chance),
            (false, false) => self.command(model, chance),
        };
        let command = if chance.one_in(40) { misnamed(command) } else { command };
        let principal = self.principal(&command, model, chance);
        // A wrong clock: what comes late can't be about time.
        let late = matches!(command, Command::TopUp { .. }) && chance.one_in(10);
        let at = late.then(|| Timestamp::from_micros(model.now - HOUR));
        let mut op = Self::op(number, &principal, command, at);
        widen(&mut op, model);
        op
    }

    /// What may come before what is due has been decided everywhere: all of it decides what is due of its own accounts.
    pub fn before_due(&mut self, number: u64, model: &Model, chance: &mut Chance) -> Op {
        let command = match chance.below(10) {
            0..5 => {
                let mut op = self.post(number, model, chance);
                // Charges come at any time since the clock jumped.
                if let What::Post(_, _, at) = &mut op.what
                    && !chance.one_in(4)
                {
                    let span = (model.now - self.before).cast_unsigned() + 1;
                    *at = Some(Timestamp::from_micros(self.before + chance.below(span).cast_signed()));
                }
                return op;
            }
            5..7 => self.top_up(model, chance),
            7 => self.watch(model, chance),
            _ => self.issue(model, chance),
        };
        Self::op(number, PROVIDER, command, None)
    }

    pub fn account(&self, chance: &mut Chance) -> String {
        chance.pick(&self.world.accounts).clone()
    }

    /// A member to be, more often than not.
    fn member(&self, chance: &mut Chance) -> (String, String) {
        if chance.one_in(12) {
            let ecid = chance.pick(&self.world.enterprises).clone();
            return (self.account(chance), ecid);
        }
        chance.pick(&self.world.members).clone()
    }

    /// Another account of the same enterprise, more often than not.
    pub fn fellow(&self, of: &(String, String), chance: &mut Chance) -> String {
        let fellows: Vec<_> = self.world.members.iter().filter(|(_, ecid)| *ecid == of.1).collect();
        if chance.one_in(10) { self.account(chance) } else { chance.pick(&fellows).0.clone() }
    }

    fn command(&mut self, model: &Model, chance: &mut Chance) -> Command {
        let of = self.member(chance);
        let (billing_account, ecid) = of.clone();
        let account = model.account(&billing_account);
        match chance.below(100) {
            0..6 => Command::TopUp { billing_account, amount: amount(chance), reference: None },
            6..12 => self.top_up(model, chance),
            12..32 => {
                let least = account.map_or(0, |account| (account.cash - account.in_book()).max(0));
                let to = self.fellow(&of, chance);
                Command::TransferCash { from: billing_account, to, amount: around(least, chance) }
            }
            32..44 => self.revoke(&billing_account, account, chance),
            44..56 => self.credit(&of, model, chance),
            56..68 => self.hold(&billing_account, account, model, chance),
            68..72 => {
                let most =
                    account.map_or(0, |account| account.cash - account.in_book() - account.unsettled.max(0));
                Command::WithdrawCash { billing_account, amount: around(most, chance) }
            }
            72..78 => self.associate(&of, model, chance),
            78..84 => self.enterprise(ecid, chance),
            84..91 => self.administer(&of, model, chance),
            _ => self.provide(billing_account, model, chance),
        }
    }

    fn hold(&mut self, of: &str, account: Option<&Account>, model: &Model, chance: &mut Chance) -> Command {
        let billing_account = of.to_owned();
        // Long after it was closed a hold is forgotten.
        let kept =
            |(_, hold): &(&String, &crate::model::Hold)| hold.expires_at.micros() > model.now - REMEMBERED;
        let holds: Vec<_> = account.into_iter().flat_map(|account| &account.holds).filter(kept).collect();
        let open: Vec<_> = holds.iter().filter(|(_, hold)| hold.state == HoldState::Open).collect();
        if holds.is_empty() || chance.one_in(2) && open.len() < 6 {
            let spendable = account.map_or(0, Account::spendable);
            let part = (spendable / 4).max(0);
            let amount = if chance.one_in(4) { around(spendable, chance) } else { around(part, chance) };
            let micros = model.now + chance.below(30).cast_signed() * HOUR / 4;
            let hold = if !holds.is_empty() && chance.one_in(10) {
                chance.pick(&holds).0.clone()
            } else {
                self.fresh("h")
            };
            return Command::PlaceHold {
                billing_account,
                hold,
                amount,
                expires_at: Timestamp::from_micros(micros),
            };
        }
        let (hold, state) =
            if open.is_empty() || chance.one_in(5) { *chance.pick(&holds) } else { **chance.pick(&open) };
        if chance.one_in(3) {
            return Command::ReleaseHold { billing_account, hold: hold.clone() };
        }
        let amount = (!chance.one_in(3)).then(|| around(state.amount, chance));
        Command::CaptureHold { billing_account, hold: hold.clone(), amount }
    }

    fn provide(&mut self, billing_account: String, model: &Model, chance: &mut Chance) -> Command {
        let account = self.account(chance);
        match chance.below(20) {
            0 | 1 => Command::FreezeBillingAccount { billing_account },
            2..5 => Command::ThawBillingAccount { billing_account },
            5 => Command::CancelBillingAccount { billing_account: account },
            6 => {
                let amount = around(chance.below(2_000).cast_signed().into(), chance);
                Command::AdjustCash { billing_account, amount, reason: "audit".to_owned() }
            }
            7 => Command::GrantCreditLimit { billing_account: account, amount: around(1_000, chance) },
            8 => Command::SetQuota { billing_account: "eco".to_owned(), amount: around(1_000, chance) },
            9 if chance.one_in(2) => Command::SetQuota { billing_account, amount: cents(5) },
            9 => Command::RepayQuota { billing_account: "eco".to_owned(), amount: around(10, chance) },
            10..13 => self.modify(billing_account, chance),
            13 => self.set_payer(account, model, chance),
            14 => {
                let cloud_account = if chance.one_in(2) { account.clone() } else { self.fresh("y") };
                Command::RegisterPaidCloudAccount { cloud_account, billing_account: account }
            }
            15 | 16 if self.world.accounts.len() < 24 => self.open(chance),
            17 => Command::register_cloud_account(account),
            _ => Command::AdvanceTime,
        }
    }

    fn open(&mut self, chance: &mut Chance) -> Command {
        let id = self.fresh("z");
        let owner = Some(owner_of(chance.pick::<String>(&self.world.enterprises)));
        let settings = AccountSettings { owner, ..AccountSettings::default() };
        if chance.one_in(3) {
            return Command::RegisterCloudAccount { cloud_account: id, settings };
        }
        Command::OpenBillingAccount { billing_account: id, settings }
    }

    fn modify(&mut self, billing_account: String, chance: &mut Chance) -> Command {
        let mut settings = AccountSettings::default();
        match chance.below(8) {
            0 => settings.owner = Some(owner_of(chance.pick::<String>(&self.world.enterprises))),
            1 => settings.credit_enabled = Some(chance.one_in(2)),
            2 => settings.pay_on_behalf = Some(chance.one_in(3)),
            3 => settings.payment_terms_days = Some(*chance.pick(&[0, 10, 30])),
            _ => settings.name = Some(self.fresh("name ")),
        }
        Command::ModifyBillingAccount { billing_account, settings }
    }

    fn set_payer(&self, billing_account: String, model: &Model, chance: &mut Chance) -> Command {
        let mut cloud_accounts = vec![chance.pick(&self.world.clouds).clone()];
        if chance.one_in(3) {
            cloud_accounts.push(self.account(chance));
        }
        let effective_at = Some(Timestamp::from_micros(model.now + HOUR * chance.below(3).cast_signed()));
        Command::SetPayer { cloud_accounts, billing_account, effective_at }
    }

    /// Who gives a command: whoever may, more often than not.
    fn principal(&self, command: &Command, model: &Model, chance: &mut Chance) -> String {
        let account = match command {
            Command::TopUp { billing_account, .. }
            | Command::WithdrawCash { billing_account, .. }
            | Command::PlaceHold { billing_account, .. }
            | Command::CaptureHold { billing_account, .. }
            | Command::ReleaseHold { billing_account, .. }
            | Command::ModifyBillingAccount { billing_account, .. }
            | Command::AcceptInvitation { billing_account, .. }
            | Command::EndAssociation { billing_account, .. }
            | Command::GrantAdministrators { billing_account, .. }
            | Command::RevokeAdministrator { billing_account, .. }
            | Command::TransferCash { from: billing_account, .. }
            | Command::RevokeTransfer { giver: billing_account, .. } => Some(billing_account.clone()),
            Command::AttachPolicy { user, .. } | Command::DetachPolicy { user } => {
                user.split('/').next().map(str::to_owned)
            }
            Command::SetLowBalanceAlert { billing_accounts, .. } => billing_accounts.first().cloned(),
            Command::PayBill { bill, .. } => bill_of(bill).map(|(id, _)| id.to_owned()),
            Command::StartUnifiedSettlement { pairs, .. } => pairs.first().map(|(id, _)| id.clone()),
            Command::FinishUnifiedSettlement { settlement }
            | Command::CloseUnifiedSettlement { settlement } => model.settling(settlement).into_iter().next(),
            command => deciding(command, model).into_iter().next(),
        };
        let ecid = match command {
            Command::EnableAccountCenter { ecid }
            | Command::InviteAccount { ecid, .. }
            | Command::RequestCreditContract { ecid }
            | Command::ConfirmCreditContract { ecid }
            | Command::AllocateCredit { ecid, .. }
            | Command::MoveCredit { ecid, .. } => Some(ecid.clone()),
            _ => account
                .as_ref()
                .and_then(|id| model.account(id))
                .and_then(|account| account.enterprise.clone()),
        };
        let management =
            ecid.and_then(|ecid| model.enterprises.get(&ecid)).map(|known| known.management.clone());
        match chance.below(40) {
            0 => "stranger".to_owned(),
            1 => format!("{}/ann", self.account(chance)),
            2 => self.account(chance),
            3 | 4 => management.map_or_else(|| PROVIDER.to_owned(), |id| format!("{id}/ann")),
            5..13 => management.unwrap_or_else(|| PROVIDER.to_owned()),
            13..17 => account.unwrap_or_else(|| PROVIDER.to_owned()),
            17..20 => {
                let list = account.and_then(|id| model.administrators.get(&model.list_of(&id)));
                let listed: Vec<_> = list.into_iter().flat_map(|list| list.keys()).collect();
                if listed.is_empty() { PROVIDER.to_owned() } else { (*chance.pick(&listed)).clone() }
            }
            _ => PROVIDER.to_owned(),
        }
    }
}

/// The same about somebody who is not there.
fn misnamed(command: Command) -> Command {
    let nobody = "nobody".to_owned();
    match command {
        Command::TopUp { amount, reference, .. } => {
            Command::TopUp { billing_account: nobody, amount, reference }
        }
        Command::TransferCash { from, amount, .. } => Command::TransferCash { from, to: nobody, amount },
        Command::AllocateCredit { billing_account, credit_limit, dry_run, .. } => Command::AllocateCredit {
            ecid: nobody,
            billing_account,
            credit_limit,
            min_available_credit_after: None,
            dry_run,
        },
        Command::CaptureHold { billing_account, amount, .. } => {
            Command::CaptureHold { billing_account, hold: nobody, amount }
        }
        other => other,
    }
}
