//! Fail-stop: the first fault stops the whole engine, never just one actor.

use std::sync::OnceLock;

use parking_lot::Mutex;

type Hook = Box<dyn Fn() + Send>;

/// Whether the engine still runs, shared by everything in it.
#[derive(Default)]
pub struct Health {
    reason: OnceLock<String>,
    hooks: Mutex<Vec<Hook>>,
}

impl Health {
    /// Stops the engine; the first reason stays. Whoever waits is woken and gets `stopped`.
    pub fn stop(&self, reason: impl FnOnce() -> String) {
        let mut first = false;
        let reason = self.reason.get_or_init(|| {
            first = true;
            reason()
        });
        if first {
            tracing::error!(reason, "the engine stopped");
            self.hooks.lock().iter().for_each(|hook| hook());
        }
    }

    /// Ends the engine in good order.
    pub fn retire(&self) {
        self.reason.get_or_init(|| "it is closed".to_owned());
        self.hooks.lock().iter().for_each(|hook| hook());
    }

    /// Why the engine stopped, if it did.
    pub fn stopped(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Why the engine stopped, for somebody who was woken by it: the reason is told a moment after.
    pub fn reason(&self) -> &str {
        const LOOKS: u32 = 1_000;
        for _ in 0..LOOKS {
            if let Some(reason) = self.stopped() {
                return reason;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        "its log has ended"
    }

    /// Has `hook` run when the engine stops.
    pub fn on_stop(&self, hook: impl Fn() + Send + 'static) {
        self.hooks.lock().push(Box::new(hook));
    }
}

/// Stops the engine when the actor that holds it is dropped by a panic (actix drops it in silence).
pub struct PanicGuard {
    /// The engine's health.
    pub health: std::sync::Arc<Health>,
    /// Who holds it.
    pub name: &'static str,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.health.stop(|| format!("the {} panicked: a broken invariant", self.name));
        }
    }
}
