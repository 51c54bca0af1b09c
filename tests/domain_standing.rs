//! Alerts, overdue and suspension: one table line an event (rules H1–H4, J5).
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;

use billing::*;
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::billing::coupon::CouponTerms;
use exchequer::domain::charge::Category;
use exchequer::domain::postings::Postings;
use exchequer::domain::profile::{AccountType, Opening};
use exchequer::domain::standing::{AlertState, SuspensionBenefit};
use exchequer::domain::time::Timestamp;

fn ecosystem() -> Opening {
    Opening { kind: AccountType::Ecosystem, ..usual() }
}

fn benefit(hours: &str, amount: &str) -> AccountCommand {
    let given = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
    let grace_micros = given(hours).map(|hours| hours.parse::<i64>().unwrap() * 3_600 * 1_000_000);
    let benefit = SuspensionBenefit { grace_micros, grace_amount: given(amount).map(|text| money(&text)) };
    AccountCommand::SetSuspensionBenefit { benefit: Some(benefit) }
}

/// A coupon for all bills, and for charges of its time, which begins with July.
fn july(nominal: &str) -> AccountCommand {
    let (starts_at, ends_at) = (instant("2026-07-01"), instant("2027-01-01"));
    grant(CouponTerms { starts_at, ends_at, ..terms("july", nominal) })
}

fn command(words: &[&str]) -> AccountCommand {
    let alert = |enabled, threshold: Option<&str>| AccountCommand::SetLowBalanceAlert {
        enabled,
        threshold: threshold.map(money),
    };
    match *words {
        ["top_up", amount] => top_up(amount),
        ["adjust", amount] => AccountCommand::AdjustCash { amount: money(amount), reason: "x".into() },
        ["withdraw", amount] => AccountCommand::WithdrawCash { amount: money(amount) },
        ["limit", amount] => limit(amount),
        ["quota", amount] => AccountCommand::SetQuota { amount: money(amount) },
        ["repay", amount] => AccountCommand::RepayQuota { amount: money(amount) },
        ["purchase", order, amount] => purchase(order, amount),
        ["refund", order, amount] => refund(order, "r", amount),
        ["hold", amount] => AccountCommand::PlaceHold {
            hold: "h".into(),
            amount: money(amount),
            expires_at: instant("2026-05-20"),
        },
        ["capture"] => AccountCommand::CaptureHold { hold: "h".into(), amount: None },
        ["coupon", amount] => grant(terms("all", amount)),
        ["july", amount] => july(amount),
        ["tax", rate] => tax(rate),
        ["freeze"] => AccountCommand::Freeze,
        ["cancel"] => AccountCommand::Cancel,
        ["alert", "on"] => alert(true, None),
        ["alert", "off"] => alert(false, None),
        ["alert", "off", threshold] => alert(false, Some(threshold)),
        ["alert", threshold] => alert(true, Some(threshold)),
        ["benefit", "none"] => AccountCommand::SetSuspensionBenefit { benefit: None },
        ["benefit", hours, amount] => benefit(hours, amount),
        _ => panic!("{words:?}"),
    }
}

/// Posts a charge as it was before these rules: nobody looks at the standing.
fn post_as_ever(bench: &mut Bench, amount: &str) {
    let amount = money(amount);
    let cycle = cycle("2026-05");
    let (account, paid) = (&mut bench.ledger.accounts[0], &mut bench.ledger.payments[0].paid);
    account.apply_charge(paid, amount, cycle, Category::Usage);
    let mut postings = Postings::default();
    postings.charge(Category::Usage, amount);
    bench.book(&postings);
    bench.check();
}

/// What is done, and its code if it is refused or changes nothing.
fn act(bench: &mut Bench, action: &str) -> Option<String> {
    let words: Vec<_> = action.split_whitespace().collect();
    let posted = |told: String| Some(told).filter(|told| !told.starts_with("20"));
    match words[..] {
        ["wait"] => {
            bench.settle_due();
            None
        }
        ["charge", amount] => {
            let now = bench.now;
            posted(bench.post(money(amount), now, Category::Usage, "compute"))
        }
        ["late", amount, day] => {
            let start = instant(&format!("2026-{day}"));
            posted(bench.post(money(amount), start, Category::Usage, "compute"))
        }
        ["as_ever", amount] => {
            post_as_ever(bench, amount);
            None
        }
        ["receive", amount] => {
            bench.settle_due();
            bench.receive(amount);
            None
        }
        ["issue", month] => {
            bench.issues(month);
            None
        }
        _ => Some(bench.told(&command(&words)).to_owned()).filter(|told| told != "ok"),
    }
}

