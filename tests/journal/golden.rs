//! Records of version 2, records of enterprises and a snapshot of version 2, kept for ever: they must read as they did.

use std::fs;

use exchequer::domain::account::{Account, AccountParts, Rare};
use exchequer::domain::account_event::{AccountEvent, Posted};
use exchequer::domain::admin_authorization::{AdminAuthorization, AuthorizationEvent};
use exchequer::domain::credit_control::{Charter, Contract, CreditControl, CreditEvent, Member};
use exchequer::domain::crossing::{Cargo, Party};
use exchequer::domain::directory::{Directory, DirectoryEvent, DirectoryParts};
use exchequer::domain::enterprise::Enterprise;
use exchequer::domain::holds::HoldState;
use exchequer::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use exchequer::domain::keys::Remembered;
use exchequer::domain::permissions::{Permission, Permissions, Policy};
use exchequer::domain::strings::Strings;
use exchequer::domain::time::Cycle;
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::forms::authorization_record::AuthorizationRecord;
use exchequer::journal::forms::credit_record::CreditRecord;
use exchequer::journal::forms::directory_record::DirectoryRecord;
use exchequer::journal::frame::frames;
use exchequer::journal::snapshot::{AccountsPart, Part};
use exchequer::wal::Lsn;

use super::golden_rig::{check_records, encoded, golden, instant, money, read_snapshot, write_snapshot};

const LOW_WATER: Lsn = Lsn::new(17);

fn remembered() -> Remembered {
    Remembered {
        principal: "acme/ann".into(),
        key: "key 1".into(),
        digest: u128::MAX - 5,
        answer: Box::from([1, 2, 3]),
        at: instant(9),
    }
}

fn charter() -> Charter {
    Charter { owner: "Acme Inc.".into(), management_account: "acme".into(), currency: Currency::USD }
}

fn permissions() -> Permissions {
    [Permission::ReadAccount, Permission::Transfer, Permission::ModifyPolicies].into_iter().collect()
}

fn account_records() -> Vec<AccountRecord> {
    let (amount, cash_after, limit_after) = (money(i128::MAX), money(-1), money(0));
    let (to, giver, from) = (AccountIndex(1), AccountIndex(2), AccountIndex(u32::MAX));
    let (enterprise, number) = (EnterpriseIndex(3), u64::MAX);
    let posted = Posted { number: 8, acknowledged: 6 };
    let returned = |moves_to, remembered| AccountEvent::CreditReturned {
        enterprise,
        amount,
        limit_after,
        moves_to,
        remembered,
        posted,
    };
    let events = [
        AccountEvent::CashWithdrawn { amount, cash_after },
        AccountEvent::CashTransferred { to, amount, cash_after, posted },
        AccountEvent::TransferReceived { from, number, amount, cash_after },
        AccountEvent::TransferRevoked { giver, amount, cash_after, posted },
        AccountEvent::RevocationReceived { from, number, amount, cash_after },
        AccountEvent::CreditReceived { enterprise, number, amount, limit_after },
        returned(None, None),
        returned(Some(to), Some(Box::new(remembered()))),
        AccountEvent::EnterpriseJoined { enterprise, posted },
        AccountEvent::EnterpriseLeft { enterprise, posted },
        AccountEvent::HoldPlaced { hold: "order 1".into(), amount, expires_at: instant(77) },
        AccountEvent::HoldCaptured { hold: "order 1".into(), amount, cycle: Cycle::new(2026, 5).unwrap() },
        AccountEvent::HoldReleased { hold: "order 2".into() },
        AccountEvent::HoldExpired { hold: "order 3".into() },
    ];
    let record = |(sequence, event)| AccountRecord {
        account: AccountIndex(5),
        sequence,
        at: instant(-1),
        actor: "acme/ann".into(),
        remembered: (sequence % 2 == 0).then(remembered),
        event,
    };
    (1..).zip(events).map(record).collect()
}

fn directory_record() -> DirectoryRecord {
    DirectoryRecord {
        sequence: 4,
        at: instant(5),
        actor: "provider".into(),
        remembered: None,
        events: vec![DirectoryEvent::EnterpriseOpened { ecid: "e-1".into(), charter: Box::new(charter()) }],
    }
}

