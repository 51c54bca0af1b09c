//! Bills and what pays them, from domain through log and snapshot back to state: wherever a snapshot is taken.

use exchequer::domain::account::{Account, CycleSums, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::billing::asset::{Asset, AssetKind, Portion};
use exchequer::domain::billing::coupon::{CouponKind, CouponTerms};
use exchequer::domain::billing::payment_method::{PaymentMethod, PaymentMethodKind};
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::charge::Category;
use exchequer::domain::directory::{Admission, Directory, DirectoryEvent, Remittance};
use exchequer::domain::identities::IdentityHasher;
use exchequer::domain::ids::{AccountIndex, CloudIndex, Currency};
use exchequer::domain::invariants::check_ledger;
use exchequer::domain::money::{Amount, Money};
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::profile::{AccountType, Opening, Profile};
use exchequer::domain::standing::{ChargeStanding, StandingChange};
use exchequer::domain::strings::{StringId, Strings};
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};
use exchequer::journal::JournalFault;
use exchequer::journal::charges::{ChargeId, ChargesBuilder, Label, PostedCharge};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::forms::directory_record::DirectoryRecord;
use exchequer::journal::replay::{Replayed, Start, replay};
use exchequer::journal::snapshot::{AccountsPart, Part, SnapshotState, SnapshotWriter, read_first_whole};
use exchequer::wal::{Lsn, SimStorage};

const DIRECTORY_ID: [u8; 16] = [7; 16];
pub(super) const ACCOUNT: AccountIndex = AccountIndex(0);
pub(super) const CLOUD: CloudIndex = CloudIndex(0);

pub(super) fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn month(month: u32) -> Cycle {
    Cycle::new(2026, month).unwrap()
}