/// How an account stands, in words.
fn stands(bench: &Bench) -> String {
    let account = bench.account();
    let alert = account.watch().map(|watch| watch.alert).unwrap_or_default();
    let mut words = match alert {
        AlertState::Firing { sent, .. } => format!("firing {sent}"),
        alert => alert.name().to_owned(),
    };
    for (holds, word) in [(account.overdue(), " overdue"), (account.suspended(), " suspended")] {
        if holds {
            words += word;
        }
    }
    let view = account.view();
    assert_eq!((view.alert, view.suspended), (alert, account.suspended()));
    words
}

/// Lines of time in 2026 (that of the line above if none), what is done, what is told because of it (with the available
/// credit, and the time where that is another), and how the account stands then.
fn check(opening: Opening, table: &str) {
    let mut bench = Bench::of(opening);
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let [time, action, told, state] = columns[..] else { panic!("{line}") };
        if !time.is_empty() {
            bench.now = instant(&format!("2026-{time}"));
        }
        let refused = act(&mut bench, action);
        let changes = std::mem::take(&mut bench.changes);
        let told_now = changes.iter().map(|(at, change)| {
            let names = change.changes.names().collect::<Vec<_>>().join("+");
            let late = if *at == bench.now { String::new() } else { format!(" at {at}") };
            format!("{names} {}{late}", change.available_credit)
        });
        let told_now = told_now.chain(refused).collect::<Vec<_>>().join(", ");
        assert_eq!((told_now.as_str(), stands(&bench).as_str()), (told, state), "{line}");
        let threshold = bench.account().watch().map(|watch| watch.threshold).unwrap_or_default();
        assert!(changes.iter().all(|(_, change)| change.threshold == threshold));
        bench.check();
    }
}

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
fn ecosystem_accounts_are_watched_by_their_quota() {
    // rules B2, H2–H4
    check(
        ecosystem(),
        "
        05-01 | quota 100     |                            | off
              | alert 50      |                            | armed
              | top_up 5      | not_supported_for_account_type | armed
        05-02 | charge 60     | alerted 40                 | firing 1
              | charge 50     | overdue+suspended -10      | ended overdue suspended
              | quota 200     | resumed+cleared+rearmed 90 | armed
        06-03 | issue 2026-05 |                            | armed
              | quota 100     | overdue+suspended -10      | ended overdue suspended
              | repay 10      | resumed+cleared 0          | ended
              | repay 50      | rearmed 50                 | armed
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

#[test]
fn frozen_accounts_are_watched_and_canceled_ones_told_of_late_charges() {
    // rules A2, H2–H4
    check(
        usual(),
        "
        05-01 | top_up 100   |                      | off
              | freeze       |                      | off
              | alert 50     |                      | armed
              | benefit 1 -  |                      | armed
              | charge 60    | alerted 40           | firing 1
              | charge 50    | overdue -10          | ended overdue
        05-02 | wait         | suspended -10 at 2026-05-01T01:00:00Z | ended overdue suspended
        ",
    );
    check(
        usual(),
        "
        05-10 | alert 50     |                      | waiting
              | cancel       |                      | waiting
              | alert 60     | account_canceled     | waiting
              | alert off    | account_canceled     | waiting
              | benefit 1 -  | account_canceled     | waiting
              | charge 5     | account_canceled     | waiting
              | late 5 05-09 | overdue+suspended -5 | ended overdue suspended
              | charge -5    | resumed+cleared 0    | ended
        ",
    );
}

#[test]
fn an_account_from_before_these_rules_becomes_overdue_at_its_next_charge_or_command() {
    // rules H3, H4
    for (action, told, state) in [
        ("charge 0", "overdue+suspended -30", "off overdue suspended"),
        ("charge 1", "overdue+suspended -31", "off overdue suspended"),
        ("charge -29", "overdue+suspended -1", "off overdue suspended"),
        ("charge -30", "", "off"),
        ("top_up 30", "", "off"),
        ("top_up 29", "overdue+suspended -1", "off overdue suspended"),
        ("alert 10", "overdue+suspended -30", "ended overdue suspended"),
        ("benefit 72 -", "overdue -30", "off overdue"),
        ("benefit - 29", "overdue+suspended -30", "off overdue suspended"),
        ("freeze", "overdue+suspended -30", "off overdue suspended"),
        ("alert off", "again", "off"), // no event
        ("wait", "", "off"),
    ] {
        check(
            usual(),
            &format!(
                "
                05-01 | as_ever 30 |        | off
                05-02 | {action}   | {told} | {state}
                "
            ),
        );
    }
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
