//! When a notification is sent again, and when it is given up: pure.

use std::hash::Hasher;
use std::time::Duration;

use siphasher::sip::SipHasher13;

use super::outcome::Hope;
use crate::domain::time::Timestamp;
use crate::limits::{DELIVERY_ATTEMPTS_MAX, DELIVERY_WAIT_SECONDS_MAX, DELIVERY_WAIT_SECONDS_MIN};

/// The wait after the given number of failed attempts (from 1); `None` if the notification is given up.
///
/// It grows threefold from [`DELIVERY_WAIT_SECONDS_MIN`] to [`DELIVERY_WAIT_SECONDS_MAX`]. Up to a quarter is added, told by
/// the notification's id, so that those which failed together don't come back together. What the receiver asks for is waited
/// for up to the same bound.
pub fn wait(id: &str, attempts: u32, hope: Hope) -> Option<Duration> {
    let Hope::Later(asked) = hope else { return None };
    if attempts >= DELIVERY_ATTEMPTS_MAX {
        return None;
    }
    let growth = 3_u64.saturating_pow(attempts.saturating_sub(1));
    let seconds = DELIVERY_WAIT_SECONDS_MIN.saturating_mul(growth).min(DELIVERY_WAIT_SECONDS_MAX);
    let millis = seconds * 1_000;
    let longest = Duration::from_secs(DELIVERY_WAIT_SECONDS_MAX);
    let usual = Duration::from_millis(millis + millis / 4 * share(id, attempts) / SHARES);
    Some(usual.max(asked.unwrap_or_default().min(longest)))
}

/// Parts into which the addition is divided.
const SHARES: u64 = 1 << 16;

fn share(id: &str, attempts: u32) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(id.as_bytes());
    hasher.write_u32(attempts);
    hasher.finish() % SHARES
}

/// Whether a status of HTTP, other than a success, refuses for good.
///
/// It does where the address or the request must be changed first: moved for good (301, 308), and every 4xx but those that
/// ask for time (408, 425, 429), or for other credentials of the channel (401, 403, 407).
pub const fn http_refuses(status: u16) -> bool {
    matches!(status, 301 | 308 | 400..=499) && !matches!(status, 401 | 403 | 407 | 408 | 425 | 429)
}

/// The wait that a `Retry-After` asks for: seconds, or the time of a date as HTTP writes it.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_microsecond();
    u64::try_from(then.saturating_sub(now.micros())).ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eleven_attempts_take_about_a_day() {
        for id in ["acme-1-alert", "acme-2-overdue", "x"] {
            let waits: Vec<_> = (1..).map_while(|attempts| wait(id, attempts, Hope::Later(None))).collect();
            assert_eq!(waits.len(), 10);
            let shortest = [10, 30, 90, 270, 810, 2_430, 7_290, 21_600, 21_600, 21_600];
            for (wait, shortest) in waits.iter().zip(shortest.map(Duration::from_secs)) {
                assert!((shortest..=shortest * 5 / 4).contains(wait), "{id}: {wait:?} after {shortest:?}");
            }
            let hours = waits.iter().sum::<Duration>().as_secs() / 3_600;
            assert!((21..27).contains(&hours), "{id}: {hours} hours");
        }
    }

    #[test]
    fn those_that_failed_together_come_back_apart_and_always_the_same() {
        let waits: Vec<_> =
            (0..100).map(|nth| wait(&format!("acme-{nth}-alert"), 3, Hope::Later(None))).collect();
        let mut distinct = waits.clone();
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 90, "{}", distinct.len());
        let again = (0..100).map(|nth| wait(&format!("acme-{nth}-alert"), 3, Hope::Later(None)));
        assert!(again.eq(waits));
    }

    #[test]
    fn a_receiver_may_ask_for_time_within_bounds() {
        let asked = |seconds| wait("a", 1, Hope::Later(Some(Duration::from_secs(seconds)))).unwrap();
        assert_eq!(asked(600), Duration::from_mins(10));
        assert_eq!(asked(u64::MAX), Duration::from_secs(DELIVERY_WAIT_SECONDS_MAX));
        assert_eq!(Some(asked(1)), wait("a", 1, Hope::Later(None)));
        assert_eq!(wait("a", 1, Hope::None), None);
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let now: Timestamp = "2026-11-06T08:49:00Z".parse().unwrap();
        let check = |text, expect: Option<u64>| {
            assert_eq!(retry_after(text, now), expect.map(Duration::from_secs), "{text}");
        };
        check("120", Some(120));
        check("Fri, 06 Nov 2026 08:49:37 GMT", Some(37));
        check("Fri, 06 Nov 2026 08:48:00 GMT", None);
        check("-1", None);
        check("soon", None);
        check("99999999999999999999999", None);
    }

    #[test]
    fn tells_what_is_refused_for_good() {
        let refusing: Vec<_> = (100..600).filter(|status| http_refuses(*status)).collect();
        let expect = [301, 308]
            .into_iter()
            .chain((400..500).filter(|status| ![401, 403, 407, 408, 425, 429].contains(status)));
        assert!(expect.eq(refusing));
    }
}
