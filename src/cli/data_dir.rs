//! Opening the data directory of a command.

use std::sync::Arc;

use super::Globals;
use super::failure::Failure;
use crate::engine::{Config, Engine};
use crate::wal::{Identity, LockFault, OpenFault, OsStorage, Storage};

/// What to do where there is no ledger.
const NO_LEDGER: &str = "check --data-dir; `exchequer ingest` and `exchequer apply` make a new one";

/// Opens the ledger, making its directory if it is new.
pub(super) fn open_or_create(globals: &Globals) -> Result<Engine, Failure> {
    open(globals, Config::new(&globals.data_dir))
}

/// Opens a ledger that must exist.
pub(super) fn open_existing(globals: &Globals) -> Result<Engine, Failure> {
    storage(globals)?;
    open(globals, Config { create: false, ..Config::new(&globals.data_dir) })
}

/// As [`open_existing`], with what is due decided as the clock goes.
pub(super) fn open_with_clock(globals: &Globals) -> Result<Engine, Failure> {
    storage(globals)?;
    open(globals, Config { create: false, advance_by_clock: true, ..Config::new(&globals.data_dir) })
}

fn open(globals: &Globals, config: Config) -> Result<Engine, Failure> {
    let attempt = || format!("cannot open the ledger in `{}`", globals.data_dir.display());
    let engine = Engine::open(config).map_err(|error| Failure::open(attempt(), &error))?;
    if let Some(torn) = &engine.opened().log.torn {
        tracing::warn!(lsn = %torn.lsn, bytes = torn.bytes, "cut what a crash left unfinished at the end of the log");
    }
    Ok(engine)
}

/// Closes the ledger: a clean end of the log.
pub(super) fn close(engine: Engine) -> Result<(), Failure> {
    engine.close().map_err(|error| Failure::engine("cannot close the ledger", &error))
}

/// The files of a ledger that must exist, and its identity; nothing is changed, nothing locked.
pub(super) fn storage(globals: &Globals) -> Result<(Arc<dyn Storage>, Identity), Failure> {
    let path = globals.data_dir.display();
    let attempt = || format!("cannot open the ledger in `{path}`");
    let storage = OsStorage::open(&globals.data_dir, false)
        .map_err(|error| Failure::because(attempt(), &error, NO_LEDGER))?;
    let identity = Identity::read(&storage).map_err(|fault| Failure::log(attempt(), &fault))?;
    let Some(identity) = identity else {
        return Err(Failure::new(format!("cannot open the ledger in `{path}`: there is none"), NO_LEDGER));
    };
    Ok((Arc::new(storage), identity))
}

/// As [`storage`], with the directory locked against every other process.
pub(super) fn locked_storage(globals: &Globals) -> Result<(Arc<dyn Storage>, Identity), Failure> {
    let storage = storage(globals)?.0;
    let attempt = || format!("cannot read the log in `{}`", globals.data_dir.display());
    storage.lock().map_err(|fault| match fault {
        LockFault::Held { pid } => Failure::log(attempt(), &OpenFault::Locked { pid }),
        LockFault::Io(error) => {
            Failure::because(attempt(), &error, "check that you may write the data directory")
        }
    })?;
    let identity = Identity::read(&*storage).map_err(|fault| Failure::log(attempt(), &fault))?;
    let identity = identity.ok_or_else(|| Failure::new(attempt(), NO_LEDGER))?;
    Ok((storage, identity))
}
