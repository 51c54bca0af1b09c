//! The charges that clients post, some of them again.

use exchequer::domain::charge::Category;
use exchequer::domain::time::Timestamp;
use exchequer::engine::OnError;

use crate::amounts::amount;
use crate::bills_workload::{SERVICES, start};
use crate::model::Model;
use crate::op::{Expect, Op, Sent, Thing, Touches, What};
use crate::random::Chance;
use crate::workload::Workload;
use crate::world::{BEGIN, HOUR, cents};

impl Workload {
    pub fn post(&mut self, number: u64, model: &Model, chance: &mut Chance) -> Op {
        let on_error = *chance.pick(&[OnError::Continue, OnError::Continue, OnError::Stop, OnError::Atomic]);
        let mut charges = Vec::new();
        let one = self.cloud(chance);
        for _ in 0..=chance.below(4) {
            let cloud = if on_error == OnError::Atomic { one.clone() } else { self.cloud(chance) };
            charges.push(self.charge(cloud, model, chance));
        }
        let mut touches = Touches::default();
        touches.beside.extend(charges.iter().map(|sent| Thing::Payer(sent.cloud.clone())));
        Op {
            number,
            what: What::Post(charges, on_error, None),
            touches,
            expect: Expect::Anything,
            reissued: false,
        }
    }

    fn cloud(&self, chance: &mut Chance) -> String {
        // More often than others those whose owners want to know.
        if chance.one_in(3)
            && let Some(watched) = self.watched(chance)
        {
            return watched;
        }
        if chance.one_in(3) { chance.pick(&self.world.clouds).clone() } else { self.account(chance) }
    }

    fn charge(&mut self, cloud: String, model: &Model, chance: &mut Chance) -> Sent {
        if !self.charges.is_empty() && chance.one_in(6) {
            let mut sent = chance.pick(&self.charges).clone();
            if chance.one_in(3) {
                sent.amount = amount(chance);
            }
            return sent;
        }
        let payer = model.payer(&cloud, Timestamp::from_micros(model.now));
        let euro = payer.and_then(|payer| model.account(payer)).is_some_and(|payer| payer.currency == "EUR");
        let wrong = chance.one_in(20);
        let currency = if euro ^ wrong { "EUR" } else { "USD" };
        let category = match chance.below(8) {
            0 | 1 => Category::Purchase,
            2 => Category::Tax,
            _ => Category::Usage,
        };
        let refund = chance.one_in(6);
        let steered = payer.and_then(|payer| Self::steer(payer, model, chance));
        let amount = match steered {
            Some(amount) => amount,
            None if refund => cents(-chance.below(3_000).cast_signed()),
            None => amount(chance),
        };
        let start = if model.months {
            start(model.now, chance)
        } else {
            Timestamp::from_micros(BEGIN + chance.below(30 * 24).cast_signed() * HOUR)
        };
        let service = *chance.pick(&SERVICES);
        let id = self.fresh("c");
        let sent = Sent { cloud, id, amount, currency, start, category, service };
        self.charges.push(sent.clone());
        sent
    }
}
