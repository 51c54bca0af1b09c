//! After a soak: is everything there that was sent, once, to the last unit of money?

use std::error::Error;

use super::poster::Poster;
use crate::clock::Stopwatch;
use crate::domain::money::Money;
use crate::engine::listing::AccountFilter;
use crate::engine::verify::verify;
use crate::engine::{Config, Engine};
use crate::load::workload::account_id;

/// Accounts asked for at a time.
const PAGE: usize = 65_536;

/// What was found after closing.
#[derive(Clone, Default, Debug)]
pub struct Audit {
    /// Every invariant holds.
    pub verified: bool,
    /// What does not hold, in words.
    pub broken: Vec<String>,
    /// Different charges that were sent, and that the accounts hold after opening again.
    pub charges: [u64; 2],
    /// Their sums: as sent, and as the accounts hold them.
    pub sums: [Money; 2],
    /// Accounts that hold another count or another sum than was sent to them.
    pub accounts_differ: u64,
    /// How long verifying took, and opening again.
    pub verify_seconds: f64,
    /// How long opening again took.
    pub reopen_seconds: f64,
}

impl Audit {
    /// Nothing differs.
    pub fn is_exact(&self) -> bool {
        self.verified
            && self.charges[0] == self.charges[1]
            && self.sums[0] == self.sums[1]
            && self.accounts_differ == 0
    }
}

/// Verifies a closed ledger, opens it again, and compares it with what was sent.
pub(super) fn audit(config: &Config, posters: &[Poster]) -> Result<Audit, Box<dyn Error>> {
    let mut audit = Audit::default();
    let watch = Stopwatch::start();
    let report = verify(config)?;
    audit.verify_seconds = watch.elapsed().as_secs_f64();
    audit.verified = report.ok;
    let broken = report.invariants.iter().filter(|(_, ok, _)| !ok);
    audit.broken = broken.map(|(invariant, _, detail)| format!("{}: {detail}", invariant.id())).collect();
    let watch = Stopwatch::start();
    let engine = Engine::open(Config { snapshot_log_bytes: None, ..config.clone() })?;
    audit.reopen_seconds = watch.elapsed().as_secs_f64();
    compare(&engine, posters, &mut audit)?;
    engine.close()?;
    Ok(audit)
}

/// Charges and their sum.
type Total = (u64, Money);

fn add(total: &mut Total, charges: u64, money: Money) -> Result<(), &'static str> {
    total.0 += charges;
    total.1 = total.1.checked_add(money).ok_or("a sum is more than fits")?;
    Ok(())
}

fn compare(engine: &Engine, posters: &[Poster], audit: &mut Audit) -> Result<(), Box<dyn Error>> {
    let sent = sent(posters)?;
    let (mut all_sent, mut all_held) = (Total::default(), Total::default());
    for (charges, money) in &sent {
        add(&mut all_sent, *charges, *money)?;
    }
    let mut from = Some(0);
    let mut accounts = 0;
    while let Some(first) = from {
        let page = engine.list_accounts(&AccountFilter::default(), first, PAGE)?;
        for account in page.items {
            let held = (account.charges, account.unsettled_current);
            add(&mut all_held, held.0, held.1)?;
            let number = account.number.parse::<usize>()?.checked_sub(1).ok_or("accounts count from 1")?;
            let named =
                u32::try_from(number).is_ok_and(|number| account_id(number) == account.billing_account);
            accounts += 1;
            audit.accounts_differ += u64::from(!named || sent.get(number) != Some(&held));
        }
        from = page.next;
    }
    audit.accounts_differ += (sent.len() as u64).saturating_sub(accounts);
    (audit.charges, audit.sums) = ([all_sent.0, all_held.0], [all_sent.1, all_held.1]);
    Ok(())
}

/// By account number, what was sent to it; each charge once, however often it was sent.
fn sent(posters: &[Poster]) -> Result<Vec<Total>, &'static str> {
    let accounts = posters.first().map_or(0, |poster| poster.charges.accounts as usize);
    let mut sent = vec![Total::default(); accounts];
    for poster in posters {
        for nth in 0..poster.sent {
            let charge = poster.charges.describe(poster.charge(nth));
            add(&mut sent[charge.account as usize], 1, charge.money())?;
        }
    }
    Ok(sent)
}
