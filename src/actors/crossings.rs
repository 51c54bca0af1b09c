//! Which accounts something is on its way to or from, so that none of them is closed meanwhile (rule F5).

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::ids::AccountIndex;
use crate::domain::refusals::Refusal;

/// The accounts that cross now.
#[derive(Default)]
pub struct Crossings {
    accounts: Mutex<HashMap<AccountIndex, State>>,
}

#[derive(Clone, Copy, Default)]
struct State {
    crossing: u32,
    closing: bool,
}

/// One operation between accounts; it ends when the last message that carries it has arrived.
pub struct Crossing {
    crossings: Arc<Crossings>,
    accounts: Vec<AccountIndex>,
}

/// An account that is being closed, or leaves its enterprise: nothing is sent to it meanwhile.
pub struct Closing {
    crossings: Arc<Crossings>,
    account: AccountIndex,
}

impl Crossings {
    /// Begins an operation between accounts; refused while one of them is being closed.
    pub fn enter(self: &Arc<Self>, accounts: &[AccountIndex]) -> Result<Arc<Crossing>, Refusal> {
        let mut states = self.accounts.lock();
        if accounts.iter().any(|account| states.get(account).is_some_and(|state| state.closing)) {
            return Err(Refusal::MoneyInFlight);
        }
        for account in accounts {
            states.entry(*account).or_default().crossing += 1;
        }
        Ok(Arc::new(Crossing { crossings: Arc::clone(self), accounts: accounts.to_vec() }))
    }

    /// Begins to close an account; refused while something is on its way to or from it, or it is closed by another.
    pub fn close(self: &Arc<Self>, account: AccountIndex) -> Result<Closing, Refusal> {
        let mut states = self.accounts.lock();
        let state = states.entry(account).or_default();
        if state.crossing > 0 || state.closing {
            return Err(Refusal::MoneyInFlight);
        }
        state.closing = true;
        Ok(Closing { crossings: Arc::clone(self), account })
    }

    fn change(&self, account: AccountIndex, change: impl FnOnce(&mut State)) {
        let mut states = self.accounts.lock();
        let state = states.entry(account).or_default();
        change(state);
        if state.crossing == 0 && !state.closing {
            states.remove(&account);
        }
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        for account in &self.accounts {
            self.crossings.change(*account, |state| state.crossing -= 1);
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.crossings.change(self.account, |state| state.closing = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_not_closed_while_something_is_on_its_way() {
        let crossings = Arc::new(Crossings::default());
        let (one, other) = (AccountIndex(1), AccountIndex(2));
        let crossing = crossings.enter(&[one, other]).unwrap();
        let message = Arc::clone(&crossing);
        drop(crossing);
        assert_eq!(crossings.close(other).err(), Some(Refusal::MoneyInFlight));
        drop(message);
        let closing = crossings.close(other).unwrap();
        assert_eq!(crossings.enter(&[one, other]).err(), Some(Refusal::MoneyInFlight));
        assert_eq!(crossings.close(other).err(), Some(Refusal::MoneyInFlight));
        drop(closing);
        assert!(crossings.enter(&[one, other]).is_ok());
        assert!(crossings.accounts.lock().is_empty());
    }
}
