//! What clients ask for within an enterprise: credit, membership, administrators, and funds back.

use exchequer::domain::permissions::{Permission, Policy};
use exchequer::engine::Command;

use crate::amounts::{around, huge};
use crate::model::{Account, Model};
use crate::random::Chance;
use crate::workload::Workload;
use crate::world::{cents, management_of, owner_of};

impl Workload {
    pub fn revoke(&self, receiver: &str, account: Option<&Account>, chance: &mut Chance) -> Command {
        let givers: Vec<_> = account.into_iter().flat_map(|account| &account.book).collect();
        let (giver, most) = if givers.is_empty() || chance.one_in(8) {
            (self.account(chance), 100)
        } else {
            let (giver, (transferred, revoked)) = chance.pick(&givers);
            ((*giver).clone(), transferred - revoked)
        };
        Command::RevokeTransfer { giver, receiver: receiver.to_owned(), amount: around(most, chance) }
    }

    pub fn credit(&self, of: &(String, String), model: &Model, chance: &mut Chance) -> Command {
        let (billing_account, ecid) = of.clone();
        let limit =
            model.enterprises.get(&ecid).and_then(|enterprise| enterprise.members.get(&billing_account));
        let limit = limit.map_or(0, |member| member.limit);
        if chance.one_in(4) {
            let to = self.fellow(of, chance);
            return Command::MoveCredit { ecid, from: billing_account, to, amount: around(limit, chance) };
        }
        let credit_limit = match chance.below(8) {
            0 | 1 => cents(0),
            2 => around(limit, chance),
            3 => huge(),
            _ => cents(chance.below(40_000).cast_signed()),
        };
        let least = chance.one_in(4).then(|| cents(chance.below(60_000).cast_signed() - 30_000));
        Command::AllocateCredit {
            ecid,
            billing_account,
            credit_limit,
            min_available_credit_after: least,
            dry_run: chance.one_in(8),
        }
    }

    pub fn associate(&self, of: &(String, String), model: &Model, chance: &mut Chance) -> Command {
        let (mut billing_account, ecid) = of.clone();
        if chance.one_in(4) {
            billing_account.clone_from(chance.pick(&self.world.outsiders));
        }
        let member =
            model.enterprises.get(&ecid).and_then(|enterprise| enterprise.members.get(&billing_account));
        match (member.map(|member| member.active), chance.below(4)) {
            (None, 0..3) | (_, 0) => Command::InviteAccount { ecid, billing_account },
            (Some(false) | None, _) | (_, 1) => Command::AcceptInvitation { ecid, billing_account },
            _ => Command::EndAssociation { ecid, billing_account },
        }
    }

    pub fn enterprise(&mut self, ecid: String, chance: &mut Chance) -> Command {
        match chance.below(16) {
            0..4 => {
                let public_cloud = match chance.below(6) {
                    0 => around(0, chance),
                    1 => huge(),
                    _ => cents(40_000 + chance.below(120_000).cast_signed()),
                };
                Command::SetTotalCredit {
                    ecid,
                    public_cloud,
                    hybrid_cloud: chance.one_in(3).then(|| cents(500)),
                }
            }
            4 | 5 => Command::EnableAccountCenter { ecid },
            6..9 => Command::RequestCreditContract { ecid },
            9..12 => Command::ApproveCreditContract { ecid },
            12..15 => Command::ConfirmCreditContract { ecid },
            _ => {
                let management_account = self.account(chance);
                let ecid = if chance.one_in(2) { ecid } else { self.fresh("new") };
                let owner = owner_of(&ecid);
                Command::OpenEnterprise { ecid, owner, management_account, currency: None }
            }
        }
    }

    pub fn administer(&self, of: &(String, String), model: &Model, chance: &mut Chance) -> Command {
        let billing_account = of.0.clone();
        let user = format!("{}/ann", chance.pick(&self.world.members).0);
        match chance.below(10) {
            0..4 => {
                let many = if chance.one_in(6) { 21 } else { 1 + chance.below(3) };
                let mut cloud_accounts: Vec<_> = (0..many).map(|_| self.account(chance)).collect();
                if chance.one_in(6) {
                    cloud_accounts.push("unknown".to_owned());
                }
                let all = Permission::GRANTABLE.into_iter();
                let permissions = (!chance.one_in(3)).then(|| all.filter(|_| chance.one_in(2)).collect());
                Command::GrantAdministrators { billing_account, cloud_accounts, permissions }
            }
            4..7 => {
                let list = model.administrators.get(&model.list_of(&billing_account));
                let listed: Vec<_> = list.into_iter().flat_map(|list| list.keys()).collect();
                let cloud_account = match chance.below(3) {
                    0 => management_of(&of.1),
                    1 if !listed.is_empty() => (*chance.pick(&listed)).clone(),
                    _ => self.account(chance),
                };
                Command::RevokeAdministrator { billing_account, cloud_account }
            }
            7 | 8 => {
                let some = Permission::GRANTABLE.into_iter().filter(|_| chance.one_in(2)).collect();
                let policy = *chance.pick(&[Policy::FullAccess, Policy::ReadOnly, Policy::Permissions(some)]);
                Command::AttachPolicy { user, policy }
            }
            _ => Command::DetachPolicy { user },
        }
    }
}
