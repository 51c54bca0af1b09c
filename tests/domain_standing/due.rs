//! What time alone brings: when it is due, and when anybody looks (rules H4, J5).

use crate::billing::{Bench, alert, instant, money, top_up, usual};
use crate::{benefit, check};

#[test]
fn what_is_due_comes_before_a_charge_that_may_change_the_standing() {
    // rules H4, J5
    check(
        usual(),
        "
        05-02 | benefit 72 100 |             | off
              | charge 10      | overdue -10 | off overdue
        05-09 | charge 1       |             | off overdue
              | charge 90      | suspended -11 at 2026-05-05T00:00:00Z | off overdue suspended
        05-10 | charge -101    | resumed+cleared 0 | off
        ",
    );
    check(
        usual(),
        "
        05-02 | benefit 72 -   |             | off
              | charge 10      | overdue -10 | off overdue
        05-05 | charge -10     | suspended -10, resumed+cleared 0 | off
        ",
    );
}

#[test]
fn business_time_never_goes_back() {
    // rule J5: a clock that is behind decides at the account's own time
    check(
        usual(),
        "
        05-01 | top_up 9     |                   | off
              | alert 5      |                   | armed
              | benefit 24 - |                   | armed
        05-03 | top_up 1     |                   | armed
              | charge 6     | alerted 4         | firing 1
        05-01 | charge 5     | overdue -1 at 2026-05-03T00:00:00Z | ended overdue
        05-04 | wait         | suspended -1      | ended overdue suspended
        ",
    );
}

#[test]
fn next_due_is_when_time_alone_changes_the_standing() {
    // rule J5
    let mut bench = Bench::new();
    bench.does(&top_up("10")).does(&alert("5")).does(&benefit("72", "-"));
    assert_eq!(bench.account().next_due(), None);
    bench.now = instant("2026-05-02");
    bench.usage("6", "2026-05-02");
    assert_eq!(bench.account().next_due(), Some(instant("2026-05-03")));
    bench.usage("5", "2026-05-02");
    assert_eq!(bench.account().next_due(), Some(instant("2026-05-05")));
    bench.at("2026-05-05");
    assert_eq!(bench.account().next_due(), None);
}

#[test]
fn usual_charges_are_not_looked_at() {
    let mut bench = Bench::new();
    bench.does(&top_up("1000")).does(&alert("100"));
    let looks = |bench: &Bench, amount| bench.account().looks_closer(money(amount));
    assert_eq!(["1", "899", "901", "-1"].map(|amount| looks(&bench, amount)), [false, false, true, true]);
    bench.usage("950", "2026-05-02"); // firing
    assert_eq!(["1", "50", "51"].map(|amount| looks(&bench, amount)), [false, false, true]);
    bench.usage("51", "2026-05-02"); // overdue and suspended
    assert_eq!(["1", "1000000"].map(|amount| looks(&bench, amount)), [false, false]);
}