/// One account and all that it pays for, with the blocks that it has logged: one record each, and a snapshot before each.
pub(super) struct World {
    pub(super) directory: Directory,
    pub(super) account: Account,
    pub(super) paid: PaidCloudAccount,
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) snapshots: Vec<SnapshotState>,
    pub(super) now: Timestamp,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            directory: Directory::new(1),
            account: Account::placeholder(ACCOUNT),
            paid: PaidCloudAccount::default(),
            blocks: Vec::new(),
            snapshots: Vec::new(),
            now: at("2026-05-02T00:00:00Z"),
        };
        let opening = Opening {
            kind: AccountType::Direct,
            currency: Currency::USD,
            offset: UtcOffset::default(),
            at: world.now,
            profile: Profile { owner: Some("o".into()), ..Profile::default() },
        };
        let euro = Currency::parse("EUR").unwrap();
        world.tell(DirectoryEvent::AccountOpened { id: "a".into(), opening: Box::new(opening) });
        world.tell(DirectoryEvent::CloudAccountRegistered { id: "c".into(), payer: ACCOUNT });
        let rate = Rate::parse("0.9").unwrap();
        world.tell(DirectoryEvent::ExchangeRateSet { from: Currency::USD, to: euro, day: 20_000, rate });
        let received = Remittance { amount: money("5"), currency: Currency::USD, reference: None };
        world.tell(DirectoryEvent::RemittanceReceived { remittance: "wire".into(), received });
        world
    }

    pub(super) fn log(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        self.blocks.push(bytes);
        let snapshot = self.snapshot();
        self.snapshots.push(snapshot);
    }

    fn tell(&mut self, event: DirectoryEvent) {
        for admission in self.directory.apply(std::slice::from_ref(&event), self.now, None) {
            if let Admission::Account { account, opening } = admission {
                self.account = Account::open(account, &opening);
            }
        }
        let (sequence, at) = (self.directory.sequence(), self.now);
        let events = vec![event];
        let record = DirectoryRecord { sequence, at, actor: "p".into(), remembered: None, events };
        self.log(|bytes| record.encode(bytes));
    }

    pub(super) fn record(&mut self, event: AccountEvent) {
        self.record_at(event, self.now);
    }

    fn record_at(&mut self, event: AccountEvent, at: Timestamp) {
        self.account.apply(&event, at);
        let sequence = self.account.sequence();
        let record =
            AccountRecord { account: ACCOUNT, sequence, at, actor: "p".into(), remembered: None, event };
        self.log(|bytes| record.encode(bytes));
    }

    pub(super) fn command(&mut self, command: &AccountCommand) {
        self.settle_due();
        let around = Surroundings { pays: true, ..Surroundings::default() };
        let available = self.account.available_credit();
        let event = self.account.decide(command, self.now, around).unwrap().unwrap();
        self.record(event);
        if let Some(change) = self.account.decide_standing(available, self.now) {
            self.record(AccountEvent::StandingChanged { change });
        }
    }

    pub(super) fn settle_due(&mut self) {
        while let Some((event, due)) = self.account.due(self.now) {
            self.record_at(event, due);
        }
    }

    /// What coupons deduct is decided, but what is logged may be something else.
    fn charge_with(&mut self, id: &str, amount: &str, start: &str, change: impl FnOnce(&mut Vec<Portion>)) {
        let mut builder = ChargesBuilder::default();
        self.push(&mut builder, (id, amount, start), change, |_| {});
        self.log(|bytes| builder.finish(bytes));
    }

    /// Posts a charge, which may be logged with other deductions and another change of standing than it had.
    pub(super) fn push(
        &mut self,
        builder: &mut ChargesBuilder,
        (id, amount, start): (&str, &str, &str),
        change: impl FnOnce(&mut Vec<Portion>),
        tell: impl FnOnce(&mut StandingChange),
    ) {
        let available = self.account.available_credit();
        let (amount, start) = (Amount::parse(amount).unwrap(), at(start));
        let (money, category) = (amount.money(), Category::Usage);
        let place =
            self.account.decide_charge(&self.paid, money, Currency::USD, start, None, category, &mut None);
        let place = place.unwrap();
        let mut parts = Vec::new();
        self.account.decide_deductions(money, start, category, "compute", &mut parts);
        self.account.apply_charge(&mut self.paid, money, place.cycle, category);
        self.account.apply_deductions(place.cycle, parts.iter().copied());
        change(&mut parts);
        let standing = self.account.decide_standing(available, self.now);
        let standing = standing.map(|change| ChargeStanding { change, at: self.now });
        if let Some(standing) = &standing {
            self.account.apply_standing_of_charge(standing);
        }
        builder.push(&PostedCharge {
            account: ACCOUNT,
            sequence: self.account.sequence(),
            cloud: CLOUD,
            amount: amount.decimal(),
            period_start: start,
            cycle: place.cycle,
            original_cycle: place.original,
            category,
            correction: place.is_late(),
            id: ChargeId::new(id),
            source: Label { number: StringId::INLINE, inline: "meter" },
            service: Label { number: StringId::INLINE, inline: "compute" },
            sku: Label::EMPTY,
            unit: Label::EMPTY,
            quantity: None,
            description: "",
            tags: "",
            import_row: 0,
        });
        builder.push_deductions(&parts);
        if let Some(mut standing) = standing {
            tell(&mut standing.change);
            builder.push_standing(&standing);
        }
    }

    pub(super) fn charge(&mut self, id: &str, amount: &str, start: &str) {
        self.charge_with(id, amount, start, |_| {});
    }

    pub(super) fn issue(&mut self, cycle: Cycle) {
        let mut sums = CycleSums::default();
        sums.add(&self.paid, cycle);
        let issued = self.account.decide_issue(cycle, sums, &self.directory.rates(), self.now).unwrap();
        self.record(issued);
    }

    fn write_off(&mut self) {
        let written_off = self.account.decide_write_off(self.now).unwrap();
        self.record(written_off);
    }

    pub(super) fn grant(&mut self, id: &str, nominal: &str, ends_at: &str) {
        let coupon = Box::new(CouponTerms {
            id: id.into(),
            kind: CouponKind::Coupon,
            nominal: money(nominal),
            starts_at: Timestamp::MIN,
            ends_at: at(ends_at),
            services: Box::default(),
            minimum_spend: Money::ZERO,
        });
        self.command(&AccountCommand::GrantCoupon { coupon });
    }

    fn purchase(&mut self, order: &str, amount: &str) {
        let (cloud, service) = (Some(CLOUD), Some("compute".into()));
        let amount = money(amount);
        self.command(&AccountCommand::Purchase { order: order.into(), amount, cloud, service });
    }

    fn refund(&mut self, order: &str, refund: &str, amount: &str) {
        let (order, refund, amount) = (order.into(), refund.into(), money(amount));
        self.command(&AccountCommand::RefundPurchase { order, refund, amount });
    }

    /// A month in which everything about bills happens, and the begin of the next.
    pub(super) fn live(&mut self) {
        self.command(&AccountCommand::GrantCreditLimit { amount: money("500") });
        self.command(&AccountCommand::TopUp { amount: money("40"), reference: None });
        self.command(&AccountCommand::SetTaxRate { rate: Rate::parse("0.06").unwrap() });
        let currency = Currency::parse("EUR").unwrap();
        self.command(&AccountCommand::SetSettlementCurrency { currency });
        self.grant("first", "3", "2026-06-10T00:00:00Z");
        self.grant("second", "20", "2027-01-01T00:00:00Z");
        self.charge("1", "10.015", "2026-05-02T00:00:00Z"); // two coupons deduct from it
        self.purchase("o", "90"); // coupon, cash and credit pay it
        self.charge("2", "60", "2026-05-03T00:00:00Z");
        self.now = at("2026-06-03T00:00:00Z");
        self.issue(month(5));
        self.command(&AccountCommand::TopUp { amount: money("20"), reference: None });
        self.refund("o", "r 1", "45"); // credit refund of June, and cash
        self.write_off();
        self.charge("3", "7", "2026-05-31T00:00:00Z"); // late
        self.command(&AccountCommand::SetWriteOffPreviousBills { enabled: true });
        self.write_off();
        self.purchase("p", "10");
        self.grant("third", "5", "2026-06-10T00:00:00Z");
        let method: Box<str> = "card".into();
        let linked = PaymentMethod { kind: PaymentMethodKind::Card, token: "tok".into() };
        self.command(&AccountCommand::LinkPaymentMethod { method: method.clone(), linked });
        self.command(&AccountCommand::EditPaymentMethod { method: method.clone(), token: "two".into() });
        self.command(&AccountCommand::UnlinkPaymentMethod { method });
        let remittance = "wire".into();
        let (amount, currency) = (money("5"), Currency::USD);
        self.command(&AccountCommand::ClaimRemittance { remittance, amount, currency });
        self.now = at("2026-07-03T00:00:00Z");
        self.issue(month(6)); // in euro
        let (settlement, assets) = (Box::from("s"), vec![AssetKind::Cash]);
        let cycles = vec![month(6)];
        self.command(&AccountCommand::StartUnifiedSettlement { settlement, cycles, assets });
        self.refund("o", "r 2", "45");
        self.refund("p", "r", "4");
        self.charge("4", "-2", "2026-07-01T00:00:00Z");
    }

    /// The state, as a snapshot gives it back.
    pub(super) fn snapshot(&self) -> SnapshotState {
        let storage = SimStorage::new(1);
        let low_water = Lsn::new(self.blocks.len() as u64);
        let mut writer = SnapshotWriter::create(&storage, DIRECTORY_ID, low_water).unwrap();
        let mut accounts = AccountsPart::default();
        let paid = (self.blocks.len() > 1).then_some((CLOUD, &self.paid));
        accounts.push(ACCOUNT, &self.account.to_parts(), paid.into_iter());
        let directory = Part::directory(&self.directory.to_parts());
        for part in [accounts.finish(), directory, Part::strings(&Strings::default())] {
            writer.write(&part).unwrap();
        }
        writer.finish(Lsn::NOTHING).unwrap();
        let mut broken = Vec::new();
        let read = read_first_whole(&storage, DIRECTORY_ID, [low_water].into_iter(), &mut broken);
        assert!(broken.is_empty(), "{broken:?}");
        read.unwrap().unwrap()
    }

    pub(super) fn check(&self, replayed: &Replayed) {
        let ledger = &replayed.ledgers[ACCOUNT.partition().shard(replayed.ledgers.len())];
        assert_eq!(ledger.accounts, std::slice::from_ref(&self.account));
        assert_eq!(ledger.accounts[0].view(), self.account.view());
        assert_eq!(check_ledger(ledger), []);
        assert!(replayed.cash_misstated.is_empty(), "{:?}", replayed.cash_misstated);
        assert_eq!(replayed.directory.to_parts(), self.directory.to_parts());
    }
}

