//! Commands that come once more, and keys that are used for others (rule J2).

use exchequer::engine::{Command, PROVIDER, Request};

use crate::model::Model;
use crate::op::{Expect, Op, Thing, Touches, What};
use crate::random::Chance;
use crate::workload::{REMEMBERED, Workload};

impl Workload {
    /// A command that was answered, once more.
    pub fn again(&self, number: u64, model: &Model, chance: &mut Chance) -> Option<Op> {
        let (first, reply, at) =
            self.done.get(usize::try_from(chance.below(self.done.len().max(1) as u64)).ok()?)?;
        // Another enterprise's authorization is another scope of keys: it would be carried out there.
        let moves = matches!(
            first.command()?,
            Command::GrantAdministrators { .. } | Command::RevokeAdministrator { .. }
        );
        // All accounts together remember no key: what was posted since would be issued.
        let issues = matches!(
            first.command()?,
            Command::IssueBills { billing_account: None, .. } | Command::AdvanceTime
        );
        if moves || issues || *at < model.now - REMEMBERED {
            return None;
        }
        let key = Thing::Key(format!("k{}", first.number));
        Some(Op {
            number,
            what: first.what.clone(),
            touches: Touches::alone([key]),
            expect: Expect::Again(Box::new(reply.clone())),
            reissued: false,
        })
    }

    /// The key of another command, of the same account and principal.
    pub fn reuse(&self, number: u64, model: &Model, chance: &mut Chance) -> Option<Op> {
        let top_ups: Vec<_> = self
            .done
            .iter()
            .filter(|(.., at)| *at > model.now - REMEMBERED)
            .filter_map(|(op, ..)| match &op.what {
                What::Command(request) if request.principal == PROVIDER => Some(request),
                _ => None,
            })
            .filter(|request| matches!(request.command, Command::TopUp { .. }))
            .collect();
        if top_ups.is_empty() {
            return None;
        }
        let mut request: Request = (*chance.pick(&top_ups)).clone();
        let key = request.key.clone()?;
        if let Command::TopUp { reference, .. } = &mut request.command {
            *reference = Some("another".to_owned());
        }
        let touches = Touches::alone([Thing::Key(key)]);
        Some(Op { number, what: What::Command(request), touches, expect: Expect::Reused, reissued: false })
    }
}
