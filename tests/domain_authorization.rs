//! Who may do what (rules A5, G1–G3).
#![allow(missing_docs, clippy::unwrap_used)]

use exchequer::domain::admin_authorization::{AdminAuthorization, AuthorizationCommand, AuthorizationEvent};
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::permissions::{Permission, Permissions, Policy};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;
use exchequer::limits::ADMINISTRATORS_PER_OPERATION_MAX;

const ACCOUNT: AccountIndex = AccountIndex(0);
const OTHER: AccountIndex = AccountIndex(1);

/// Every permission, the provider's own too.
fn all() -> impl Iterator<Item = Permission> {
    Permission::GRANTABLE.into_iter().chain([Permission::Provide])
}

fn set(permissions: &[Permission]) -> Permissions {
    permissions.iter().copied().collect()
}

fn grant(account: AccountIndex, ids: &[&str], permissions: Option<Permissions>) -> AuthorizationCommand {
    let cloud_accounts = ids.iter().map(|id| ((*id).into(), !id.starts_with("unknown"))).collect();
    AuthorizationCommand::GrantAdministrators { account, cloud_accounts, permissions }
}

fn revoke(account: AccountIndex, id: &str) -> AuthorizationCommand {
    AuthorizationCommand::RevokeAdministrator { account, cloud_account: id.into() }
}

/// Runs a command: the result of each item, or the refusal of all.
fn run(
    state: &mut AdminAuthorization,
    command: &AuthorizationCommand,
) -> Result<Vec<Result<(), Refusal>>, Refusal> {
    let (events, results) = state.decide(command)?;
    state.apply(&events, Timestamp::MIN, None);
    Ok(results)
}

/// Checks what somebody may do with an account that `owner` owns.
#[track_caller]
fn check(state: &AdminAuthorization, who: &str, account: AccountIndex, expect: &[Permission]) {
    let found: Vec<_> =
        all().filter(|permission| state.permits(who, *permission, account, "owner")).collect();
    assert_eq!(found, expect, "{who}");
}

#[test]
fn the_management_account_is_super_administrator_for_good() {
    // rule G1
    let mut state = AdminAuthorization::of("root");
    check(&state, "root", ACCOUNT, &Permission::GRANTABLE);
    check(&state, "root", OTHER, &Permission::GRANTABLE);
    assert_eq!(run(&mut state, &revoke(ACCOUNT, "root")), Err(Refusal::SuperAdministratorNotRevocable));
    assert_eq!(run(&mut state, &grant(ACCOUNT, &["root"], None)), Ok(vec![Err(Refusal::AlreadyExists)]));
    assert_eq!(run(&mut state, &revoke(ACCOUNT, "root")), Err(Refusal::SuperAdministratorNotRevocable));
    check(&state, "root", ACCOUNT, &Permission::GRANTABLE);
    // One that was listed before it became that can be taken off the list, and stays what it is.
    let permissions = set(&[Permission::ReadAccount]);
    let listed = AuthorizationEvent::AdministratorGranted {
        account: ACCOUNT,
        cloud_account: "root".into(),
        permissions,
    };
    state.apply(&[listed], Timestamp::MIN, None);
    assert_eq!(run(&mut state, &revoke(ACCOUNT, "root")), Ok(vec![Ok(())]));
    check(&state, "root", ACCOUNT, &Permission::GRANTABLE);
    // Outside of enterprises there is none.
    check(&AdminAuthorization::default(), "root", ACCOUNT, &[]);
    check(&AdminAuthorization::default(), "", ACCOUNT, &[]);
}

#[test]
fn a_regular_administrator_sees_and_modifies_unless_told_otherwise() {
    // rules A5, G2
    let mut state = AdminAuthorization::of("root");
    let default = [Permission::ReadAccount, Permission::ModifyAccount];
    assert_eq!(run(&mut state, &grant(ACCOUNT, &["a", "b"], None)), Ok(vec![Ok(()), Ok(())]));
    check(&state, "a", ACCOUNT, &default);
    check(&state, "b", ACCOUNT, &default);
    check(&state, "a", OTHER, &[]);
    check(&state, "c", ACCOUNT, &[]);
    // Granted again, it may what was said last.
    let permissions = set(&[Permission::Transfer, Permission::ModifyAdministrators]);
    assert_eq!(run(&mut state, &grant(ACCOUNT, &["a"], Some(permissions))), Ok(vec![Ok(())]));
    check(&state, "a", ACCOUNT, &[Permission::Transfer, Permission::ModifyAdministrators]);
    check(&state, "b", ACCOUNT, &default);
    // One administrator, many accounts.
    assert_eq!(run(&mut state, &grant(OTHER, &["a"], Some(Permissions::NONE))), Ok(vec![Ok(())]));
    check(&state, "a", OTHER, &[]);
    assert_eq!(run(&mut state, &revoke(ACCOUNT, "a")), Ok(vec![Ok(())]));
    check(&state, "a", ACCOUNT, &[]);
    assert_eq!(run(&mut state, &revoke(ACCOUNT, "a")), Err(Refusal::NotFound));
    assert_eq!(run(&mut state, &revoke(OTHER, "a")), Ok(vec![Ok(())]));
    assert_eq!(run(&mut state, &revoke(ACCOUNT, "b")), Ok(vec![Ok(())]));
    assert!(state.administrators.is_empty(), "nothing is kept of who was revoked");
}

