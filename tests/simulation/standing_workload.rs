//! What clients ask for about alerts and suspension, and amounts that lead an account near where its standing changes.

use exchequer::domain::money::{Amount, Money};
use exchequer::domain::permissions::Permission;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;
use exchequer::engine::{Answer, Command, PROVIDER};

use crate::amounts::amount;
use crate::bills::DAY;
use crate::model::{Account, Contradiction, Model, refusal_of};
use crate::op::{Expect, Op, What};
use crate::random::Chance;
use crate::rules::{Broken, known, may, usable};
use crate::workload::Workload;
use crate::world::{HOUR, cents};

/// More than this is not moved to come near something.
const STEERED_MAX: i128 = 2_000 * 10_i128.pow(18);

fn exactly(units: i128) -> Option<Amount> {
    Money::from_units(units).to_string().parse().ok()
}

impl Workload {
    /// One of the accounts that are meant to be watched: every third one.
    pub fn watched(&self, chance: &mut Chance) -> Option<String> {
        let watched: Vec<_> = self.world.accounts.iter().step_by(3).collect();
        (!watched.is_empty()).then(|| (*chance.pick(&watched)).clone())
    }

    /// An amount that leads a watched account to where its standing changes, or next to it.
    pub fn steer(id: &str, model: &Model, chance: &mut Chance) -> Option<Amount> {
        let account = model.account(id).filter(|account| account.is_watched())?;
        if !model.months || chance.one_in(3) {
            return None;
        }
        let target = Self::target(account, chance);
        let amount = account.available() - target;
        exactly(amount).filter(|_| amount.abs() < STEERED_MAX)
    }

    fn target(account: &Account, chance: &mut Chance) -> i128 {
        let standing = &account.standing;
        let cent = 10_i128.pow(16);
        let grace = standing.benefit.and_then(|benefit| benefit.grace_amount).map_or(0, Money::units);
        let level = match chance.below(8) {
            0..3 => standing.threshold,
            3 => standing.threshold / 2,
            4 | 5 => 0,
            6 => -grace,
            _ => standing.threshold * 2,
        };
        level + *chance.pick(&[0, 0, 1, -1, cent, -cent, -7 * cent, 50 * cent, -300 * cent])
    }

    /// A top-up; of a watched account often just so much that its standing changes.
    pub fn top_up(&self, model: &Model, chance: &mut Chance) -> Command {
        let watched = self.watched(chance).filter(|_| model.months && !chance.one_in(3));
        let Some(id) = watched else { return Command::top_up(self.account(chance), amount(chance)) };
        let steered = model.account(&id).map(|account| Self::target(account, chance) - account.available());
        let steered = steered.filter(|more| (1..STEERED_MAX).contains(more)).and_then(exactly);
        Command::top_up(id, steered.unwrap_or_else(|| amount(chance)))
    }

    /// Sets alerts, of one account or several, or the benefit of one.
    pub fn watch(&self, model: &Model, chance: &mut Chance) -> Command {
        let id = self.watched(chance).filter(|_| !chance.one_in(8)).unwrap_or_else(|| self.account(chance));
        if chance.one_in(3) {
            let grace_amount = match chance.below(12) {
                0 => Some(cents(-1)),
                1 => Some(cents(0)),
                2..7 => Some(cents(1 + chance.below(4_000).cast_signed())),
                _ => None,
            };
            let grace_micros = match chance.below(8) {
                0 => Some(0),
                1 | 2 => Some(HOUR / 60 * (1 + chance.below(120).cast_signed())),
                3..6 => Some(DAY * (1 + chance.below(6).cast_signed())),
                _ => None,
            };
            return Command::SetSuspensionBenefit { billing_account: id, grace_micros, grace_amount };
        }
        let threshold = match chance.below(12) {
            0 => Some(cents(0)),
            1 => Some(cents(-100)),
            2 | 3 => None,
            // Around what there is.
            4..9 => model.account(&id).and_then(|account| {
                let near = chance.below(6_000).cast_signed() - 3_000;
                exactly((account.available() + i128::from(near) * 10_i128.pow(16)).max(1))
            }),
            _ => Some(cents(1 + chance.below(20_000).cast_signed())),
        };
        let mut billing_accounts = vec![id];
        for _ in 0..chance.below(4) * chance.below(2) {
            billing_accounts.push(self.account(chance));
        }
        if chance.one_in(16) {
            billing_accounts.push("nobody".to_owned());
        }
        Command::SetLowBalanceAlert { billing_accounts, enabled: !chance.one_in(8), threshold }
    }
}

impl Model {
    /// Alerts were set, with a result each, which is what was foretold; whether each of them was changed.
    pub fn learn_alert(&mut self, op: &Op, answer: &Answer, now: i64) -> Result<bool, Contradiction> {
        let What::Command(request) = &op.what else { return Err("asked for by charges".to_owned()) };
        let Command::SetLowBalanceAlert { billing_accounts, enabled, threshold } = &request.command else {
            return Err("asked for by another command".to_owned());
        };
        let threshold = threshold.map(|amount| amount.money().units());
        let Answer::Items(items) = answer else { return Err("not answered by items".to_owned()) };
        if !items.iter().map(|(id, _)| id).eq(billing_accounts) {
            return Err("not answered by an item for each account".to_owned());
        }
        let mut all_changed = true;
        for (id, result) in items {
            let found = match result {
                Ok(()) => None,
                Err(error) => Some(refusal_of(error).ok_or_else(|| format!("`{id}`: answered {error:?}"))?),
            };
            if found.is_none_or(|refusal| !matches!(refusal, Refusal::PermissionDenied | Refusal::NotFound)) {
                self.settle(std::slice::from_ref(id), Timestamp::from_micros(now));
            }
            let mut broken = Broken::default();
            let may = may(self, &request.principal, Permission::ModifyAccount, id);
            broken.when(!may, Refusal::PermissionDenied);
            if let Some(account) = known(self, id, &mut broken) {
                usable(account, &mut broken);
                broken.0.extend(account.standing.refuses(*enabled, threshold));
            }
            // Where others change who may do what meanwhile, that is not foretold.
            let unknown = op.expect == Expect::Anything && request.principal != PROVIDER;
            if unknown && found != Some(Refusal::PermissionDenied) {
                broken.0.remove(&Refusal::PermissionDenied);
            }
            if unknown && found == Some(Refusal::PermissionDenied) {
                broken.0.insert(Refusal::PermissionDenied);
            }
            if found != broken.0.first().copied() {
                return Err(format!("`{id}`: answered {found:?}, though {:?} speak against it", broken.0));
            }
            let account = self.accounts.get_mut(id).filter(|_| found.is_none());
            let setting = account.as_ref().and_then(|account| account.standing.setting(*enabled, threshold));
            match account.zip(setting) {
                Some((account, (enabled, threshold))) => account.set_alert(enabled, threshold, now),
                None => all_changed = false,
            }
        }
        Ok(all_changed)
    }
}
