//! Alerts of a low balance: when they fire, how often, and what arms them again (rules H1, H2).

use exchequer::domain::charge::Category;
use exchequer::domain::time::Timestamp;

use crate::billing::{Bench, alert, instant, money, top_up, usual};
use crate::{check, stands};

#[test]
fn an_alert_fires_below_its_threshold_and_not_at_it() {
    // rule H2
    check(
        usual(),
        "
        05-01 | top_up 100                  |                               | off
              | alert 50                    |                               | armed
        05-02 | charge 50                   |                               | armed
              | charge 0.000000000000000001 | alerted 49.999999999999999999 | firing 1
              | charge 1                    |                               | firing 1
              | charge -0.5                 |                               | firing 1
        ",
    );
}

#[test]
fn every_change_of_available_credit_may_fire_and_arm() {
    // rule H2
    check(
        usual(),
        "
        05-01 | limit 10         |            | off
              | top_up 100       |            | off
              | alert 100        |            | armed
              | withdraw 11      | alerted 99 | firing 1
              | receive 1        | rearmed 100 | armed
              | adjust -1        | alerted 99 | firing 1
              | limit 11         | rearmed 100 | armed
              | limit 10         | alerted 99 | firing 1
              | charge -1        | rearmed 100 | armed
              | purchase o 5     | alerted 95 | firing 1
              | refund o 5       | rearmed 100 | armed
              | hold 50          |            | armed
              | capture          | alerted 50 | firing 1
        ",
    );
}

#[test]
fn an_alert_enabled_below_its_threshold_fires_at_the_next_change() {
    // rule H2
    check(
        usual(),
        "
        05-01 | top_up 100       |             | off
              | alert 200        |             | waiting
              | charge 0         |             | waiting
              | freeze           |             | waiting
        05-09 | wait             |             | waiting
              | alert 200        | again       | waiting
              | top_up 1         | alerted 101 | firing 1
        ",
    );
    for (action, told, state) in [
        ("top_up 99", "alerted 199", "firing 1"),
        ("top_up 100", "rearmed 200", "armed"),
        ("charge 1", "alerted 99", "firing 1"),
        ("charge 100", "alerted 0", "firing 1"),
        ("charge 101", "overdue+suspended -1", "ended overdue suspended"),
        ("coupon 5", "", "waiting"),
    ] {
        check(
            usual(),
            &format!(
                "
                05-01 | top_up 100 |        | off
                      | alert 200  |        | waiting
                05-02 | {action}   | {told} | {state}
                "
            ),
        );
    }
}

#[test]
fn five_notifications_in_all_a_day_apart_to_the_microsecond() {
    // rules H2, J5
    check(
        usual(),
        "
        05-01                       | top_up 10 |           | off
                                    | alert 5   |           | armed
        05-01T10:00:00.000001Z      | charge 6  | alerted 4 | firing 1
        05-02T10:00:00Z             | wait      |           | firing 1
        05-02T10:00:00.000001Z      | wait      | alerted 4 | firing 2
                                    | wait      |           | firing 2
        05-03T12:00:00Z             | charge 1  |           | firing 2
                                    | wait      | alerted 3 at 2026-05-03T10:00:00.000001Z | firing 3
        05-04T10:00:00.000001Z      | alert 5   | alerted 3, again | firing 4
        05-20                       | wait      | alerted 3 at 2026-05-05T10:00:00.000001Z | ended
        06-20                       | wait      |           | ended
                                    | charge 1  |           | ended
        ",
    );
    check(
        usual(),
        "
        05-01 | top_up 10 |           | off
              | alert 5   |           | armed
              | charge 6  | alerted 4 | firing 1
        05-11 | wait      | alerted 4 at 2026-05-02T00:00:00Z, alerted 4 at 2026-05-03T00:00:00Z, alerted 4 at 2026-05-04T00:00:00Z, alerted 4 at 2026-05-05T00:00:00Z | ended
        ",
    );
}

#[test]
fn reminders_end_with_overdue_and_the_threshold_arms_again() {
    // rules H2, H3: what was due before the charge is told before it
    check(
        usual(),
        "
        05-01           | top_up 10 |           | off
                        | alert 5   |           | armed
                        | charge 6  | alerted 4 | firing 1
        05-02T12:00:00Z | charge 5  | alerted 4 at 2026-05-02T00:00:00Z, overdue+suspended -1 | ended overdue suspended
        05-30           | wait      |           | ended overdue suspended
                        | top_up 3  | resumed+cleared 2 | ended
                        | charge 1  |           | ended
                        | top_up 3.999999999999999999 | | ended
                        | top_up 0.000000000000000001 | rearmed 5 | armed
                        | charge 1  | alerted 4 | firing 1
        05-31           | top_up 1  | alerted 4, rearmed 5 | armed
        06-30           | wait      |           | armed
        ",
    );
}