#[test]
fn adds_at_most_twenty_with_a_result_each() {
    // rule G2
    let mut state = AdminAuthorization::of("root");
    let ids: Vec<_> = (0..=ADMINISTRATORS_PER_OPERATION_MAX).map(|number| format!("c{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(ids.len(), 21);
    assert_eq!(run(&mut state, &grant(ACCOUNT, &ids, None)), Err(Refusal::TooManyItems));
    assert!(state.administrators.is_empty());
    assert_eq!(run(&mut state, &grant(ACCOUNT, &ids[..20], None)), Ok(vec![Ok(()); 20]));
    assert_eq!(state.administrators[&ACCOUNT].len(), 20);
    assert_eq!(run(&mut state, &grant(ACCOUNT, &ids[20..], None)), Ok(vec![Ok(())])); // per operation
    let mixed = ["unknown", "c0", "root", "new", "unknown2", "new"];
    let (missing, exists) = (Err(Refusal::NotFound), Err(Refusal::AlreadyExists));
    let expect = vec![missing, Ok(()), exists, Ok(()), missing, Ok(())];
    assert_eq!(run(&mut state, &grant(ACCOUNT, &mixed, None)), Ok(expect));
    assert_eq!(state.administrators[&ACCOUNT].len(), 22);
    assert_eq!(run(&mut state, &grant(ACCOUNT, &[], None)), Ok(vec![]));
}

#[test]
fn an_owner_keeps_its_own_account() {
    // rule G3: transfers and credit are for the enterprise's administrators (rules F1, E5)
    let own = [
        Permission::ReadAccount,
        Permission::ModifyAccount,
        Permission::TopUp,
        Permission::Withdraw,
        Permission::ModifyHolds,
        Permission::Associate,
        Permission::ModifyAdministrators,
        Permission::ModifyPolicies,
        Permission::PayBills,
        Permission::Purchase,
    ];
    for mut state in [AdminAuthorization::default(), AdminAuthorization::of("root")] {
        check(&state, "owner", ACCOUNT, &own);
        assert!(!state.permits("owner", Permission::ReadAccount, ACCOUNT, "somebody else"));
        // What is granted comes on top, and goes again.
        let permissions = set(&[Permission::Transfer]);
        assert_eq!(run(&mut state, &grant(ACCOUNT, &["owner"], Some(permissions))), Ok(vec![Ok(())]));
        assert!(state.permits("owner", Permission::Transfer, ACCOUNT, "owner"));
        assert!(state.permits("owner", Permission::ReadAccount, ACCOUNT, "owner"));
        assert_eq!(run(&mut state, &revoke(ACCOUNT, "owner")), Ok(vec![Ok(())]));
        check(&state, "owner", ACCOUNT, &own);
    }
}

#[test]
fn a_user_may_what_its_policy_says() {
    // rule G3
    let mut state = AdminAuthorization::of("root");
    let user = "root/alice";
    let allowed = |state: &AdminAuthorization, user| -> Vec<_> {
        all().filter(|permission| state.allows(user, *permission)).collect()
    };
    let mut attach = |policy| {
        let command = AuthorizationCommand::AttachPolicy { user: user.into(), policy };
        assert_eq!(run(&mut state, &command), Ok(vec![Ok(())]));
        assert_eq!(allowed(&state, "root/bob"), []);
        assert_eq!(allowed(&state, "root"), []);
        allowed(&state, user)
    };
    assert_eq!(attach(Policy::FullAccess), Permission::GRANTABLE);
    assert_eq!(attach(Policy::ReadOnly), [Permission::ReadAccount]);
    let single = [Permission::Withdraw, Permission::ModifyHolds];
    assert_eq!(attach(Policy::Permissions(set(&single))), single);
    assert_eq!(attach(Policy::Permissions(Permissions::NONE)), []);
    let detach = AuthorizationCommand::DetachPolicy { user: user.into() };
    assert_eq!(run(&mut state, &detach), Ok(vec![Ok(())]));
    assert_eq!(allowed(&state, user), []);
    assert_eq!(run(&mut state, &detach), Err(Refusal::NotFound));
}

#[test]
fn nobody_is_given_what_only_the_provider_may_do() {
    // rules E5, G3
    let everything = Permissions::from_bits(u16::MAX);
    assert!(everything.iter().eq(Permission::GRANTABLE));
    assert_eq!(all().collect::<Permissions>(), everything);
    assert_eq!(Permissions::from_bits(everything.bits()), everything);
    assert!(!everything.contains(Permission::Provide));
    assert_eq!(Permission::parse(Permission::Provide.name()), None);
    for policy in [Policy::FullAccess, Policy::ReadOnly, Policy::Permissions(everything)] {
        assert!(!policy.allows(Permission::Provide));
    }
    let mut state = AdminAuthorization::of("root");
    assert_eq!(run(&mut state, &grant(ACCOUNT, &["a", "owner"], Some(everything))), Ok(vec![Ok(()); 2]));
    for who in ["root", "a", "owner", "provider"] {
        assert!(!state.permits(who, Permission::Provide, ACCOUNT, "owner"), "{who}");
    }
}

#[test]
fn permissions_have_names() {
    for permission in Permission::GRANTABLE {
        assert_eq!(Permission::parse(permission.name()), Some(permission));
        assert_eq!(permission.to_string(), permission.name());
    }
    assert_eq!(Permission::ModifyAdministrators.name(), "administrators:modify"); // rule G2
    assert_eq!(Permission::ModifyAccount.name(), "billing_account:modify");
    assert_eq!(Permission::parse("full_access"), None);
}
