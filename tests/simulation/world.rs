//! Who takes part in one seed, and how they come to be.

use exchequer::domain::ids::Currency;
use exchequer::domain::money::Amount;
use exchequer::domain::profile::AccountType;
use exchequer::domain::time::UtcOffset;
use exchequer::engine::{AccountSettings, Command};

use crate::random::Chance;

/// 2026-03-01T00:00:00Z: when a seed begins, in microseconds.
pub const BEGIN: i64 = 1_772_323_200_000_000;

pub const HOUR: i64 = 3_600_000_000;

/// The ids of one seed.
#[derive(Clone, Default, Debug)]
pub struct World {
    pub enterprises: Vec<String>,
    /// Accounts that are meant to be members, with their enterprises.
    pub members: Vec<(String, String)>,
    /// Direct accounts of nobody's.
    pub outsiders: Vec<String>,
    /// Every billing account there ever was.
    pub accounts: Vec<String>,
    /// Cloud accounts that other billing accounts pay for.
    pub clouds: Vec<String>,
}

pub fn cents(cents: i64) -> Amount {
    format!("{cents}E-2").parse().unwrap()
}

pub fn owner_of(ecid: &str) -> String {
    format!("owner of {ecid}")
}

pub fn management_of(ecid: &str) -> String {
    format!("{ecid}a0")
}

fn register(id: &str, settings: AccountSettings) -> Command {
    Command::RegisterCloudAccount { cloud_account: id.to_owned(), settings }
}

fn owned_by(owner: String) -> AccountSettings {
    AccountSettings { owner: Some(owner), ..AccountSettings::default() }
}

impl World {
    /// Who takes part, and the provider's and the owners' first commands, in order.
    pub fn new(chance: &mut Chance) -> (Self, Vec<(String, Command)>) {
        let mut world = Self::default();
        let mut commands = Vec::new();
        let mut add = |principal: &str, command| commands.push((principal.to_owned(), command));
        for number in 0..2 + chance.below(2) {
            let ecid = format!("e{number}");
            for place in 0..3 + chance.below(3) {
                let id = format!("{ecid}a{place}");
                let mut settings = owned_by(owner_of(&ecid));
                if place >= 2 {
                    match chance.below(8) {
                        0 => settings.credit_enabled = Some(false),
                        1 => settings.pay_on_behalf = Some(true),
                        2 => settings.currency = Currency::parse("EUR"),
                        3 => settings.utc_offset = UtcOffset::parse("+08:00"),
                        _ => {}
                    }
                }
                add("provider", register(&id, settings));
                world.members.push((id.clone(), ecid.clone()));
                world.accounts.push(id);
            }
            world.enterprises.push(ecid);
        }
        for (id, owner) in [("o0", owner_of("e0")), ("o1", "nobody".to_owned())] {
            add("provider", register(id, owned_by(owner)));
            world.outsiders.push(id.to_owned());
            world.accounts.push(id.to_owned());
        }
        let ecosystem = AccountSettings { kind: Some(AccountType::Ecosystem), ..owned_by(owner_of("e0")) };
        add("provider", register("eco", ecosystem));
        let billing_account = "z0".to_owned();
        add("provider", Command::OpenBillingAccount { billing_account, settings: owned_by(owner_of("e0")) });
        world.accounts.extend(["eco".to_owned(), "z0".to_owned()]);
        for number in 0..2 {
            let cloud_account = format!("x{number}");
            let billing_account = chance.pick(&world.members).0.clone();
            world.clouds.push(cloud_account.clone());
            add("provider", Command::RegisterPaidCloudAccount { cloud_account, billing_account });
        }
        for ecid in world.enterprises.clone() {
            world.found(&ecid, chance, &mut add);
        }
        (world, commands)
    }

    /// Opens one enterprise, and makes most of it ready.
    fn found(&self, ecid: &str, chance: &mut Chance, add: &mut impl FnMut(&str, Command)) {
        let (ecid, management) = (ecid.to_owned(), management_of(ecid));
        add(
            "provider",
            Command::OpenEnterprise {
                ecid: ecid.clone(),
                owner: owner_of(&ecid),
                management_account: management.clone(),
                currency: None,
            },
        );
        for (id, _) in self.members.iter().filter(|(_, enterprise)| *enterprise == ecid) {
            add("provider", Command::top_up(id, cents(10_000 + chance.below(90_000).cast_signed())));
        }
        if ecid != "e0" && chance.one_in(5) {
            return;
        }
        add(&management, Command::EnableAccountCenter { ecid: ecid.clone() });
        let public_cloud = cents(50_000 + chance.below(100_000).cast_signed());
        let hybrid_cloud = chance.one_in(2).then(|| cents(10_000));
        add("provider", Command::SetTotalCredit { ecid: ecid.clone(), public_cloud, hybrid_cloud });
        for (id, enterprise) in &self.members {
            if *enterprise != ecid || chance.one_in(8) {
                continue;
            }
            let (ecid, billing_account) = (ecid.clone(), id.clone());
            add(&management, Command::InviteAccount { ecid: ecid.clone(), billing_account: id.clone() });
            add(id, Command::AcceptInvitation { ecid, billing_account });
        }
        if chance.one_in(4) {
            return;
        }
        add(&management, Command::RequestCreditContract { ecid: ecid.clone() });
        add("provider", Command::ApproveCreditContract { ecid: ecid.clone() });
        add(&management, Command::ConfirmCreditContract { ecid });
    }
}