fn credit_records() -> Vec<CreditRecord> {
    let (account, other, amount) = (AccountIndex(1), AccountIndex(2), money(1_000));
    let (number, posted) = (7, Posted { number: 2, acknowledged: 1 });
    let events = [
        CreditEvent::AccountCenterEnabled,
        CreditEvent::AccountInvited { account },
        CreditEvent::MemberJoined { account, number },
        CreditEvent::MemberLeft { account, number },
        CreditEvent::TotalCreditSet { public_cloud: amount, hybrid_cloud: money(0) },
        CreditEvent::ContractRequested,
        CreditEvent::ContractApproved,
        CreditEvent::ContractConfirmed { activated: vec![(account, amount), (other, amount)], posted },
        CreditEvent::LimitPending { account, limit: amount },
        CreditEvent::CreditAllocated { account, amount, assigned_after: money(2_000), posted },
        CreditEvent::CreditReturned { account, number, amount, moved: None },
        CreditEvent::CreditReturned { account, number, amount, moved: Some((other, posted)) },
    ];
    let record = |(sequence, event)| CreditRecord {
        enterprise: EnterpriseIndex(3),
        sequence,
        at: instant(6),
        actor: "acme".into(),
        remembered: (sequence == 1).then(remembered),
        event,
    };
    (1..).zip(events).map(record).collect()
}

fn authorization_records() -> Vec<AuthorizationRecord> {
    let (account, cloud_account): (_, Box<str>) = (AccountIndex(1), "globex".into());
    let attached = |policy| AuthorizationEvent::PolicyAttached { user: Box::from("globex/bob"), policy };
    let events = vec![
        AuthorizationEvent::AdministratorGranted {
            account,
            cloud_account: cloud_account.clone(),
            permissions: permissions(),
        },
        AuthorizationEvent::AdministratorRevoked { account, cloud_account },
        attached(Policy::FullAccess),
        attached(Policy::ReadOnly),
        attached(Policy::Permissions(permissions())),
        AuthorizationEvent::PolicyDetached { user: "globex/bob".into() },
    ];
    let record = |enterprise| AuthorizationRecord {
        enterprise,
        sequence: 1,
        at: instant(7),
        actor: "acme".into(),
        remembered: Some(remembered()),
        events: events.clone(),
    };
    vec![record(EnterpriseIndex(0)), record(EnterpriseIndex::NONE)]
}

