//! The hot path: from the inbox to posted charges and their record.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::billing_account::{PostCharge, Verdict};
use super::charge_texts::{Texts, imported_row, service};
use super::homes::Homes;
use super::inbox::{Contents, Extra, Part, PartMode, Routed};
use super::log::Release;
use super::shard::Shard;
use super::ticket::Outcome;
use crate::domain::account::ChargePlace;
use crate::domain::identities::{Identities, Seen};
use crate::domain::ids::Partition;
use crate::domain::prefetch::prefetch;
use crate::domain::refusals::Refusal;
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::charges::PostedCharge;
use crate::limits::{CHUNK_CHARGES_MAX, PIECE_CHARGES};
use actix::Handler;

/// How many charges ahead the memory of a charge is asked for: the main memory answers in about that time.
const PREFETCH_AHEAD: usize = 16;

/// The same for each step on the way to an account's coupons.
const PREFETCH_COUPONS_AHEAD: [usize; 4] = [12, 9, 6, 3];

/// A block of its own for fewer charges costs more than they wait for those behind them.
const ROOM_WORTH_A_BLOCK: usize = 4_096;

/// How often the processor is left to callers before a turn, as long as there are few charges.
const YIELDS_MAX: usize = 8;
const FEW_CHARGES: usize = 64;

impl Shard {
    /// Handles everything that is in the inbox now; whether more came meanwhile.
    pub(super) fn drain(&mut self) -> bool {
        let inbox = Arc::clone(&self.inbox);
        for _ in 0..inbox.waiting() {
            let Some(mut contents) = inbox.take() else { break };
            for admission in contents.admissions.drain(..) {
                self.admit(admission);
            }
            self.handle_parts(&mut contents);
            self.wish_for_memory();
            inbox.give_back(contents);
            self.answer_questions(usize::MAX);
            // Group commit: as long as the log is busy, or little is ready and more waits, the record grows.
            if self.producer.is_free()
                && (self.resident.log.room >= ROOM_WORTH_A_BLOCK || inbox.waiting() == 0)
            {
                self.finish_record();
                self.settle();
            }
        }
        // Also those that waited for an account to be admitted.
        self.answer_questions(usize::MAX);
        self.finish_record();
        self.settle();
        inbox.is_waiting()
    }

    /// Lets callers that are about to push do so, as long as they do: one turn for many small batches is cheaper than a
    /// turn for each. Where nobody else wants the processor this takes no time.
    pub(super) fn let_others_push(&self) {
        let mut waiting = self.inbox.charges();
        for _ in 0..YIELDS_MAX {
            if waiting >= FEW_CHARGES {
                return;
            }
            std::thread::yield_now();
            let before = std::mem::replace(&mut waiting, self.inbox.charges());
            if waiting == before {
                return;
            }
        }
    }

    fn handle_parts(&mut self, contents: &mut Contents) {
        if contents.parts.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        let mut strings = shared.strings.read();
        let mut homes = Homes::one_by_one(&shared.identities, self.number);
        let mut parts = std::mem::take(&mut contents.parts);
        let mut first = 0;
        for mut part in parts.drain(..) {
            let range = first..first + part.charges;
            first = range.end;
            let mut outcome = Outcome::default();
            if part.mode == PartMode::Atomic {
                // One record holds the whole part: none of it is durable without the rest.
                if self.builder.rows() as usize + range.len() > CHUNK_CHARGES_MAX {
                    self.finish_record();
                    self.settle();
                }
                // Locked from the rehearsal to the last charge, so that nobody posts one of them in between.
                drop(homes);
                let mut all = Homes::all(&shared.identities, &contents.charges[range.clone()]);
                if let Some(first) = contents.charges.get(range.start) {
                    self.settle_before(first.account as usize, part.at);
                }
                match self.rehearse(contents, range.clone(), &strings, &mut all) {
                    Ok(()) => self.post(contents, range, &part, &mut outcome, &strings, &mut all),
                    Err(refused) => outcome = refused,
                }
                drop(all);
                homes = Homes::one_by_one(&shared.identities, self.number);
            } else {
                let mut start = range.start;
                while start < range.end {
                    let room = CHUNK_CHARGES_MAX - self.builder.rows() as usize;
                    let end = range.end.min(start + room.min(PIECE_CHARGES));
                    self.post(contents, start..end, &part, &mut outcome, &strings, &mut homes);
                    start = end;
                    // Charges have their turn before the next question.
                    self.answer_questions(1);
                    if self.builder.rows() as usize == CHUNK_CHARGES_MAX {
                        self.finish_record();
                        self.settle();
                        // Whoever waits for a lock gets it.
                        drop(homes);
                        parking_lot::RwLockReadGuard::bump(&mut strings);
                        homes = Homes::one_by_one(&shared.identities, self.number);
                    }
                }
            }
            // A charge that repeats or contradicts one of another shard's payer is answered when that shard's record is
            // durable.
            let also = if outcome.duplicate + outcome.conflict > 0
                && self.shared.homes_shared.load(Ordering::SeqCst)
            {
                self.peers.clone()
            } else {
                Vec::new()
            };
            part.ticket.outcome = outcome;
            // Settled with the record that holds the rows: at the latest at the end of the drain.
            self.resident.log.room += part.room;
            self.resident.log.releases.push(Release::Part { part: part.ticket, also });
        }
        contents.parts = parts; // for its memory
    }

