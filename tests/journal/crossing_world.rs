//! Accounts and enterprises as an engine would hold them, where anything may happen, and what they log.

use exchequer::domain::account::{Account, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::admin_authorization::{AdminAuthorization, AuthorizationCommand};
use exchequer::domain::credit_control::{Allocation, Charter, CreditCommand, CreditEvent};
use exchequer::domain::crossing::{Cargo, Party, Received, Sent};
use exchequer::domain::directory::{Admission, Directory, DirectoryEvent};
use exchequer::domain::enterprise::Enterprise;
use exchequer::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use exchequer::domain::keys::Remembered;
use exchequer::domain::money::Money;
use exchequer::domain::permissions::Policy;
use exchequer::domain::profile::{AccountType, Opening, Profile};
use exchequer::domain::strings::Strings;
use exchequer::domain::time::{Timestamp, UtcOffset};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::forms::authorization_record::AuthorizationRecord;
use exchequer::journal::forms::credit_record::CreditRecord;
use exchequer::journal::forms::directory_record::DirectoryRecord;
use exchequer::journal::snapshot::{AccountsPart, Part, SnapshotState, SnapshotWriter, read_first_whole};
use exchequer::wal::{Lsn, SimStorage};

const DIRECTORY_ID: [u8; 16] = [7; 16];

/// `SplitMix64`.
pub struct Chance(u64);

impl Chance {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// What an engine would hold in memory, and the blocks that it has logged: one record each.
pub struct World {
    pub chance: Chance,
    directory: Directory,
    pub accounts: Vec<Account>,
    pub enterprises: Vec<Enterprise>,
    pub outside: AdminAuthorization,
    pub blocks: Vec<Vec<u8>>,
    at: Timestamp,
}

fn cents(cents: usize) -> Money {
    Money::from_units(cents as i128)
}

fn nth(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            chance: Chance(seed),
            directory: Directory::new(1),
            accounts: Vec::new(),
            enterprises: Vec::new(),
            outside: AdminAuthorization::default(),
            blocks: Vec::new(),
            at: Timestamp::from_micros(1_767_225_600_000_000),
        };
        for _ in 0..6 {
            world.open_account();
        }
        world.open_enterprise();
        world
    }

    fn key(&mut self) -> Option<Remembered> {
        (self.chance.below(2) == 0).then(|| Remembered {
            principal: "provider".into(),
            key: format!("key {}", self.blocks.len()).into(),
            digest: 5,
            answer: Box::from([1]),
            at: self.at,
        })
    }

    fn log(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        self.blocks.push(bytes);
        self.at = Timestamp::from_micros(self.at.micros() + 1);
    }

    fn record_directory(&mut self, event: DirectoryEvent) {
        let (at, remembered) = (self.at, self.key());
        for admission in self.directory.apply(std::slice::from_ref(&event), at, remembered.clone()) {
            match admission {
                Admission::Account { account, opening } => {
                    self.accounts.push(Account::open(account, &opening));
                }
                Admission::Enterprise { enterprise, charter } => {
                    self.enterprises.push(Enterprise::open(enterprise, *charter));
                }
                Admission::Payment { .. } => {}
            }
        }
        let sequence = self.directory.sequence();
        let record =
            DirectoryRecord { sequence, at, actor: "provider".into(), remembered, events: vec![event] };
        self.log(|bytes| record.encode(bytes));
    }

    fn open_account(&mut self) {
        let opening = Opening {
            kind: AccountType::Direct,
            currency: Currency::USD,
            offset: UtcOffset::default(),
            at: self.at,
            profile: Profile { owner: Some("o".into()), ..Profile::default() },
        };
        let id = format!("account {}", self.accounts.len()).into();
        self.record_directory(DirectoryEvent::AccountOpened { id, opening: Box::new(opening) });
    }

    fn open_enterprise(&mut self) {
        let charter = Charter { owner: "o".into(), management_account: "m".into(), currency: Currency::USD };
        let number = self.enterprises.len();
        let ecid = format!("enterprise {number}").into();
        self.record_directory(DirectoryEvent::EnterpriseOpened { ecid, charter: Box::new(charter) });
        let total = CreditCommand::SetTotalCredit { public_cloud: cents(500), hybrid_cloud: cents(500) };
        for command in [CreditCommand::EnableAccountCenter, total] {
            self.command_credit(number, &command);
        }
    }

    fn record_account(&mut self, number: usize, event: AccountEvent, remembered: Option<Remembered>) {
        let (at, account) = (self.at, &mut self.accounts[number]);
        account.apply(&event, at);
        if let Some(remembered) = &remembered {
            account.rare_mut().keys.remember(remembered.clone());
        }
        let (account, sequence) = (account.index, account.sequence());
        let record = AccountRecord { account, sequence, at, actor: "provider".into(), remembered, event };
        self.log(|bytes| record.encode(bytes));
    }

    fn command_account(&mut self, number: usize, command: &AccountCommand) {
        let incoming =
            self.in_flight().iter().any(|(_, sent)| sent.to == party(number) || moves_to(sent, number));
        while let Some((due, _)) = self.accounts[number].due(self.at) {
            self.record_account(number, due, None);
        }
        let around = Surroundings { pays: false, incoming };
        if let Ok(Some(mut event)) = self.accounts[number].decide(command, self.at, around) {
            let key = self.key();
            if let Some(key) = &key {
                Account::remember_with(&mut event, key);
            }
            self.record_account(number, event, key);
        }
    }

    fn record_credit(&mut self, number: usize, event: CreditEvent, remembered: Option<Remembered>) {
        let (at, control) = (self.at, &mut self.enterprises[number].control);
        control.apply(&event, at, remembered.clone());
        let (enterprise, sequence) = (control.enterprise, control.sequence);
        let record = CreditRecord { enterprise, sequence, at, actor: "provider".into(), remembered, event };
        self.log(|bytes| record.encode(bytes));
    }

    fn command_credit(&mut self, number: usize, command: &CreditCommand) {
        if let Ok(Some(event)) = self.enterprises[number].control.decide(command) {
            let key = self.key();
            self.record_credit(number, event, key);
        }
    }

    fn command_authorization(&mut self, enterprise: EnterpriseIndex, command: &AuthorizationCommand) {
        let (at, remembered) = (self.at, self.key());
        let authorization = match enterprise {
            EnterpriseIndex::NONE => &mut self.outside,
            EnterpriseIndex(number) => &mut self.enterprises[number as usize].authorization,
        };
        let Ok((events, _)) = authorization.decide(command) else { return };
        authorization.apply(&events, at, remembered.clone());
        let sequence = authorization.sequence;
        let actor = "provider".into();
        let record = AuthorizationRecord { enterprise, sequence, at, actor, remembered, events };
        self.log(|bytes| record.encode(bytes));
    }

    pub fn newest(&self, to: Party, from: Party) -> u64 {
        match to {
            Party::Account(account) => {
                self.accounts[account.0 as usize].rare().map_or(0, |rare| rare.inbox.newest(from))
            }
            Party::CreditControl(number) => self.enterprises[number.0 as usize].control.inbox.newest(from),
        }
    }

    fn waiting(&self) -> Vec<(Party, Sent)> {
        let of_account = |account: &Account| {
            let from = Party::Account(account.index);
            let sent = account.rare().into_iter().flat_map(|rare| rare.outbox.waiting());
            sent.map(|sent| (from, sent.clone())).collect::<Vec<_>>()
        };
        let of_control = |enterprise: &Enterprise| {
            let from = Party::CreditControl(enterprise.control.enterprise);
            enterprise.control.outbox.waiting().map(|sent| (from, sent.clone())).collect::<Vec<_>>()
        };
        let accounts = self.accounts.iter().flat_map(of_account);
        accounts.chain(self.enterprises.iter().flat_map(of_control)).collect()
    }

    fn in_flight(&self) -> Vec<(Party, Sent)> {
        let mut waiting = self.waiting();
        waiting.retain(|(from, sent)| sent.number > self.newest(sent.to, *from));
        waiting
    }

    /// Delivers what a sender sent first to some receiver, or acknowledges what was delivered.
    fn deliver(&mut self) {
        let waiting = self.waiting();
        if waiting.is_empty() {
            return;
        }
        let (from, to) = {
            let (from, sent) = &waiting[self.chance.below(waiting.len())];
            (*from, sent.to)
        };
        let newest = self.newest(to, from);
        let (_, first) = waiting.iter().find(|(sender, sent)| *sender == from && sent.to == to).unwrap();
        if first.number <= newest {
            return self.acknowledge(from, first.number);
        }
        let received = Received { from, number: first.number, cargo: first.cargo.clone() };
        match to {
            Party::Account(account) => {
                let event = self.accounts[account.0 as usize].receive(&received).unwrap();
                self.record_account(account.0 as usize, event, None);
            }
            Party::CreditControl(number) => {
                let number = number.0 as usize;
                let (event, remembered) = self.enterprises[number].control.receive(&received).unwrap();
                self.record_credit(number, event, remembered);
            }
        }
        if self.chance.below(2) == 0 {
            self.acknowledge(from, first.number);
        }
    }

    fn acknowledge(&mut self, from: Party, number: u64) {
        match from {
            Party::Account(account) => {
                self.accounts[account.0 as usize].rare_mut().outbox.acknowledge(number);
            }
            Party::CreditControl(enterprise) => {
                self.enterprises[enterprise.0 as usize].control.outbox.acknowledge(number);
            }
        }
    }

    /// Anything that may happen.
    fn step(&mut self) {
        let number = self.chance.below(self.accounts.len());
        let other = self.chance.below(self.accounts.len());
        let amount = cents(1 + self.chance.below(99));
        let counterpart = self.accounts[other].counterpart(AccountIndex(nth(number)), Timestamp::MIN);
        let control = self.chance.below(self.enterprises.len());
        let enterprise = EnterpriseIndex(nth(control));
        let hold = || Box::from(["a", "b", "c"][other % 3]);
        let expires_at = Timestamp::from_micros(self.at.micros() + 40);
        let limit = cents(self.chance.below(300));
        let command = match self.chance.below(28) {
            0 | 1 => AccountCommand::TopUp { amount: cents(200), reference: None },
            2 => AccountCommand::WithdrawCash { amount },
            3..=6 => AccountCommand::TransferCash { to: counterpart, amount },
            7 | 8 => AccountCommand::RevokeTransfer { giver: counterpart, amount },
            9 => AccountCommand::PlaceHold { hold: hold(), amount, expires_at },
            10 => AccountCommand::CaptureHold { hold: hold(), amount: None },
            11 => AccountCommand::ReleaseHold { hold: hold() },
            12 => AccountCommand::AdjustCash { amount, reason: "r".into() },
            13 => AccountCommand::LeaveEnterprise { enterprise },
            14..=16 => return self.join(number, control),
            17 | 18 => return self.allocate(number, control, limit),
            19 => return self.move_credit(number, other, amount),
            20 => return self.contract(control),
            21 => return self.authorize(number, enterprise),
            22 if self.accounts.len() < 12 => return self.open_account(),
            23 if self.enterprises.len() < 4 => return self.open_enterprise(),
            _ => return self.deliver(),
        };
        self.command_account(number, &command);
    }

    fn join(&mut self, number: usize, control: usize) {
        let account = Box::new(self.accounts[number].view());
        self.command_credit(control, &CreditCommand::InviteAccount { account, owner: "o".into() });
        let enterprise = EnterpriseIndex(nth(control));
        if self.enterprises[control].control.decide_accept(AccountIndex(nth(number))).is_ok() {
            let join = AccountCommand::JoinEnterprise { enterprise, same_owner: true };
            self.command_account(number, &join);
        }
    }

    fn allocate(&mut self, number: usize, control: usize, limit: Money) {
        let view = self.accounts[number].view();
        if view.enterprise != Some(EnterpriseIndex(nth(control))) {
            return;
        }
        match self.enterprises[control].control.allocation(&view, limit) {
            Ok(Allocation::Raise) => {
                let account = Box::new(view);
                let min_available_credit_after = None;
                let raise = CreditCommand::AllocateCredit { account, limit, min_available_credit_after };
                self.command_credit(control, &raise);
            }
            Ok(Allocation::Lower(amount)) => {
                let (min_available_credit_after, moves_to) = (None, None);
                let lower = AccountCommand::ReturnCredit {
                    amount,
                    limit_after: None,
                    min_available_credit_after,
                    moves_to,
                };
                self.command_account(number, &lower);
            }
            Err(_) => {}
        }
    }

    fn move_credit(&mut self, number: usize, other: usize, amount: Money) {
        let (from, to) = (self.accounts[number].view(), self.accounts[other].view());
        let Some(enterprise) = from.enterprise.filter(|_| from.enterprise == to.enterprise) else { return };
        if self.enterprises[enterprise.0 as usize].control.decide_move(&from, &to, amount).is_ok() {
            let (min_available_credit_after, moves_to) = (None, Some(to.account));
            let give = AccountCommand::ReturnCredit {
                amount,
                limit_after: None,
                min_available_credit_after,
                moves_to,
            };
            self.command_account(number, &give);
        }
    }

    fn contract(&mut self, control: usize) {
        self.command_credit(control, &CreditCommand::RequestContract);
        self.command_credit(control, &CreditCommand::ApproveContract);
        let leaving = self.in_flight().iter().any(|(_, sent)| sent.cargo == Cargo::Left);
        if self.chance.below(2) == 0 && !leaving {
            self.command_credit(control, &CreditCommand::ConfirmContract);
        }
    }

    fn authorize(&mut self, number: usize, enterprise: EnterpriseIndex) {
        let account = AccountIndex(nth(number));
        let cloud_account = Box::from(["c", "d"][number % 2]);
        let user = Box::from("c/u");
        let command = match self.chance.below(4) {
            0 => AuthorizationCommand::GrantAdministrators {
                account,
                cloud_accounts: vec![(cloud_account, true)],
                permissions: None,
            },
            1 => AuthorizationCommand::RevokeAdministrator { account, cloud_account },
            2 => AuthorizationCommand::AttachPolicy { user, policy: Policy::ReadOnly },
            _ => AuthorizationCommand::DetachPolicy { user },
        };
        let inside = self.chance.below(2) == 0;
        self.command_authorization(if inside { enterprise } else { EnterpriseIndex::NONE }, &command);
    }

    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    /// Takes a snapshot the way the engine does, with steps between its parts; and reads it back.
    pub fn snapshot(&mut self) -> SnapshotState {
        let storage = SimStorage::new(1);
        let low_water = Lsn::new(self.blocks.len() as u64);
        let mut writer = SnapshotWriter::create(&storage, DIRECTORY_ID, low_water).unwrap();
        let mut written = 0;
        while written < self.accounts.len() {
            let account = &self.accounts[written];
            let mut part = AccountsPart::default();
            part.push(account.index, &account.to_parts(), std::iter::empty());
            writer.write(&part.finish()).unwrap();
            written += 1;
            let between = self.chance.below(8);
            self.steps(between);
        }
        writer.write(&Part::directory(&self.directory.to_parts())).unwrap();
        writer.write(&Part::strings(&Strings::default())).unwrap();
        let between = self.chance.below(20);
        self.steps(between);
        writer.write(&Part::authorization(EnterpriseIndex::NONE, &self.outside)).unwrap();
        let mut written = 0;
        while written < self.enterprises.len() {
            writer.write(&Part::credit_control(&self.enterprises[written].control)).unwrap();
            let between = self.chance.below(8);
            self.steps(between);
            let authorization = &self.enterprises[written].authorization;
            writer.write(&Part::authorization(EnterpriseIndex(nth(written)), authorization)).unwrap();
            written += 1;
        }
        writer.finish(Lsn::NOTHING).unwrap();
        let mut broken = Vec::new();
        let read = read_first_whole(&storage, DIRECTORY_ID, [low_water].into_iter(), &mut broken);
        assert!(broken.is_empty(), "{broken:?}");
        read.unwrap().unwrap()
    }
}

fn party(number: usize) -> Party {
    Party::Account(AccountIndex(nth(number)))
}

fn moves_to(sent: &Sent, number: usize) -> bool {
    matches!(sent.cargo, Cargo::CreditReturn { moves_to: Some(to), .. } if to.0 == nth(number))
}