#[test]
fn a_new_threshold_and_enabling_start_anew_and_the_same_setting_does_nothing() {
    // rules H1, H2
    check(
        usual(),
        "
        05-01           | top_up 100   |            | off
                        | alert off    | again      | off
                        | alert 50     |            | armed
                        | charge 60    | alerted 40 | firing 1
        05-01T12:00:00Z | alert 45     |            | waiting
        05-09           | wait         |            | waiting
                        | charge 1     | alerted 39 | firing 1
                        | alert 39     |            | armed
                        | charge 1     | alerted 38 | firing 1
        05-10           | wait         | alerted 38 | firing 2
                        | alert off    |            | off
        06-01           | wait         |            | off
                        | charge 1     |            | off
                        | alert on     |            | waiting
                        | alert on     | again      | waiting
                        | alert 39     | again      | waiting
                        | top_up 100   | rearmed 137 | armed
                        | alert off 20 |            | off
                        | alert off 20 | again      | off
                        | alert on     |            | armed
                        | charge 118   | alerted 19 | firing 1
        ",
    );
}

#[test]
fn thresholds_are_above_0_where_an_alert_is_on() {
    // rule H1
    check(
        usual(),
        "
        05-01 | alert on     | amount_must_be_positive | off
              | alert 0      | amount_must_be_positive | off
              | alert -1     | amount_must_be_positive | off
              | alert off -1 | amount_must_be_positive | off
              | alert 0.000000000000000001 |           | waiting
              | alert 170141183460469231731.687303715884105727 | | waiting
              | alert off 0  |                         | off
              | alert on     | amount_must_be_positive | off
        ",
    );
}

#[test]
fn alert_and_overdue_in_one_step_tell_overdue_only() {
    // rules H2, H3: 0 is fine
    check(
        usual(),
        "
        05-01 | top_up 100 |                      | off
              | alert 50   |                      | armed
        05-02 | charge 101 | overdue+suspended -1 | ended overdue suspended
              | charge 1   |                      | ended overdue suspended
              | top_up 1   |                      | ended overdue suspended
              | top_up 1   | resumed+cleared 0    | ended
              | charge 0.000000000000000001 | overdue+suspended -0.000000000000000001 | ended overdue suspended
              | top_up 200 | resumed+cleared+rearmed 199.999999999999999999 | armed
        ",
    );
}

#[test]
fn while_overdue_no_alert_fires() {
    // rule H2: one that was enabled meanwhile waits for the first change after which it is low and not overdue
    check(
        usual(),
        "
        05-01 | charge 10  | overdue+suspended -10 | off overdue suspended
              | alert 50   |                       | waiting overdue suspended
              | charge 10  |                       | waiting overdue suspended
              | top_up 10  |                       | waiting overdue suspended
        06-01 | wait       |                       | waiting overdue suspended
              | top_up 11  | resumed+cleared+alerted 1 | firing 1
        ",
    );
}

#[test]
fn what_coupons_deduct_is_no_change() {
    // rules C5, H2
    check(
        usual(),
        "
        05-01 | top_up 100  |            | off
              | alert 50    |            | armed
              | coupon 30   |            | armed
              | charge 80   |            | armed
              | charge 1    | alerted 49 | firing 1
        ",
    );
    check(
        usual(),
        "
        05-01 | top_up 100  |            | off
              | alert 200   |            | waiting
              | coupon 30   |            | waiting
              | charge 30   |            | waiting
              | charge 1    | alerted 99 | firing 1
        ",
    );
    check(
        usual(),
        "
        05-01 | coupon 30   |                      | off
              | charge 30   |                      | off
              | charge 1    | overdue+suspended -1 | off overdue suspended
        ",
    );
}

#[test]
fn the_end_of_time_ends_reminders() {
    // rule H2
    let mut bench = Bench::new();
    bench.does(&top_up("10")).does(&alert("5"));
    bench.now = Timestamp::MAX;
    bench.post(money("6"), instant("2026-05-02"), Category::Usage, "compute");
    assert_eq!(stands(&bench), "firing 1");
    bench.settle_due();
    assert_eq!((stands(&bench).as_str(), bench.changes.len()), ("ended", 5));
}