    fn wish_for_memory(&self) {
        if let Some(memory) = &self.shared.memory {
            for wish in self.shared.identities[self.number].lock().take_wishes() {
                let _ended = memory.send((self.number, wish)); // then tables grow without
            }
        }
    }

    pub(super) fn finish_record(&mut self) {
        if self.builder.rows() > 0 {
            self.builder.finish(&mut self.resident.log.bytes);
            self.resident.log.records += 1;
        }
    }

    fn post(
        &mut self,
        contents: &Contents,
        range: std::ops::Range<usize>,
        part: &Part,
        outcome: &mut Outcome,
        strings: &Strings,
        homes: &mut Homes<'_>,
    ) {
        for (place, charge) in range.clone().zip(&contents.charges[range]) {
            if part.mode == PartMode::UntilException && !outcome.exceptions.is_empty() {
                return;
            }
            // Also of the parts after this one.
            if let Some(ahead) = contents.charges.get(place + PREFETCH_AHEAD) {
                self.prefetch(ahead, homes);
            }
            for (step, ahead) in PREFETCH_COUPONS_AHEAD.into_iter().enumerate() {
                if let Some(ahead) = contents.charges.get(place + ahead)
                    && let Some(account) = self.accounts.get(ahead.account as usize)
                {
                    account.account.prefetch_coupons(step);
                }
            }
            let extra = contents.extras.get(charge.extra as usize);
            match self.post_one(charge, extra, contents, part.at, strings, homes.of(charge)) {
                Verdict::Posted(place) => {
                    outcome.accepted += 1;
                    self.record(charge, extra, place, contents, strings);
                }
                Verdict::Duplicate => {
                    outcome.duplicate += 1;
                    outcome.duplicates.push(charge.index);
                }
                Verdict::Refused(refusal) => outcome.refuse(charge.index, refusal),
            }
        }
    }

    #[inline]
    fn prefetch(&self, charge: &Routed, homes: &Homes<'_>) {
        homes.prefetch(charge);
        if let Some(payment) = self.payments.get(charge.payment as usize) {
            prefetch(payment);
        }
        if let Some(account) = self.accounts.get(charge.account as usize) {
            account.account.prefetch();
            self.newest.prefetch(charge.account as usize);
        }
    }

    #[inline]
    fn post_one(
        &mut self,
        charge: &Routed,
        extra: Option<&Extra>,
        contents: &Contents,
        at: Timestamp,
        strings: &Strings,
        identities: &mut Identities,
    ) -> Verdict {
        let import = imported_row(charge, extra, contents, strings);
        let slot = charge.account as usize;
        let closer = self.accounts[slot].account.looks_closer(charge.amount.money());
        let closer = closer.then(|| self.settle_before(slot, at));
        let account = &mut self.accounts[slot];
        // A usual charge changes none but this one, and that only once.
        let had_costs = account.account.has_costs();
        let before = if closer.is_some() || !had_costs { Some(account.account.facts()) } else { None };
        let service = if account.account.deducts() { service(charge, extra, contents, strings) } else { "" };
        let verdict = account
            .handle(
                PostCharge {
                    paid: &mut self.payments[charge.payment as usize].paid,
                    identities,
                    home: charge.home,
                    key: charge.key,
                    amount: charge.amount.money(),
                    currency: charge.currency,
                    period_start: charge.period_start,
                    billing_cycle: charge.billing_cycle,
                    category: charge.category,
                    import,
                    service,
                    deducted: &mut self.deducted,
                    span: &mut self.span,
                    closer,
                    standing: &mut self.standing,
                },
                &mut self.resident,
            )
            .0;
        if let Verdict::Posted(_) = verdict {
            self.newest.set(slot, account.account.available_credit());
            if let Some(before) = before {
                self.index.change(slot, before, account.account.facts());
            }
            self.check_index(slot);
        }
        verdict
    }

    /// Has reminders and ends of grace decided that are due, before a charge that may change the account's standing or must not be
    /// split from others; the time that it counts at then (rule J5).
    #[cold]
    fn settle_before(&mut self, slot: usize, at: Timestamp) -> Timestamp {
        let account = &self.accounts[slot].account;
        let at = at.max(account.at());
        if account.standing_next_due().is_some_and(|due| due <= at) {
            // Its charges so far have lower record numbers.
            self.finish_record();
            self.lend(slot, |account, context| account.settle_standing_due(at, context));
        }
        at
    }