pub(super) fn replayed(
    blocks: &[Vec<u8>],
    shards: usize,
    snapshot: Option<SnapshotState>,
) -> Result<Replayed, JournalFault> {
    let from = snapshot.as_ref().map_or(0, |snapshot| usize::try_from(snapshot.low_water.number()).unwrap());
    let start = Start { hasher: IdentityHasher::new([1; 16]), shards, snapshot };
    replay(start, |sink| blocks[from..].iter().try_for_each(|block| sink(block)))
}

/// The log is sound and gives back the state, or it is refused with that fault.
pub(super) fn check_sound(world: &World, sound: bool, fault: &str) {
    match replayed(&world.blocks, 1, None) {
        Ok(replayed) => {
            assert!(sound);
            world.check(&replayed);
        }
        Err(found) => {
            assert!(!sound, "{found}");
            assert_eq!(found.to_string(), fault);
        }
    }
}

#[test]
fn the_log_gives_back_bills_wherever_a_snapshot_begins() {
    let mut world = World::new();
    world.live();
    let billing = world.account.billing();
    let in_euro = billing.bills.iter().map(|bill| bill.converted.is_some()).collect::<Vec<_>>();
    assert_eq!(in_euro, [false, true]);
    assert!(billing.coupons.coupon(2).unwrap().expired);
    assert!(world.account.credit_refund() > Money::ZERO && world.account.unsettled_previous() > Money::ZERO);
    for shards in [1, 3] {
        world.check(&replayed(&world.blocks, shards, None).unwrap());
    }
    for snapshot in std::mem::take(&mut world.snapshots) {
        world.check(&replayed(&world.blocks, 2, Some(snapshot)).unwrap());
    }
}

#[test]
fn deductions_that_no_coupon_bears_are_refused() {
    let check = |change: &dyn Fn(&mut Vec<Portion>), sound: bool| {
        let mut world = World::new();
        world.grant("first", "3", "2026-06-10T00:00:00Z");
        world.grant("second", "20", "2027-01-01T00:00:00Z");
        world.charge_with("1", "10", "2026-05-02T00:00:00Z", change);
        check_sound(&world, sound, "malformed deduction");
    };
    let deducted = |number, amount| Portion { asset: Asset::Coupon(number), amount: money(amount) };
    check(&|parts| assert_eq!(parts, &[deducted(0, "3"), deducted(1, "7")]), true);
    check(&|parts| parts[1] = deducted(2, "7"), false);
    check(&|parts| parts[1] = deducted(u32::MAX, "7"), false);
    check(&|parts| parts[0] = deducted(0, "3.1"), false);
    check(&|parts| parts[1] = deducted(1, "7.1"), false);
    check(&|parts| parts[1] = deducted(0, "1"), false);
    check(&|parts| parts[0] = deducted(0, "0"), false);
    check(&|parts| parts[0] = deducted(0, "-3"), false);
    check(&|parts| parts.push(deducted(1, "1")), false);
}
