//! Idempotency keys: a repeated command gets its first answer (rule J2).

use std::collections::{BTreeMap, VecDeque};

use super::refusals::Refusal;
use super::time::Timestamp;
use crate::limits::IDEMPOTENCY_DAYS;

/// One remembered command: its key in the scope of its principal, what it asked, what was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// Who gave the command.
    pub principal: Box<str>,
    /// The caller's key.
    pub key: Box<str>,
    /// Digest of the request.
    pub digest: u128,
    /// The first answer, as the engine encodes it.
    pub answer: Box<[u8]>,
    /// The engine's clock at the decision.
    pub at: Timestamp,
}

/// The keys that one deciding entity remembers, for 60 days of the engine's clock.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Keys {
    by_key: BTreeMap<(Box<str>, Box<str>), Remembered>,
    by_age: VecDeque<(Timestamp, Box<str>, Box<str>)>,
}

const WINDOW_MICROS: i64 = IDEMPOTENCY_DAYS * 24 * 3_600 * 1_000_000;

impl Keys {
    /// The first answer to this command, or none if it is new; a key with another content is refused.
    pub fn look_up(&self, principal: &str, key: &str, digest: u128) -> Result<Option<&[u8]>, Refusal> {
        match self.by_key.get(&(principal.into(), key.into())) {
            None => Ok(None),
            Some(first) if first.digest == digest => Ok(Some(&first.answer)),
            Some(_) => Err(Refusal::IdempotencyKeyReused),
        }
    }

    /// Remembers a command and forgets those of more than 60 days ago.
    pub fn remember(&mut self, remembered: Remembered) {
        let now = remembered.at;
        while let Some((at, principal, key)) = self.by_age.front() {
            if now.micros().saturating_sub(at.micros()) <= WINDOW_MICROS {
                break;
            }
            self.by_key.remove(&(principal.clone(), key.clone()));
            self.by_age.pop_front();
        }
        let scope = (remembered.principal.clone(), remembered.key.clone());
        if self.by_key.contains_key(&scope) {
            // Its age is that of the newer one.
            self.by_age.retain(|(_, principal, key)| (principal, key) != (&scope.0, &scope.1));
        }
        self.by_age.push_back((now, scope.0.clone(), scope.1.clone()));
        self.by_key.insert(scope, remembered);
    }

    /// Everything remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Remembered> {
        self.by_age
            .iter()
            .filter_map(|(_, principal, key)| self.by_key.get(&(principal.clone(), key.clone())))
    }
}

impl FromIterator<Remembered> for Keys {
    fn from_iter<I: IntoIterator<Item = Remembered>>(remembered: I) -> Self {
        let mut keys = Self::default();
        for one in remembered {
            keys.remember(one);
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_an_answer_for_sixty_days_in_the_scope_of_its_principal() {
        // rule J2
        let day = |day: i64| Timestamp::from_micros(day * 24 * 3_600 * 1_000_000);
        let mut keys = Keys::default();
        let command = |key: &str, at| Remembered {
            principal: "provider".into(),
            key: key.into(),
            digest: 7,
            answer: Box::from(*b"first"),
            at,
        };
        keys.remember(command("k", day(0)));
        assert_eq!(keys.look_up("provider", "k", 7), Ok(Some(&b"first"[..])));
        assert_eq!(keys.look_up("provider", "k", 8), Err(Refusal::IdempotencyKeyReused));
        assert_eq!(keys.look_up("someone", "k", 8), Ok(None));
        keys.remember(command("l", day(60)));
        assert_eq!(keys.iter().count(), 2);
        keys.remember(command("m", day(61)));
        assert_eq!(keys.look_up("provider", "k", 8), Ok(None));
        assert_eq!(keys.iter().cloned().collect::<Keys>(), keys);
    }

    #[test]
    fn a_key_that_is_remembered_again_is_as_old_as_the_newer_one() {
        let day = |day: i64| Timestamp::from_micros(day * 24 * 3_600 * 1_000_000);
        let mut keys = Keys::default();
        for (key, digest, at) in [("k", 1, 0), ("k", 2, 50), ("l", 3, 70)] {
            let (principal, answer, at) = ("p".into(), Box::default(), day(at));
            keys.remember(Remembered { principal, key: key.into(), digest, answer, at });
        }
        assert_eq!(keys.look_up("p", "k", 2), Ok(Some(&b""[..])));
        assert_eq!(keys.iter().cloned().collect::<Keys>(), keys);
    }
}
