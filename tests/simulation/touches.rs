//! Which things each command writes alone, so that the auditor knows who wrote them last.

use exchequer::engine::Command;

use crate::model::Model;
use crate::op::{Op, Thing, Touches};

/// What a command changes alone, and what it adds to.
pub fn touches(command: &Command) -> Touches {
    match command {
        Command::RegisterCloudAccount { cloud_account: id, .. }
        | Command::RegisterPaidCloudAccount { cloud_account: id, .. } => {
            Touches::alone([Thing::Id(id.clone()), Thing::Payer(id.clone())])
        }
        Command::OpenBillingAccount { billing_account: id, .. } => Touches::alone([Thing::Id(id.clone())]),
        Command::OpenEnterprise { ecid, .. } => Touches::alone([Thing::Id(ecid.clone())]),
        Command::ModifyBillingAccount { billing_account, .. } => {
            Touches::alone([Thing::Profile(billing_account.clone())])
        }
        Command::SetPayer { cloud_accounts, .. } => {
            Touches::alone(cloud_accounts.iter().map(|cloud| Thing::Payer(cloud.clone())))
        }
        Command::FreezeBillingAccount { billing_account }
        | Command::ThawBillingAccount { billing_account }
        | Command::CancelBillingAccount { billing_account } => {
            Touches::alone([Thing::Status(billing_account.clone())])
        }
        Command::GrantCreditLimit { billing_account, .. } => {
            Touches::alone([Thing::Limit(billing_account.clone())])
        }
        Command::SetQuota { billing_account, .. } => Touches::alone([Thing::Quota(billing_account.clone())]),
        Command::InviteAccount { billing_account, .. } => {
            Touches::alone([Thing::Membership(billing_account.clone())])
        }
        Command::AcceptInvitation { ecid, billing_account }
        | Command::EndAssociation { ecid, billing_account } => Touches::alone([
            Thing::Membership(billing_account.clone()),
            Thing::Limit(billing_account.clone()),
            Thing::Administrators(billing_account.clone()),
        ])
        .with([Thing::Credit(ecid.clone())]),
        Command::SetTotalCredit { ecid, .. } => Touches::alone([Thing::Total(ecid.clone())]),
        Command::RequestCreditContract { ecid } | Command::ApproveCreditContract { ecid } => {
            Touches::alone([Thing::Contract(ecid.clone())])
        }
        Command::ConfirmCreditContract { ecid } => {
            Touches::alone([Thing::Contract(ecid.clone()), Thing::Credit(ecid.clone())])
        }
        Command::AllocateCredit { ecid, billing_account, .. } => {
            Touches::default().with([Thing::Credit(ecid.clone()), Thing::Limit(billing_account.clone())])
        }
        Command::MoveCredit { ecid, from, to, .. } => Touches::default().with([
            Thing::Credit(ecid.clone()),
            Thing::Limit(from.clone()),
            Thing::Limit(to.clone()),
        ]),
        Command::GrantAdministrators { billing_account, .. }
        | Command::RevokeAdministrator { billing_account, .. } => {
            Touches::alone([Thing::Administrators(billing_account.clone())])
        }
        Command::AttachPolicy { user, .. } | Command::DetachPolicy { user } => {
            Touches::alone([Thing::Policy(user.clone())])
        }
        _ => Touches::default(),
    }
}

/// Until the contract is confirmed a limit is what was written last.
pub fn widen(op: &mut Op, model: &Model) {
    let ecid = match op.command() {
        Some(Command::AllocateCredit { ecid, .. } | Command::EndAssociation { ecid, .. }) => ecid.clone(),
        _ => return,
    };
    if model.enterprises.get(&ecid).is_some_and(|enterprise| !enterprise.confirmed()) {
        op.touches.alone.insert(Thing::Credit(ecid));
    }
}
