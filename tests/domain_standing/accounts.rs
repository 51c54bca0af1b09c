//! Accounts that are not the usual: of another kind, frozen, canceled, or from before these rules.

use crate::billing::usual;
use crate::{check, ecosystem};

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