fn records() -> Vec<u8> {
    let mut bytes = encoded(account_records(), &directory_record());
    for record in credit_records() {
        record.encode(&mut bytes);
    }
    for record in authorization_records() {
        record.encode(&mut bytes);
    }
    bytes
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_records() {
    fs::write(golden("records-v2"), records()).unwrap();
}

#[test]
fn records_of_version_2_and_of_enterprises_say_the_same_for_ever() {
    let bytes = fs::read(golden("records-v2")).unwrap();
    let mut frames = frames(&bytes).map(Result::unwrap);
    check_records(&mut frames, 2, account_records(), directory_record());
    for expected in credit_records() {
        let frame = frames.next().unwrap();
        assert_eq!((CreditRecord::decode(&frame).unwrap(), frame.version), (expected, 1));
    }
    for expected in authorization_records() {
        let frame = frames.next().unwrap();
        assert_eq!((AuthorizationRecord::decode(&frame).unwrap(), frame.version), (expected, 1));
    }
    assert!(frames.next().is_none());
}

fn account_parts() -> AccountParts {
    let mut rare = Rare { enterprise: Some(EnterpriseIndex(0)), withdrawn: money(8), ..Rare::default() };
    rare.transfer_book.receive(AccountIndex(1), money(100));
    rare.transfer_book.revoke(AccountIndex(1), money(40));
    let closed =
        [None, Some(HoldState::Captured(money(3))), Some(HoldState::Released), Some(HoldState::Expired)];
    for (id, state) in ["a", "b", "c", "d"].into_iter().zip(closed) {
        rare.holds.place(id, money(5), instant(20), instant(1));
        if let Some(state) = state {
            rare.holds.close(id, state, instant(2));
        }
    }
    rare.captured.insert(Cycle::new(2026, 5).unwrap(), (1, money(3)));
    let (other, control) = (Party::Account(AccountIndex(1)), Party::CreditControl(EnterpriseIndex(0)));
    let returned = |moves_to, remembered| Cargo::CreditReturn { amount: money(4), moves_to, remembered };
    rare.outbox.push(other, Cargo::Transfer { amount: money(1) });
    rare.outbox.push(other, Cargo::Revocation { amount: money(2) });
    rare.outbox.push(control, returned(None, None));
    rare.outbox.push(control, returned(Some(AccountIndex(1)), Some(Box::new(remembered()))));
    rare.outbox.push(control, Cargo::Left);
    rare.outbox.push(control, Cargo::Joined);
    rare.outbox.acknowledge(1);
    rare.inbox.receive(other, 6);
    rare.inbox.receive(control, 2);
    let placeholder = Account::placeholder(AccountIndex(0)).to_parts();
    AccountParts { sequence: 12, cash: money(60), rare: Some(Box::new(rare)), ..placeholder }
}

fn directory_parts() -> DirectoryParts {
    DirectoryParts {
        sequence: 2,
        accounts: vec!["acme".into()],
        enterprises: vec!["e-1".into()],
        ..Directory::new(1).to_parts()
    }
}

fn enterprise() -> Enterprise {
    let mut enterprise = Enterprise::open(EnterpriseIndex(0), charter());
    let control = &mut enterprise.control;
    control.keys.remember(remembered());
    let (assigned, pending) = (money(7), money(8));
    control.members.insert(AccountIndex(0), Member { active: true, assigned, pending });
    control.members.insert(AccountIndex(1), Member::default());
    control.outbox.push(Party::Account(AccountIndex(0)), Cargo::Credit { amount: money(7) });
    control.inbox.receive(Party::Account(AccountIndex(0)), 3);
    *control = CreditControl {
        sequence: 9,
        at: instant(4),
        account_center: true,
        public_cloud: money(1),
        hybrid_cloud: money(2),
        contract: Contract::Approved,
        total_lowered: true,
        ..control.clone()
    };
    enterprise.authorization.sequence = 1;
    let list = enterprise.authorization.administrators.entry(AccountIndex(0)).or_default();
    list.insert("globex".into(), permissions());
    enterprise
}

fn outside() -> AdminAuthorization {
    let mut outside = AdminAuthorization { sequence: 3, at: instant(5), ..AdminAuthorization::default() };
    outside.keys.remember(remembered());
    outside.policies.insert("a/1".into(), Policy::FullAccess);
    outside.policies.insert("a/2".into(), Policy::ReadOnly);
    outside.policies.insert("a/3".into(), Policy::Permissions(permissions()));
    outside
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_snapshot() {
    let mut accounts = AccountsPart::default();
    accounts.push(AccountIndex(0), &account_parts(), std::iter::empty());
    let Enterprise { control, authorization } = enterprise();
    let parts = [
        accounts.finish(),
        Part::directory(&directory_parts()),
        Part::strings(&Strings::default()),
        Part::credit_control(&control),
        Part::authorization(EnterpriseIndex(0), &authorization),
        Part::authorization(EnterpriseIndex::NONE, &outside()),
    ];
    write_snapshot("snapshot-v2", LOW_WATER, &parts);
}

#[test]
fn a_snapshot_of_version_2_says_the_same_for_ever() {
    let state = read_snapshot("snapshot-v2", LOW_WATER);
    assert_eq!(state.accounts, [(AccountIndex(0), account_parts(), vec![])]);
    assert_eq!(state.directory, directory_parts());
    let Enterprise { control, authorization } = enterprise();
    assert_eq!(state.credit_controls, [control]);
    assert_eq!(
        state.authorizations,
        [(EnterpriseIndex(0), authorization), (EnterpriseIndex::NONE, outside())]
    );
}
