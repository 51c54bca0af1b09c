//! Transfers between random accounts of one enterprise: how many a second, and how long one takes beside the disk alone.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rust_decimal::Decimal;

use super::disk::LoneDisk;
use super::figures::Latency;
use crate::clock::Stopwatch;
use crate::domain::money::Amount;
use crate::engine::{AccountSettings, Answer, Command, Config, Engine, EngineError, Request};

/// Time in which everything comes to rest before the next transfer, or the next sync.
const PAUSE: Duration = Duration::from_micros(500);

/// Transfers before those that count.
const WARM_UP: u64 = 64;

/// Bytes of a small block, as one record of a transfer makes it.
const BLOCK_BYTES: usize = 512;

/// Who owns and manages everything.
const OWNER: &str = "enterprise";
pub(super) const ECID: &str = "ecid-1";

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct TransfersSpec {
    /// Billing accounts of the enterprise.
    pub accounts: u32,
    /// Shards of the engine.
    pub shards: usize,
    /// Transfers at full speed.
    pub transfers: u64,
    /// Transfers that are under way at a time.
    pub callers: usize,
    /// Transfers one by one, each beside a lone sync.
    pub alone: u64,
    /// The pairs follow from it.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Default, Debug)]
pub struct Transfers {
    /// Durable transfers a second, at full speed.
    pub per_second: f64,
    /// From the command until its answer, at full speed.
    pub loaded: Latency,
    /// The same, one by one: authorisation, both halves and durability.
    pub alone: Latency,
    /// Writing and syncing a small block alone, in the same run.
    pub fdatasync: Latency,
}

/// Measures in directories of its own under `directory`; `progress` is told what share (0 to 1) is done.
pub fn measure(
    spec: &TransfersSpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Transfers, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    let mut config = Config::new(home.path());
    config.shards = Some(spec.shards);
    let engine = Engine::open(config)?;
    pollster::block_on(found_enterprise(&engine, spec.accounts, spec.callers))?;
    progress(0.2);
    let mut chance = Pcg64Mcg::seed_from_u64(spec.seed);
    let mut next = || request(&mut chance, spec.accounts);
    let mut measured = Transfers::default();
    let mut disk = LoneDisk::open(directory, BLOCK_BYTES)?;
    for number in 0..WARM_UP + spec.alone {
        std::thread::sleep(PAUSE);
        let (request, since) = (next(), Stopwatch::start());
        engine.execute(&request)?;
        let elapsed = since.elapsed();
        std::thread::sleep(PAUSE);
        let lone = disk.sync()?;
        if number >= WARM_UP {
            measured.alone.record(elapsed);
            measured.fdatasync.record(lone);
        }
    }
    progress(0.5);
    let since = Stopwatch::start();
    let requests = (0..spec.transfers).map(|_| next());
    pollster::block_on(all(&engine, requests, spec.callers, &mut |latency| measured.loaded.record(latency)))?;
    #[allow(clippy::cast_precision_loss)] // a figure of a few digits
    let transfers = spec.transfers as f64;
    measured.per_second = transfers / since.elapsed().as_secs_f64();
    engine.close()?;
    progress(1.0);
    Ok(measured)
}

/// A command about an account of that id.
type Step = fn(String) -> Result<Command, Box<dyn Error>>;

/// An enterprise with so many members, each with cash to give.
pub(super) async fn found_enterprise(
    engine: &Engine,
    accounts: u32,
    callers: usize,
) -> Result<(), Box<dyn Error>> {
    let provider = |command| Request::new(command);
    engine.execute_async(&provider(Command::register_cloud_account(OWNER))).await?;
    let opened = Command::OpenEnterprise {
        ecid: ECID.to_owned(),
        owner: OWNER.to_owned(),
        management_account: OWNER.to_owned(),
        currency: None,
    };
    engine.execute_async(&provider(opened)).await?;
    engine.execute_async(&provider(Command::EnableAccountCenter { ecid: ECID.to_owned() })).await?;
    let steps: [Step; 4] = [
        |billing_account| {
            let settings = AccountSettings { owner: Some(OWNER.to_owned()), ..AccountSettings::default() };
            Ok(Command::OpenBillingAccount { billing_account, settings })
        },
        |billing_account| Ok(Command::InviteAccount { ecid: ECID.to_owned(), billing_account }),
        |billing_account| Ok(Command::AcceptInvitation { ecid: ECID.to_owned(), billing_account }),
        |billing_account| Ok(Command::top_up(billing_account, "1000000000".parse()?)),
    ];
    for step in steps {
        let commands = (0..accounts).map(|number| step(account(number))).collect::<Result<Vec<_>, _>>()?;
        all(engine, commands.into_iter().map(provider), callers, &mut |_| ()).await?;
    }
    Ok(())
}

/// Carries out requests, so many at a time; each one's latency is told.
pub(super) async fn all(
    engine: &Engine,
    mut requests: impl Iterator<Item = Request>,
    callers: usize,
    done: &mut dyn FnMut(Duration),
) -> Result<(), EngineError> {
    let one = async |request: Request| {
        let since = Stopwatch::start();
        engine.execute_async(&request).await.map(|_: Answer| since.elapsed())
    };
    let mut under_way: FuturesUnordered<_> = requests.by_ref().take(callers).map(one).collect();
    while let Some(latency) = under_way.next().await {
        done(latency?);
        under_way.extend(requests.next().map(one));
    }
    Ok(())
}

fn account(number: u32) -> String {
    format!("account-{number}")
}

/// A cent from one account to another one, given by the management account.
fn request(chance: &mut Pcg64Mcg, accounts: u32) -> Request {
    let from = chance.random_range(0..accounts);
    let to = (from + chance.random_range(1..accounts)) % accounts;
    let amount = Amount::new(Decimal::new(1, 2)).expect("invariant: a cent has two digits");
    let command = Command::TransferCash { from: account(from), to: account(to), amount };
    Request { principal: OWNER.to_owned(), ..Request::new(command) }
}
