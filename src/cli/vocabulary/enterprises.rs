//! Commands and queries about enterprises: members, credit, transfers and administrators. One table line per name.

use super::Problem;
use super::accounts::{billing_account, currency};
use super::fields::{Fields, invalid, need};
use super::request::{Asked, Build};
use crate::domain::permissions::{Permission, Permissions, Policy};
use crate::engine::Command;

/// Every name with what it builds.
pub(super) const TABLE: [(&str, Build); 22] = [
    ("open_enterprise", |fields| {
        Ok(Asked::Command(Command::OpenEnterprise {
            ecid: ecid(fields)?,
            owner: fields.need_text("owner")?,
            management_account: fields.need_text("management_account")?,
            currency: currency(fields)?,
        }))
    }),
    ("enable_account_center", |fields| {
        Ok(Asked::Command(Command::EnableAccountCenter { ecid: ecid(fields)? }))
    }),
    ("invite_account", |fields| {
        let (ecid, billing_account) = member(fields)?;
        Ok(Asked::Command(Command::InviteAccount { ecid, billing_account }))
    }),
    ("accept_invitation", |fields| {
        let (ecid, billing_account) = member(fields)?;
        Ok(Asked::Command(Command::AcceptInvitation { ecid, billing_account }))
    }),
    ("end_association", |fields| {
        let (ecid, billing_account) = member(fields)?;
        Ok(Asked::Command(Command::EndAssociation { ecid, billing_account }))
    }),
    ("set_total_credit", |fields| {
        Ok(Asked::Command(Command::SetTotalCredit {
            ecid: ecid(fields)?,
            public_cloud: fields.amount("public_cloud")?,
            hybrid_cloud: fields.optional_amount("hybrid_cloud")?,
        }))
    }),
    ("request_credit_contract", |fields| {
        Ok(Asked::Command(Command::RequestCreditContract { ecid: ecid(fields)? }))
    }),
    ("approve_credit_contract", |fields| {
        Ok(Asked::Command(Command::ApproveCreditContract { ecid: ecid(fields)? }))
    }),
    ("confirm_credit_contract", |fields| {
        Ok(Asked::Command(Command::ConfirmCreditContract { ecid: ecid(fields)? }))
    }),
    ("allocate_credit", |fields| {
        let (ecid, billing_account) = member(fields)?;
        Ok(Asked::Command(Command::AllocateCredit {
            ecid,
            billing_account,
            credit_limit: fields.amount("credit_limit")?,
            min_available_credit_after: fields.optional_amount("min_available_credit_after")?,
            dry_run: fields.boolean("dry_run")?.unwrap_or(false),
        }))
    }),
    ("move_credit", |fields| {
        Ok(Asked::Command(Command::MoveCredit {
            ecid: ecid(fields)?,
            from: fields.need_text("from")?,
            to: fields.need_text("to")?,
            amount: fields.amount("amount")?,
        }))
    }),
    ("transfer_cash", |fields| {
        Ok(Asked::Command(Command::TransferCash {
            from: fields.need_text("from")?,
            to: fields.need_text("to")?,
            amount: fields.amount("amount")?,
        }))
    }),
    ("revoke_transfer", |fields| {
        let (giver, receiver) = pair(fields)?;
        Ok(Asked::Command(Command::RevokeTransfer { giver, receiver, amount: fields.amount("amount")? }))
    }),
    ("grant_administrators", |fields| {
        Ok(Asked::Command(Command::GrantAdministrators {
            billing_account: billing_account(fields)?,
            cloud_accounts: need("cloud_accounts", fields.texts("cloud_accounts")?)?,
            permissions: permissions(fields)?,
        }))
    }),
    ("revoke_administrator", |fields| {
        Ok(Asked::Command(Command::RevokeAdministrator {
            billing_account: billing_account(fields)?,
            cloud_account: fields.need_text("cloud_account")?,
        }))
    }),
    ("attach_policy", |fields| {
        Ok(Asked::Command(Command::AttachPolicy { user: fields.need_text("user")?, policy: policy(fields)? }))
    }),
    ("detach_policy", |fields| Ok(Asked::Command(Command::DetachPolicy { user: fields.need_text("user")? }))),
    ("credit_overview", |fields| Ok(Asked::CreditOverview { ecid: ecid(fields)? })),
    ("credit_bounds", |fields| {
        let (ecid, billing_account) = member(fields)?;
        Ok(Asked::CreditBounds { ecid, billing_account })
    }),
    ("transferable", |fields| Ok(Asked::Transferable { from: fields.need_text("from")? })),
    ("revocable", |fields| {
        let (giver, receiver) = pair(fields)?;
        Ok(Asked::Revocable { giver, receiver })
    }),
    ("administrators", |fields| Ok(Asked::Administrators { billing_account: billing_account(fields)? })),
];

/// Reads names of permissions.
pub(in crate::cli) fn permissions_of<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Permissions, String> {
    let read = |name: &str| {
        Permission::parse(name).ok_or_else(|| {
            let known = Permission::GRANTABLE.map(Permission::name).join(", ");
            format!("`{name}`: give some of {known}")
        })
    };
    names.into_iter().map(read).collect()
}

/// Reads the name of a policy that has one.
pub(in crate::cli) fn named_policy(name: &str) -> Option<Policy> {
    match name {
        "full_access" => Some(Policy::FullAccess),
        "read_only" => Some(Policy::ReadOnly),
        _ => None,
    }
}

fn ecid(fields: &mut Fields<'_>) -> Result<String, Problem> {
    fields.need_text("ecid")
}

fn member(fields: &mut Fields<'_>) -> Result<(String, String), Problem> {
    Ok((ecid(fields)?, billing_account(fields)?))
}

