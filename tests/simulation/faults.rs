//! Faults planted on purpose: each must be seen, and by nothing but the fault.

use std::process::ExitCode;

use exchequer::engine::PlantedFault;
use libtest_mimic::Failed;

use crate::run::{Options, run};

/// Every planted fault, with a seed that shows it.
pub const SHOWN: [(PlantedFault, u64); 16] = [
    (PlantedFault::OutboxNotResent, 45),
    (PlantedFault::SentBeforeQueued, 1_091),
    (PlantedFault::AnsweredBeforeDurable, 0),
    (PlantedFault::SnapshotBeforeDurable, 374),
    (PlantedFault::InboxNotIdempotent, 0),
    (PlantedFault::DueSkipped, 0),
    (PlantedFault::WrongAssetOrder, 0),
    (PlantedFault::IneligibleRefundMonth, 0),
    (PlantedFault::TaxTwice, 5),
    (PlantedFault::RoundingLost, 5),
    (PlantedFault::BillIssuedTwice, 0),
    (PlantedFault::WriteOffSkipped, 5),
    (PlantedFault::AlertTwice, 0),
    (PlantedFault::ReminderSkipped, 5),
    (PlantedFault::SuspensionMissed, 10),
    (PlantedFault::AlertedAndOverdue, 8),
];

pub fn named(name: &str) -> Option<PlantedFault> {
    SHOWN.iter().map(|(fault, _)| *fault).find(|fault| format!("{fault:?}") == name)
}

/// The seed shows the fault, and nothing where there is none.
pub fn is_seen(fault: PlantedFault, seed: u64) -> Result<(), Failed> {
    let planted = Options { planted: Some(fault), ..Options::default() };
    if run(seed, planted).violation.is_none() {
        return Err(Failed::from(format!("seed {seed} does not show {fault:?}")));
    }
    match run(seed, Options::default()).violation {
        None => Ok(()),
        Some(wrong) => Err(Failed::from(format!("seed {seed} without {fault:?}: {wrong}"))),
    }
}

/// Looks for seeds that show a fault.
pub fn find(name: &str, options: Options) -> ExitCode {
    let fault = named(name).expect("the name of a planted fault");
    let mut found = 0;
    for seed in 0..2_000 {
        let outcome = run(seed, Options { planted: Some(fault), ..options });
        if let Some(wrong) = outcome.violation {
            println!("seed {seed}: {wrong}");
            found += 1;
            if found == 5 {
                return ExitCode::SUCCESS;
            }
        }
    }
    ExitCode::FAILURE
}