    #[inline]
    fn record(
        &mut self,
        charge: &Routed,
        extra: Option<&Extra>,
        place: ChargePlace,
        contents: &Contents,
        strings: &Strings,
    ) {
        for number in charge.labels {
            let place = number.0 as usize;
            if number != StringId::EMPTY && !self.logged.get(place).is_some_and(|logged| *logged) {
                self.log_string(number, strings);
            }
        }
        let account = &self.accounts[charge.account as usize].account;
        let texts = Texts::new(charge, extra, contents);
        self.builder.push(&PostedCharge {
            account: account.index,
            sequence: account.sequence(),
            cloud: charge.cloud,
            amount: charge.amount.decimal(),
            period_start: charge.period_start,
            cycle: place.cycle,
            original_cycle: place.original,
            category: charge.category,
            correction: charge.correction || place.is_late(),
            id: texts.id(),
            source: texts.label(strings, 0).label,
            service: texts.label(strings, 1).label,
            sku: texts.label(strings, 2).label,
            unit: texts.label(strings, 3).label,
            quantity: extra.and_then(|extra| extra.quantity),
            description: texts.extra_text(0),
            tags: texts.extra_text(1),
            import_row: extra.map_or(0, |extra| extra.import_row),
        });
        if !self.deducted.is_empty() {
            self.builder.push_deductions(&self.deducted);
            self.deducted.clear();
        }
        if self.standing.is_some()
            && let Some(standing) = self.standing.take()
        {
            self.builder.push_standing(&standing);
            self.timers.note(charge.account, self.accounts[charge.account as usize].account.next_due());
        }
    }

    #[cold]
    fn log_string(&mut self, number: StringId, strings: &Strings) {
        if let Some(text) = strings.text(number) {
            self.builder.push_string(number, text);
            let place = number.0 as usize;
            if self.logged.len() <= place {
                self.logged.resize(place + 1, false);
            }
            self.logged[place] = true;
        }
    }

    /// Decides all charges of an atomic part on copies; an outcome where any of them would not be posted (rule C6).
    fn rehearse(
        &mut self,
        contents: &Contents,
        range: std::ops::Range<usize>,
        strings: &Strings,
        homes: &mut Homes<'_>,
    ) -> Result<(), Outcome> {
        let charges = &contents.charges[range];
        let Some(first) = charges.first() else { return Ok(()) };
        let mut account = self.accounts[first.account as usize].account.clone();
        let mut payments = HashMap::new();
        let mut posted: HashMap<u128, u128> = HashMap::new();
        let mut opening: HashMap<Partition, Vec<Cycle>> = HashMap::new();
        let mut refused = Vec::new();
        let mut duplicate = 0;
        for charge in charges {
            let identities = homes.of(charge);
            let seen = identities.look_up(charge.home, charge.key);
            let hash = charge.key.0 >> 32;
            let decided = match (seen, posted.get(&hash)) {
                (Seen::Conflict, _) => Err(Refusal::Conflict),
                (Seen::New, Some(key)) if *key != charge.key.0 => Err(Refusal::Conflict),
                (Seen::Duplicate, _) | (Seen::New, Some(_)) if charge.currency != account.currency() => {
                    Err(Refusal::Conflict)
                }
                (Seen::Duplicate, _) | (Seen::New, Some(_)) => {
                    duplicate += 1;
                    continue;
                }
                (Seen::New, None) => {
                    let place = charge.payment as usize;
                    let paid = payments.entry(place).or_insert_with(|| self.payments[place].paid.clone());
                    let amount = charge.amount.money();
                    let extra = contents.extras.get(charge.extra as usize);
                    let import = imported_row(charge, extra, contents, strings);
                    let decided = account
                        .decide_charge(
                            paid,
                            amount,
                            charge.currency,
                            charge.period_start,
                            charge.billing_cycle,
                            charge.category,
                            &mut self.span,
                        )
                        .and_then(|place| {
                            if let Some(import) = &import {
                                account.imports_decide(import, place.original)?;
                            }
                            let opening = opening.entry(charge.home).or_default();
                            identities.decide_besides(charge.home, place.cycle, opening)?;
                            Ok(place)
                        });
                    decided.map(|ChargePlace { cycle, original }| {
                        account.apply_charge(paid, amount, cycle, charge.category);
                        if account.deducts() {
                            let service = service(charge, extra, contents, strings);
                            let (start, category) = (charge.period_start, charge.category);
                            let mut parts = Vec::new();
                            account.decide_deductions(amount, start, category, service, &mut parts);
                            account.apply_deductions(cycle, parts);
                        }
                        if let Some(import) = import {
                            let imports = &mut account.rare_mut().imports;
                            imports.apply(import.source, original, import.row, Some(import.reading));
                        }
                        posted.insert(hash, charge.key.0);
                    })
                }
            };
            if let Err(refusal) = decided {
                refused.push((charge.index, refusal));
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        let mut outcome = Outcome { duplicate, ..Outcome::default() };
        let others = charges.len() as u64 - duplicate - refused.len() as u64;
        for (index, refusal) in refused {
            outcome.refuse(index, refusal);
        }
        outcome.rejected += others;
        Err(outcome)
    }
}
