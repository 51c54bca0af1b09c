//! Which things each command writes alone, so that the auditor knows who wrote them last.

use exchequer::engine::Command;

use crate::bills_learned::bill_of;
use crate::model::{Enterprise, Model};
use crate::op::{Op, Thing, Touches, What};

/// What a command changes alone, and what it adds to.
pub fn touches(command: &Command) -> Touches {
    match command {
        Command::RegisterCloudAccount { cloud_account: id, .. }
        | Command::RegisterPaidCloudAccount { cloud_account: id, .. } => {
            Touches::alone([Thing::Id(id.clone()), Thing::Payer(id.clone())])
        }
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
        Command::OpenBillingAccount { billing_account: id, .. }
        | Command::OpenEnterprise { ecid: id, .. }
        | Command::StartUnifiedSettlement { settlement: id, .. }
        | Command::FinishUnifiedSettlement { settlement: id }
        | Command::CloseUnifiedSettlement { settlement: id }
        | Command::RecordRemittance { remittance: id, .. }
        | Command::Refund { order: id, .. } => Touches::alone([Thing::Id(id.clone())]),
        // Several accounts may want one: who is first has it.
        Command::ClaimRemittance { remittance: id, .. } | Command::Purchase { order: id, .. } => {
            Touches::default().with([Thing::Id(id.clone())])
        }
        _ => Touches::default(),
    }
}

/// The accounts that record something if the command changes anything.
pub fn deciding(command: &Command, model: &Model) -> Vec<String> {
    match command {
        Command::ModifyBillingAccount { billing_account, .. }
        | Command::FreezeBillingAccount { billing_account }
        | Command::ThawBillingAccount { billing_account }
        | Command::CancelBillingAccount { billing_account }
        | Command::TopUp { billing_account, .. }
        | Command::AdjustCash { billing_account, .. }
        | Command::WithdrawCash { billing_account, .. }
        | Command::GrantCreditLimit { billing_account, .. }
        | Command::SetQuota { billing_account, .. }
        | Command::RepayQuota { billing_account, .. }
        | Command::PlaceHold { billing_account, .. }
        | Command::CaptureHold { billing_account, .. }
        | Command::ReleaseHold { billing_account, .. }
        | Command::AcceptInvitation { billing_account, .. }
        | Command::EndAssociation { billing_account, .. }
        | Command::SetAutomaticWriteOff { billing_account, .. }
        | Command::SetWriteOffPreviousBills { billing_account, .. }
        | Command::SetSuspensionBenefit { billing_account, .. }
        | Command::SetTaxRate { billing_account, .. }
        | Command::SetSettlementCurrency { billing_account, .. }
        | Command::GrantCoupon { billing_account, .. }
        | Command::Purchase { billing_account, .. }
        | Command::ClaimRemittance { billing_account, .. }
        | Command::LinkPaymentMethod { billing_account, .. }
        | Command::EditPaymentMethod { billing_account, .. }
        | Command::UnlinkPaymentMethod { billing_account, .. }
        | Command::SetDefaultPaymentMethod { billing_account, .. } => vec![billing_account.clone()],
        Command::Refund { order, .. } => model.buyer(order).into_iter().collect(),
        // Until the contract is confirmed a limit is only noted.
        Command::AllocateCredit { ecid, billing_account, .. }
            if model.enterprises.get(ecid).is_some_and(Enterprise::confirmed) =>
        {
            vec![billing_account.clone()]
        }
        Command::TransferCash { from: one, to: other, .. }
        | Command::RevokeTransfer { giver: one, receiver: other, .. }
        | Command::MoveCredit { from: one, to: other, .. } => vec![one.clone(), other.clone()],
        _ => Vec::new(),
    }
}

/// The accounts that a command is about; none if it is about all of them.
fn accounts(command: &Command, model: &Model) -> Option<Vec<String>> {
    Some(match command {
        Command::AdvanceTime
        | Command::IssueBills { billing_account: None, .. }
        | Command::SetExchangeRate { .. }
        | Command::ConfirmCreditContract { .. } => return None,
        Command::IssueBills { billing_account: Some(id), .. }
        | Command::AllocateCredit { billing_account: id, .. } => vec![id.clone()],
        Command::PayBill { bill, .. } => bill_of(bill).map(|(id, _)| id.to_owned()).into_iter().collect(),
        Command::SetLowBalanceAlert { billing_accounts, .. } => billing_accounts.clone(),
        Command::StartUnifiedSettlement { pairs, .. } => pairs.iter().map(|(id, _)| id.clone()).collect(),
        Command::FinishUnifiedSettlement { settlement } | Command::CloseUnifiedSettlement { settlement } => {
            model.settling(settlement)
        }
        command => deciding(command, model),
    })
}

/// Where months pass the order of what happens to an account counts.
pub fn serialize(op: &mut Op, model: &Model) {
    let accounts = match &op.what {
        What::Post(charges, ..) => {
            let payers = charges.iter().filter_map(|sent| model.payer(&sent.cloud, sent.start));
            Some(payers.map(str::to_owned).collect())
        }
        What::Command(_) if op.is_idle() => Some(Vec::new()),
        What::Command(request) => accounts(&request.command, model),
    };
    match accounts {
        None => op.touches.alone.insert(Thing::All),
        Some(accounts) => {
            op.touches.alone.extend(accounts.into_iter().map(Thing::Account));
            op.touches.beside.insert(Thing::All)
        }
    };
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
