//! Overdue and suspension, with a benefit and without (rules H3, H4).

use crate::billing::usual;
use crate::check;

#[test]
fn tax_makes_an_account_overdue_in_the_step_that_issues() {
    // rules D2, H3: the bill of 110 is paid by 105
    check(
        usual(),
        "
        05-02 | top_up 105    |                      | off
              | tax 0.1       |                      | off
              | alert 3       |                      | armed
              | charge 100    |                      | armed
        06-03 | issue 2026-05 | overdue+suspended -5 | ended overdue suspended
        06-04 | top_up 100    | resumed+cleared+rearmed 95 | armed
        ",
    );
    check(
        usual(),
        "
        05-02 | top_up 120    |            | off
              | tax 0.1       |            | off
              | alert 11      |            | armed
              | charge 100    |            | armed
        06-03 | issue 2026-05 | alerted 10 | firing 1
        ",
    );
}

#[test]
fn without_a_benefit_suspension_comes_at_once_and_goes_at_0() {
    // rule H4
    check(
        usual(),
        "
        05-01 | charge 10     | overdue+suspended -10 | off overdue suspended
              | charge 1      |                       | off overdue suspended
              | top_up 10.999999999999999999 |        | off overdue suspended
              | top_up 0.000000000000000001 | resumed+cleared 0 | off
              | charge 0      |                       | off
              | charge 1      | overdue+suspended -1  | off overdue suspended
              | charge -1     | resumed+cleared 0     | off
        ",
    );
}

#[test]
fn a_benefit_delays_suspension_to_the_microsecond_or_to_its_amount() {
    // rule H4
    check(
        usual(),
        "
        05-01                  | top_up 10      |               | off
                               | benefit 72 100 |               | off
        05-02T00:00:00.000001Z | charge 20      | overdue -10   | off overdue
        05-04                  | charge 90      |               | off overdue
        05-05                  | wait           |               | off overdue
        05-05T00:00:00.000001Z | wait           | suspended -100 | off overdue suspended
                               | charge 1       |               | off overdue suspended
                               | top_up 100     |               | off overdue suspended
                               | top_up 1       | resumed+cleared 0 | off
        05-06                  | charge 100     | overdue -100  | off overdue
                               | charge 0.000000000000000001 | suspended -100.000000000000000001 | off overdue suspended
                               | charge -1      |               | off overdue suspended
        05-20                  | wait           |               | off overdue suspended
                               | top_up 100     | resumed+cleared 0.999999999999999999 | off
                               | charge 101     | overdue+suspended -100.000000000000000001 | off overdue suspended
        ",
    );
    // Either bound alone; the amount of 0 is one.
    check(
        usual(),
        "
        05-01 | benefit - 0  |                      | off
              | charge 1     | overdue+suspended -1 | off overdue suspended
              | top_up 1     | resumed+cleared 0    | off
              | benefit 0 -  |                      | off
              | charge 1     | overdue+suspended -1 | off overdue suspended
              | top_up 1     | resumed+cleared 0    | off
              | benefit - 5  |                      | off
              | charge 5     | overdue -5           | off overdue
        12-31 | wait         |                      | off overdue
              | benefit 1 -  | suspended -5         | off overdue suspended
        ",
    );
    // Lifted in time: grace begins anew the next time.
    check(
        usual(),
        "
        05-01           | benefit 24 - |              | off
                        | charge 1     | overdue -1   | off overdue
        05-01T23:00:00Z | top_up 1     | cleared 0    | off
        05-03           | wait         |              | off
                        | charge 1     | overdue -1   | off overdue
        05-09           | charge 1000  |              | off overdue
                        | top_up 1     | suspended -1001 at 2026-05-04T00:00:00Z | off overdue suspended
        ",
    );
}

#[test]
fn a_benefit_is_set_shortened_and_removed_while_overdue() {
    // rule H4: setting one never lifts a suspension; taking it away, or less of it, suspends in the same step
    check(
        usual(),
        "
        05-01           | charge 50      | overdue+suspended -50 | off overdue suspended
                        | benefit 72 100 |                       | off overdue suspended
                        | benefit 72 100 | again                 | off overdue suspended
        05-30           | wait           |                       | off overdue suspended
                        | benefit none   |                       | off overdue suspended
                        | benefit none   | again                 | off overdue suspended
                        | benefit - -    | again                 | off overdue suspended
        ",
    );
    for (time, action, told, state) in [
        ("05-02", "benefit 24 -", "suspended -50", "off overdue suspended"),
        ("05-02", "benefit 25 -", "", "off overdue"),
        ("05-02", "benefit 72 49", "suspended -50", "off overdue suspended"),
        ("05-02", "benefit - 50", "", "off overdue"),
        ("05-02", "benefit none", "suspended -50", "off overdue suspended"),
        ("05-03T23:59:59.999999Z", "wait", "", "off overdue"),
        ("05-04", "benefit 96 -", "suspended -50", "off overdue suspended"), // was over before it was set
        ("05-04", "top_up 50", "suspended -50, resumed+cleared 0", "off"),
    ] {
        check(
            usual(),
            &format!(
                "
                04-30  | benefit 72 100 |             | off
                05-01  | charge 50      | overdue -50 | off overdue
                {time} | {action}       | {told}      | {state}
                "
            ),
        );
    }
    check(
        usual(),
        "
        05-01           | benefit 24 -   |                         | off
                        | charge 50      | overdue -50             | off overdue
        05-01T12:00:00Z | benefit 48 -   |                         | off overdue
        05-02           | wait           |                         | off overdue
        05-09           | wait           | suspended -50 at 2026-05-03T00:00:00Z | off overdue suspended
        ",
    );
}

#[test]
fn a_benefit_grants_nothing_below_0() {
    // rule H4
    check(
        usual(),
        "
        05-01 | benefit -1 -  | time_out_of_range       | off
              | benefit - -1  | amount_must_be_positive | off
              | benefit - -   | again                   | off
        ",
    );
}

#[test]
fn a_coupon_whose_time_begins_lifts_before_grace_ends_at_the_same_instant() {
    // rules D3, H4, J5: what it pays of the bill is no longer owed
    check(
        usual(),
        "
        05-01 | benefit 672 -  |            | off
              | july 10        |            | off
        06-01 | late 10 05-02  | overdue -10 | off overdue
        06-03 | issue 2026-05  |            | off overdue
        07-09 | wait           | suspended -10 at 2026-06-29T00:00:00Z, resumed+cleared 0 at 2026-07-01T00:00:00Z | off
        ",
    );
    check(
        usual(),
        "
        05-01 | benefit 720 -  |            | off
              | july 10        |            | off
        06-01 | late 10 05-02  | overdue -10 | off overdue
        06-03 | issue 2026-05  |            | off overdue
        07-09 | wait           | cleared 0 at 2026-07-01T00:00:00Z | off
        ",
    );
}