fn pair(fields: &mut Fields<'_>) -> Result<(String, String), Problem> {
    Ok((fields.need_text("giver")?, fields.need_text("receiver")?))
}

fn permissions(fields: &mut Fields<'_>) -> Result<Option<Permissions>, Problem> {
    let Some(names) = fields.texts("permissions")? else { return Ok(None) };
    match permissions_of(names.iter().map(String::as_str)) {
        Ok(Permissions::NONE) => invalid("permissions", "name at least one permission"),
        Ok(permissions) => Ok(Some(permissions)),
        Err(detail) => invalid("permissions", detail),
    }
}

fn policy(fields: &mut Fields<'_>) -> Result<Policy, Problem> {
    const FORM: &str = "give `full_access`, `read_only` or {\"permissions\": [names]}";
    let raw = need("policy", fields.raw("policy"))?.get();
    if let Ok(name) = serde_json::from_str::<String>(raw) {
        return named_policy(&name).map_or_else(|| invalid("policy", format!("`{name}`: {FORM}")), Ok);
    }
    let Ok(mut single) = Fields::read(raw) else { return invalid("policy", FORM) };
    let permissions = need("permissions", permissions(&mut single)?)?;
    single.finish()?;
    Ok(Policy::Permissions(permissions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::vocabulary::request;

    /// The command of a line and who gives it, or the field that is wrong.
    fn check(line: &str, expect: Result<(Command, &str), &str>) {
        let read = Fields::read(line).and_then(request::read).and_then(|(asked, envelope)| {
            envelope.check(&asked)?;
            Ok((asked, envelope))
        });
        match (read, expect) {
            (Ok((Asked::Command(command), envelope)), Ok((expect, principal))) => {
                assert_eq!((command, &*envelope.principal), (expect, principal), "{line}");
            }
            (Err(Problem::Invalid { field, .. }), Err(expect)) => assert_eq!(field, expect, "{line}"),
            (read, _) => panic!("{line}: {:?}", read.map(|(asked, _)| asked)),
        }
    }

    fn attach(policy: Policy) -> Command {
        Command::AttachPolicy { user: "ops/jane".to_owned(), policy }
    }

    #[test]
    fn a_policy_names_whose_it_is_and_who_asks() {
        // rule G3
        let read_only = || attach(Policy::ReadOnly);
        check(
            r#"{"do":"attach_policy","user":"ops/jane","policy":"read_only","principal":"ops"}"#,
            Ok((read_only(), "ops")),
        );
        check(
            r#"{"do":"attach_policy","principal":"ops/jane","policy":"read_only","by":"ops"}"#,
            Ok((read_only(), "ops")),
        );
        check(
            r#"{"do":"attach_policy","principal":"ops/jane","policy":"read_only","user":null}"#,
            Ok((read_only(), "provider")),
        );
        check(
            r#"{"do":"detach_policy","principal":"ops/jane"}"#,
            Ok((Command::DetachPolicy { user: "ops/jane".to_owned() }, "provider")),
        );
        check(r#"{"do":"detach_policy"}"#, Err("user"));
        check(r#"{"do":"detach_policy","user":"ops/jane","by":"ops"}"#, Err("by"));
    }

    #[test]
    fn a_policy_is_named_or_made_of_permissions() {
        let permissions = [Permission::ReadAccount, Permission::Transfer].into_iter().collect();
        check(
            r#"{"do":"attach_policy","user":"ops/jane","policy":{"permissions":["billing_account:read","cash:transfer"]}}"#,
            Ok((attach(Policy::Permissions(permissions)), "provider")),
        );
        check(
            r#"{"do":"attach_policy","user":"ops/jane","policy":"full_access"}"#,
            Ok((attach(Policy::FullAccess), "provider")),
        );
        check(r#"{"do":"attach_policy","user":"ops/jane","policy":"none"}"#, Err("policy"));
        check(r#"{"do":"attach_policy","user":"ops/jane","policy":["read_only"]}"#, Err("policy"));
        check(
            r#"{"do":"attach_policy","user":"ops/jane","policy":{"permissions":["provider"]}}"#,
            Err("permissions"),
        );
        check(r#"{"do":"attach_policy","user":"ops/jane","policy":{"permissions":[]}}"#, Err("permissions"));
        check(r#"{"do":"attach_policy","user":"ops/jane","policy":{"permision":[]}}"#, Err("permissions"));
    }

    #[test]
    fn time_is_advanced_to_an_instant() {
        // rule J5
        check(r#"{"do":"advance_time"}"#, Err("at"));
        check(r#"{"do":"advance_time","at":"2026-06-01T00:00:00Z"}"#, Ok((Command::AdvanceTime, "provider")));
        check(r#"{"do":"credit_overview","ecid":"acme","at":"2026-06-01T00:00:00Z"}"#, Err("at"));
    }

    #[test]
    fn an_amount_that_may_be_absent_is_read_like_any_other() {
        let allocate = |least: Option<&str>, dry_run| Command::AllocateCredit {
            ecid: "acme".to_owned(),
            billing_account: "emea".to_owned(),
            credit_limit: "10".parse().unwrap(),
            min_available_credit_after: least.map(|least| least.parse().unwrap()),
            dry_run,
        };
        let line = |more: &str| {
            format!(
                r#"{{"do":"allocate_credit","ecid":"acme","billing_account":"emea","credit_limit":10{more}}}"#
            )
        };
        check(&line(""), Ok((allocate(None, false), "provider")));
        check(
            &line(r#","min_available_credit_after":"-1","dry_run":true"#),
            Ok((allocate(Some("-1"), true), "provider")),
        );
        check(&line(r#","min_available_credit_after":true"#), Err("min_available_credit_after"));
    }
}
