//! A year of an account: bills, coupons, credit refund, write-off, settlement currencies and unified settlement.

use exchequer::domain::money::Money;
use serde_json::{Value, json};

use super::harness::{Home, sample, sample_text};

/// The name in a line, the answer in short, and figures of the answer by their place in it.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What each line of `data/account-year.ndjson` is answered: `ok`, the code of its refusal or the field that is wrong, and
/// figures of the answer by their place in it.
#[rustfmt::skip] // a line each
pub const YEAR: &[Line] = &[
    // January: acme, its headquarters that gives it cash and credit, a laboratory without credit, and a partner's
    // account.
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("open_billing_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("set_quota", "ok", &[]),
    ("open_enterprise", "ok", &[]),
    ("enable_account_center", "ok", &[]),
    ("invite_account", "ok", &[]),
    ("accept_invitation", "ok", &[]),
    ("invite_account", "ok", &[]),
    ("accept_invitation", "ok", &[]),
    ("set_total_credit", "ok", &[]),
    ("request_credit_contract", "ok", &[]),
    ("approve_credit_contract", "ok", &[]),
    ("confirm_credit_contract", "ok", &[]),
    ("allocate_credit", "ok", &[("/credit_limit_after", "500")]),
    ("top_up", "ok", &[]),
    ("top_up", "ok", &[]),
    ("transfer_cash", "ok", &[]),
    // Coupons deduct as charges post: WELCOME for storage, COMPUTE for compute from 50 on (rules C5, D7).
    ("grant_coupon", "ok", &[]),
    ("grant_coupon", "ok", &[]),
    ("post_charges", "ok", &[("/accepted", "3")]),
    // 80 - 20, 12.345 - 12.345 and 5.119 are unsettled; 140 + 500 - 65.119 available; WELCOME has 30 - 12.345.
    ("account_overview", "ok", &[("/cash_balance", "140"), ("/transfer_book", "40"), ("/own_cash", "100"), ("/credit_limit", "500"), ("/unsettled_current", "65.119"), ("/unsettled_previous", "0"), ("/available_credit", "574.881"), ("/coupons_valid", "1"), ("/coupon_balance", "17.655")]),
    ("coupons", "ok", &[("/items/0/balance", "17.655"), ("/items/0/status", "valid"), ("/items/1/kind", "voucher"), ("/items/1/balance", "0"), ("/items/1/status", "used_up"), ("/items/2/coupon", "null")]),
    // By itself a bill is issued on day 3 at 00:00, not before (rule D1).
    ("advance_time", "ok", &[("/decided", "0"), ("/refused", "[]")]),
    ("advance_time", "ok", &[("/decided", "1"), ("/refused", "[]")]),
    // Gross 97.464 - coupons 32.345 = 65.119, rounded down to 65.11; paid by the book's 40 first, then 25.11 of own
    // cash (rules D2, D3).
    ("bills", "ok", &[("/items/0/state", "settled"), ("/items/0/gross", "97.464"), ("/items/0/coupons", "32.345"), ("/items/0/round_down_discount", "0.009"), ("/items/0/after_tax", "65.11"), ("/items/0/paid/transfer_book", "40"), ("/items/0/paid/cash", "25.11"), ("/items/0/outstanding", "0")]),
    ("account_overview", "ok", &[("/cash_balance", "74.89"), ("/transfer_book", "0"), ("/unsettled_current", "0"), ("/unsettled_previous", "0"), ("/available_credit", "574.89")]),
    // February: tax from now on; a purchase is paid at once: no coupon is for licenses, so 50 of 74.89 cash (rule
    // D6).
    ("set_tax_rate", "ok", &[("/tax_rate", "0.06")]),
    ("purchase", "ok", &[("/funding/coupon", "0"), ("/funding/transfer_book", "0"), ("/funding/cash", "50"), ("/funding/credit", "0")]),
    // WELCOME pays the storage; nothing pays a tax; January's late charge goes on February's bill (rule C4).
    ("post_charges", "ok", &[("/accepted", "4")]),
    ("account_overview", "ok", &[("/cash_balance", "24.89"), ("/unsettled_current", "38.835"), ("/available_credit", "486.055"), ("/coupons_valid", "1"), ("/coupon_balance", "7.655")]),
    ("issue_bills", "cycle_open", &[]),
    // WELCOME's time has run out before the bill is issued; what it deducted stays deducted.
    // 38.835 rounded down is 38.83; taxed are 38.835 - 1.5 at 6 %: 2.2401, so 2.24; 41.07 - 24.89 stay outstanding: a
    // limit pays nothing (rule D4).
    ("issue_bills", "ok", &[("/issued", "1"), ("/bill/state", "unsettled"), ("/bill/gross", "48.835"), ("/bill/coupons", "10"), ("/bill/round_down_discount", "0.005"), ("/bill/pretax", "38.83"), ("/bill/taxable", "37.335"), ("/bill/tax", "2.24"), ("/bill/after_tax", "41.07"), ("/bill/paid/cash", "24.89"), ("/bill/outstanding", "16.18")]),
    ("issue_bills", "already_issued", &[]),
    ("coupons", "ok", &[("/items/0/balance", "7.655"), ("/items/0/status", "expired")]),
    ("account_overview", "ok", &[("/cash_balance", "0"), ("/unsettled_current", "0"), ("/unsettled_previous", "16.18"), ("/available_credit", "483.82"), ("/coupons_valid", "0"), ("/coupon_balance", "0")]),
    // March: what arrives pays what is outstanding (rule D3): 16.18 - 10, then 6.18 of a remittance of 200 (rule
    // D11).
    ("top_up", "ok", &[("/cash_balance", "0"), ("/unsettled_previous", "6.18")]),
    ("record_remittance", "ok", &[]),
    ("claim_remittance", "ok", &[("/cash_balance", "193.82"), ("/unsettled_previous", "0")]),
    ("claim_remittance", "already_exists", &[]),
    ("transfer_cash", "ok", &[]),
    ("grant_coupon", "ok", &[]),
    // A purchase of 300: coupon 15, book 25, own cash 193.82, and the rest, 66.18, on credit (rule D6).
    ("purchase", "ok", &[("/funding/coupon", "15"), ("/funding/transfer_book", "25"), ("/funding/cash", "193.82"), ("/funding/credit", "66.18")]),
    ("post_charges", "ok", &[("/accepted", "2")]),
    // 66.18 + 60 + 9.991 unsettled; 500 - 136.171.
    ("account_overview", "ok", &[("/cash_balance", "0"), ("/transfer_book", "0"), ("/unsettled_current", "136.171"), ("/available_credit", "363.829")]),
    // The last setting of a month counts from the next month on (rule D9): euros from April on.
    ("set_settlement_currency", "ok", &[]),
    ("set_settlement_currency", "ok", &[("/settlement_currency", "EUR")]),
    ("set_settlement_currency", "currency_mismatch", &[]),
    ("advance_time", "ok", &[("/decided", "1")]),
    // 136.171 rounded down, and 6 % of it: 8.17026.
    ("bills", "ok", &[("/items/0/gross", "136.171"), ("/items/0/charges", "2"), ("/items/0/round_down_discount", "0.001"), ("/items/0/pretax", "136.17"), ("/items/0/tax", "8.17"), ("/items/0/after_tax", "144.34"), ("/items/0/outstanding", "144.34"), ("/items/0/settlement", "null")]),
    ("account_overview", "ok", &[("/unsettled_current", "0"), ("/unsettled_previous", "144.34"), ("/available_credit", "355.66")]),
    // April: a refund takes back what paid last: 66.18 of credit becomes credit refund of April, 3.82 cash; that pays
    // March.
    ("refund", "ok", &[("/returned/coupon", "0"), ("/returned/transfer_book", "0"), ("/returned/cash", "3.82"), ("/returned/credit", "66.18"), ("/forfeited", "0")]),
    // April's credit refund pays no bill of March, until it may (rule D5): 144.34 - 3.82 - 66.18.
    ("account_overview", "ok", &[("/cash_balance", "0"), ("/credit_refund", "66.18"), ("/unsettled_previous", "140.52"), ("/available_credit", "425.66")]),
    ("set_write_off_previous_bills", "ok", &[("/credit_refund", "0"), ("/unsettled_previous", "74.34"), ("/available_credit", "425.66")]),
    ("set_write_off_previous_bills", "ok", &[("/write_off_previous_bills", "false")]),
    // With automatic write-off off nothing moves: neither cash to bills, nor coupons to charges (rules C5, D3).
    ("set_automatic_write_off", "ok", &[("/automatic_write_off", "false")]),
    ("grant_coupon", "ok", &[]),
    ("top_up", "ok", &[("/cash_balance", "100"), ("/unsettled_previous", "74.34"), ("/available_credit", "525.66")]),
    ("post_charges", "ok", &[("/accepted", "1")]),
    ("account_overview", "ok", &[("/unsettled_current", "120.505"), ("/coupons_valid", "1"), ("/coupon_balance", "10"), ("/available_credit", "405.155")]),
    ("pay_bill", "exceeds_outstanding", &[]),
    ("pay_bill", "insufficient_asset", &[]),
    ("pay_bill", "ok", &[("/outstanding", "40.34"), ("/paid/coupon", "4"), ("/paid/credit_refund", "66.18"), ("/paid/cash", "33.82")]),
    // A bill in euros needs a rate; who has none gets no bill, and the others do.
    ("issue_bills", "ok", &[("/issued", "0"), ("/refused/0/billing_account", "acme"), ("/refused/0/code", "exchange_rate_missing")]),
    ("set_exchange_rate", "ok", &[]),
    ("set_exchange_rate", "ok", &[]),
    ("issue_bills", "ok", &[("/issued", "1"), ("/refused", "[]")]),
    // 120.50 + 7.2303 tax; at the newest rate of a day up to then: 127.73 * 0.92 = 117.5116.
    ("bills", "ok", &[("/items/0/after_tax", "127.73"), ("/items/0/outstanding", "127.73"), ("/items/0/settlement/currency", "EUR"), ("/items/0/settlement/rate", "0.92"), ("/items/0/settlement/rate_date", "2025-04-30"), ("/items/0/settlement/amount", "117.51")]),
    // 70 cash + 500 - 40.34 - 127.73.
    ("account_overview", "ok", &[("/cash_balance", "70"), ("/unsettled_current", "0"), ("/unsettled_previous", "168.07"), ("/available_credit", "401.93")]),
    // May: switched on, it pays at once, the oldest first: March by OFFER's 6 and 34.34 cash, April by the 35.66
    // left.
    ("set_automatic_write_off", "ok", &[("/cash_balance", "0"), ("/coupon_balance", "0"), ("/unsettled_previous", "92.07"), ("/available_credit", "407.93")]),
    ("bills", "ok", &[("/items/0/state", "settled"), ("/items/0/paid/coupon", "10"), ("/items/0/paid/credit_refund", "66.18"), ("/items/0/paid/cash", "68.16")]),
    ("post_charges", "ok", &[("/accepted", "2")]),
    ("set_settlement_currency", "ok", &[]),
    ("advance_time", "ok", &[("/decided", "1")]),
    // 40 + 6 %; at May 10's rate 42.40 * 0.95 = 40.28, for what was set in May counts from June on; 92.07 + 42.40.
    ("bills", "ok", &[("/items/0/gross", "40"), ("/items/0/after_tax", "42.4"), ("/items/0/settlement/rate_date", "2025-05-10"), ("/items/0/settlement/amount", "40.28")]),
    ("account_overview", "ok", &[("/unsettled_previous", "134.47"), ("/available_credit", "365.53")]),
    // June: a unified settlement of April and May, by transferred funds and cash (rule D8). While it is open nothing
    // else pays.
    ("start_unified_settlement", "cycle_open", &[]),
    ("start_unified_settlement", "too_many_items", &[]),
    ("start_unified_settlement", "bill_settled", &[]),
    ("start_unified_settlement", "ok", &[("/items/0/bill", "acme/2025-04"), ("/items/1/bill", "acme/2025-05")]),
    ("start_unified_settlement", "unified_settlement_in_progress", &[]),
    ("set_automatic_write_off", "unified_settlement_in_progress", &[]),
    ("transfer_cash", "ok", &[]),
    ("top_up", "ok", &[]),
    ("pay_bill", "unified_settlement_in_progress", &[]),
    ("account_overview", "ok", &[("/cash_balance", "120"), ("/transfer_book", "100"), ("/unsettled_previous", "134.47"), ("/automatic_write_off", "false")]),
    // The book pays April's 92.07 and 7.93 of May, cash 20; 42.40 - 27.93.
    ("finish_unified_settlement", "ok", &[("/items/0/state", "settled"), ("/items/0/paid/transfer_book", "92.07"), ("/items/1/paid/transfer_book", "7.93"), ("/items/1/paid/cash", "20"), ("/items/1/outstanding", "14.47")]),
    ("account_overview", "ok", &[("/cash_balance", "0"), ("/transfer_book", "0"), ("/unsettled_previous", "14.47"), ("/automatic_write_off", "true")]),
    // April's late charge goes on June's bill; March's comes too late: two later bills are issued (rule C2).
    ("post_charges", "ok", &[("/accepted", "3"), ("/rejected", "1"), ("/items/0/code", "cycle_too_old")]),
    // A card is linked by its token; a card's number is not taken (rule D10).
    ("link_payment_method", "invalid token", &[]),
    ("link_payment_method", "ok", &[]),
    ("link_payment_method", "ok", &[]),
    ("edit_payment_method", "ok", &[]),
    ("set_default_payment_method", "ok", &[]),
    ("payment_methods", "ok", &[("/items/0/method", "paypal"), ("/items/0/default", "true"), ("/items/1/method", "visa"), ("/items/1/kind", "card"), ("/items/1/default", "false"), ("/items/1/token", "null")]),
    ("unlink_payment_method", "ok", &[]),
    // 10 + 3 - 63 is below 0: 50 less tax of 3 become credit refund of July, when it is issued (rule D2).
    ("issue_bills", "ok", &[("/bill/state", "settled"), ("/bill/gross", "-50"), ("/bill/tax", "-3"), ("/bill/after_tax", "-53"), ("/bill/paid/credit_refund", "-53"), ("/bill/outstanding", "0"), ("/bill/settlement", "null")]),
    ("account_overview", "ok", &[("/credit_refund", "53"), ("/unsettled_current", "0"), ("/unsettled_previous", "14.47"), ("/available_credit", "538.53")]),
    // July: its credit refund pays July's 30 + 6 %, but not May's 14.47, until it may: 53 - 31.80 - 14.47.
    ("post_charges", "ok", &[("/accepted", "1")]),
    ("advance_time", "ok", &[("/decided", "1")]),
    ("bills", "ok", &[("/items/0/state", "settled"), ("/items/0/after_tax", "31.8"), ("/items/0/paid/credit_refund", "31.8")]),
    ("account_overview", "ok", &[("/credit_refund", "21.2"), ("/unsettled_previous", "14.47"), ("/available_credit", "506.73")]),
    ("set_write_off_previous_bills", "ok", &[("/credit_refund", "6.73"), ("/unsettled_previous", "0"), ("/available_credit", "506.73")]),
    ("set_write_off_previous_bills", "ok", &[]),
    // August: of 500 cash 100 are owed, so 400 may be withdrawn, not what was transferred (rule D11).
    ("top_up", "ok", &[]),
    ("post_charges", "ok", &[("/accepted", "1")]),
    ("withdraw_cash", "exceeds_withdrawable", &[]),
    ("withdraw_cash", "ok", &[("/cash_balance", "150"), ("/available_credit", "556.73")]),
    ("advance_time", "ok", &[("/decided", "1")]),
    // 106 by 6.73 of July's credit refund and 99.27 cash.
    ("bills", "ok", &[("/items/0/state", "settled"), ("/items/0/after_tax", "106"), ("/items/0/paid/credit_refund", "6.73"), ("/items/0/paid/cash", "99.27")]),
    ("account_overview", "ok", &[("/cash_balance", "50.73"), ("/credit_refund", "0"), ("/available_credit", "550.73")]),
    // September: a refund goes back to what paid, the last part first: cash 15 and AUTUMN's 25.
    ("grant_coupon", "ok", &[]),
    ("purchase", "ok", &[("/funding/coupon", "25"), ("/funding/cash", "15"), ("/funding/credit", "0")]),
    ("refund", "ok", &[("/returned/coupon", "25"), ("/returned/cash", "15"), ("/forfeited", "0")]),
    // Of server-1 193.82 - 3.82 cash, then 25 of the book; SPRING's 15 are lost, for it has expired.
    ("refund", "ok", &[("/returned/transfer_book", "25"), ("/returned/cash", "190"), ("/returned/credit", "0")]),
    ("refund", "ok", &[("/returned/coupon", "0"), ("/forfeited", "15")]),
    ("refund", "exceeds_refundable", &[]),
    ("order", "ok", &[("/billing_account", "acme"), ("/amount", "300"), ("/refundable", "0"), ("/refunds/0/returned/credit", "66.18"), ("/refunds/1/returned/transfer_book", "25"), ("/refunds/2/forfeited", "15"), ("/refunds/3", "null")]),
    // 50.73 + 190 + 25 cash, of it 25 transferred.
    ("account_overview", "ok", &[("/cash_balance", "265.73"), ("/transfer_book", "25"), ("/own_cash", "240.73"), ("/available_credit", "765.73"), ("/coupons_valid", "1"), ("/coupon_balance", "25")]),
    ("post_charges", "ok", &[("/accepted", "2")]),
    // As soon as the month has ended: 22.34 - 10 of AUTUMN, 6 % of 12.34 is 0.7404; paid by the book.
    ("issue_bills", "ok", &[("/bill/gross", "22.34"), ("/bill/coupons", "10"), ("/bill/tax", "0.74"), ("/bill/after_tax", "13.08"), ("/bill/paid/transfer_book", "13.08")]),
    ("account_overview", "ok", &[("/cash_balance", "252.65"), ("/transfer_book", "11.92"), ("/available_credit", "752.65"), ("/coupon_balance", "15")]),
    // October: nothing to bill, so no bill. November: amounts of 18 fraction digits, and AUTUMN expires with 15 left.
    ("advance_time", "ok", &[("/decided", "0")]),
    ("set_settlement_currency", "ok", &[]),
    ("post_charges", "ok", &[("/accepted", "2")]),
    ("advance_time", "ok", &[("/decided", "2")]),
    // Rounded down to 1.00; tax 0.0603.
    ("bills", "ok", &[("/items/0/gross", "1.005000000000000001"), ("/items/0/round_down_discount", "0.005000000000000001"), ("/items/0/tax", "0.06"), ("/items/0/after_tax", "1.06")]),
    ("coupons", "ok", &[("/items/4/coupon", "AUTUMN"), ("/items/4/balance", "15"), ("/items/4/status", "expired")]),
    ("account_overview", "ok", &[("/cash_balance", "251.59"), ("/transfer_book", "10.86"), ("/available_credit", "751.59"), ("/coupons_valid", "0")]),
    // December: every account at once. The laboratory has no credit: below 0 becomes cash. The partner's bill
    // consumes quota (rule B2).
    ("post_charges", "ok", &[("/accepted", "3")]),
    ("account_overview", "ok", &[("/unbilled", "30.557"), ("/quota_consumed", "0"), ("/available_credit", "69.443")]),
    ("set_exchange_rate", "ok", &[]),
    ("issue_bills", "ok", &[("/issued", "3"), ("/refused", "[]")]),
    // 212 by the book's 10.86 and 201.14 cash; 251.59 - 212.
    ("account_overview", "ok", &[("/cash_balance", "39.59"), ("/transfer_book", "0"), ("/unsettled_current", "0"), ("/unsettled_previous", "0"), ("/available_credit", "539.59")]),
    ("account_overview", "ok", &[("/cash_balance", "5"), ("/available_credit", "5")]),
    ("account_overview", "ok", &[("/unbilled", "0"), ("/quota_consumed", "30.55"), ("/available_credit", "69.45")]),
    ("account_overview", "ok", &[("/cash_balance", "135"), ("/available_credit", "135")]),
];

/// One bill of the year as it is at its end.
struct Bill {
    cycle: &'static str,
    charges: u64,
    /// Gross, coupons, what rounding dropped, pretax; taxable, tax and the total after it.
    sums: [&'static str; 7],
    tax_rate: &'static str,
    payments: &'static [(&'static str, &'static str)],
    /// When it was issued, was due and was settled.
    times: [&'static str; 3],
    /// Currency, rate, its day, and the amount.
    settlement: Option<[&'static str; 4]>,
}

/// Every bill of `acme`; how each figure comes about is told above, month by month.
#[rustfmt::skip] // a line each
const BILLS: [Bill; 11] = [
    Bill { cycle: "2025-01", charges: 3, sums: ["97.464", "32.345", "0.009", "65.11", "65.119", "0", "65.11"], tax_rate: "0",
        payments: &[("transfer_book", "40"), ("cash", "25.11")],
        times: ["2025-02-03T00:00:00Z", "2025-02-13T00:00:00Z", "2025-02-03T00:00:00Z"], settlement: None },
    // Cash of 24.89 at issue, 10 topped up, 6.18 of the remittance.
    Bill { cycle: "2025-02", charges: 4, sums: ["48.835", "10", "0.005", "38.83", "37.335", "2.24", "41.07"], tax_rate: "0.06",
        payments: &[("cash", "41.07")],
        times: ["2025-03-01T06:00:00Z", "2025-03-11T06:00:00Z", "2025-03-20T00:00:00Z"], settlement: None },
    // Cash 3.82 refunded, 30 by hand, 34.34 when write-off was on again; OFFER 4 by hand and 6 then.
    Bill { cycle: "2025-03", charges: 2, sums: ["136.171", "0", "0.001", "136.17", "136.171", "8.17", "144.34"], tax_rate: "0.06",
        payments: &[("cash", "68.16"), ("credit_refund 2025-04", "66.18"), ("coupon OFFER", "10")],
        times: ["2025-04-03T00:00:00Z", "2025-04-13T00:00:00Z", "2025-05-05T00:00:00Z"], settlement: None },
    Bill { cycle: "2025-04", charges: 1, sums: ["120.505", "0", "0.005", "120.5", "120.505", "7.23", "127.73"], tax_rate: "0.06",
        payments: &[("cash", "35.66"), ("transfer_book", "92.07")],
        times: ["2025-05-02T00:00:00Z", "2025-05-12T00:00:00Z", "2025-06-12T00:00:00Z"],
        settlement: Some(["EUR", "0.92", "2025-04-30", "117.51"]) },
    Bill { cycle: "2025-05", charges: 2, sums: ["40", "0", "0", "40", "40", "2.4", "42.4"], tax_rate: "0.06",
        payments: &[("transfer_book", "7.93"), ("cash", "20"), ("credit_refund 2025-07", "14.47")],
        times: ["2025-06-03T00:00:00Z", "2025-06-13T00:00:00Z", "2025-08-10T00:00:00Z"],
        settlement: Some(["EUR", "0.95", "2025-05-10", "40.28"]) },
    Bill { cycle: "2025-06", charges: 3, sums: ["-50", "0", "0", "-50", "-50", "-3", "-53"], tax_rate: "0.06",
        payments: &[("credit_refund 2025-07", "-53")],
        times: ["2025-07-01T12:00:00Z", "2025-07-11T12:00:00Z", "2025-07-01T12:00:00Z"], settlement: None },
    Bill { cycle: "2025-07", charges: 1, sums: ["30", "0", "0", "30", "30", "1.8", "31.8"], tax_rate: "0.06",
        payments: &[("credit_refund 2025-07", "31.8")],
        times: ["2025-08-03T00:00:00Z", "2025-08-13T00:00:00Z", "2025-08-03T00:00:00Z"], settlement: None },
    Bill { cycle: "2025-08", charges: 1, sums: ["100", "0", "0", "100", "100", "6", "106"], tax_rate: "0.06",
        payments: &[("credit_refund 2025-07", "6.73"), ("cash", "99.27")],
        times: ["2025-09-03T00:00:00Z", "2025-09-13T00:00:00Z", "2025-09-03T00:00:00Z"], settlement: None },
    Bill { cycle: "2025-09", charges: 2, sums: ["22.34", "10", "0", "12.34", "12.34", "0.74", "13.08"], tax_rate: "0.06",
        payments: &[("transfer_book", "13.08")],
        times: ["2025-10-01T00:00:00Z", "2025-10-11T00:00:00Z", "2025-10-01T00:00:00Z"], settlement: None },
    Bill { cycle: "2025-11", charges: 2, sums: ["1.005000000000000001", "0", "0.005000000000000001", "1", "1.005000000000000001", "0.06", "1.06"], tax_rate: "0.06",
        payments: &[("transfer_book", "1.06")],
        times: ["2025-12-03T00:00:00Z", "2025-12-13T00:00:00Z", "2025-12-03T00:00:00Z"], settlement: None },
    Bill { cycle: "2025-12", charges: 1, sums: ["200", "0", "0", "200", "200", "12", "212"], tax_rate: "0.06",
        payments: &[("transfer_book", "10.86"), ("cash", "201.14")],
        times: ["2026-01-03T00:00:00Z", "2026-01-13T00:00:00Z", "2026-01-03T00:00:00Z"],
        settlement: Some(["HKD", "7.8", "2025-12-31", "1653.6"]) },
];

impl Bill {
    fn json(&self) -> Value {
        let [gross, coupons, round_down_discount, pretax, taxable, tax, after_tax] = self.sums;
        let [issued_at, due_at, settled_at] = self.times;
        // No bill of the year is paid by two coupons, or by credit refund of two months.
        let paid = |kind: &str| {
            let part = self.payments.iter().find(|(asset, _)| asset.split(' ').next() == Some(kind));
            part.map_or("0", |(_, amount)| amount)
        };
        json!({
            "bill": format!("acme/{}", self.cycle),
            "billing_account": "acme",
            "cycle": self.cycle,
            "state": "settled",
            "gross": gross,
            "coupons": coupons,
            "round_down_discount": round_down_discount,
            "pretax": pretax,
            "tax": tax,
            "after_tax": after_tax,
            "paid": {
                "coupon": paid("coupon"),
                "credit_refund": paid("credit_refund"),
                "transfer_book": paid("transfer_book"),
                "cash": paid("cash"),
                "quota": "0",
            },
            "outstanding": "0",
            "currency": "USD",
            "issued_at": issued_at,
            "due_at": due_at,
            "past_due": false,
            "settled_at": settled_at,
            "charges": self.charges,
            "taxable": taxable,
            "tax_rate": self.tax_rate,
            "payments": self
                .payments
                .iter()
                .map(|(asset, amount)| json!({ "asset": asset, "amount": amount }))
                .collect::<Vec<_>>(),
            "settlement": self.settlement.map(|[currency, rate, rate_date, amount]| json!({
                "currency": currency, "rate": rate, "rate_date": rate_date, "amount": amount,
            })),
        })
    }
}

/// A figure as the table above has it.
fn figure(answer: &Value, place: &str) -> String {
    match answer.pointer(place) {
        None => "null".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

fn check(text: &str, output: &str, expect: &[Line]) {
    assert_eq!((text.lines().count(), output.lines().count()), (expect.len(), expect.len()));
    for ((line, answer), (name, code, figures)) in text.lines().zip(output.lines()).zip(expect) {
        let said: Value = serde_json::from_str(line).unwrap();
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(said["do"], *name, "{line}");
        let short = match (&answer["refused"]["code"], &answer["invalid"]["field"]) {
            (Value::String(code), _) => code.clone(),
            (_, Value::String(field)) => format!("invalid {field}"),
            _ => "ok".to_owned(),
        };
        assert_eq!(short, *code, "{line}: {answer}");
        for (place, expect) in *figures {
            assert_eq!(figure(&answer["ok"], place), *expect, "`{place}` of {line}: {answer}");
        }
    }
}

/// The ledger after the year.
pub fn new_year() -> Home {
    let home = Home::new();
    // Some lines are refused on purpose.
    assert_eq!(home.run(&["apply", &sample("account-year.ndjson")]).status, 1);
    home
}

#[test]
fn a_year_of_an_account_is_answered_as_reckoned_by_hand() {
    // rules C4, C5, D1-D9, D11
    let home = Home::new();
    let ran = home.run(&["apply", &sample("account-year.ndjson")]);
    assert_eq!((ran.status, &*ran.stderr), (1, ""));
    check(&sample_text("account-year.ndjson"), &ran.stdout, YEAR);
    home.verified();
}

#[test]
fn the_year_is_the_same_with_a_snapshot_every_few_lines() {
    let home = Home::new();
    let text = sample_text("account-year.ndjson");
    let lines: Vec<_> = text.lines().collect();
    for (lines, expect) in lines.chunks(14).zip(YEAR.chunks(14)) {
        let part = lines.join("\n");
        check(&part, &home.feed(&["apply", "-"], &part).stdout, expect);
        assert_eq!(home.run(&["snapshot"]).status, 0);
    }
    home.verified();
    assert_eq!(shown(&home), shown(&new_year()));
}

fn shown(home: &Home) -> Vec<Value> {
    ["acme", "acme-hq", "lab", "partner"]
        .iter()
        .flat_map(|account| {
            [
                home.json(&["account", account]),
                home.json(&["bill", "list", account, "--lines"]),
                home.json(&["coupon", "list", account]),
                home.json(&["payment-method", "list", account]),
            ]
        })
        .chain([home.json(&["order", "server-1"]), home.json(&["order", "license-2"])])
        .collect()
}

#[test]
fn every_bill_of_the_year_is_as_reckoned_by_hand() {
    // rules D1-D3, D5, D8, D9
    let home = new_year();
    let check = |home: &Home| {
        let bills = home.json(&["bill", "list", "acme"]);
        for (bill, expect) in bills["items"].as_array().unwrap().iter().zip(&BILLS) {
            assert_eq!(*bill, expect.json());
        }
        assert_eq!(bills["items"].as_array().unwrap().len(), BILLS.len());
        assert_eq!(bills["next"], Value::Null);
    };
    check(&home);
    let before = shown(&home);
    assert_eq!(home.run(&["snapshot"]).status, 0);
    check(&home);
    assert_eq!(shown(&home), before);
    // Of the others: below 0 becomes cash where there is no credit, and quota is consumed.
    let lab = home.json(&["bill", "list", "lab"]);
    assert_eq!(lab["items"][0]["payments"], json!([{ "asset": "cash", "amount": "-5" }]));
    let partner = home.json(&["bill", "list", "partner"]);
    assert_eq!(partner["items"][0]["paid"]["quota"], "30.55");
    assert_eq!(partner["items"][0]["round_down_discount"], "0.007");
}

#[test]
fn the_lines_of_a_bill_come_to_its_total() {
    // rule D2
    let home = new_year();
    let money = |value: &Value| Money::parse(value.as_str().unwrap()).unwrap();
    let bills = home.json(&["bill", "list", "acme", "--lines"]);
    for bill in bills["items"].as_array().unwrap() {
        let lines = bill["lines"].as_array().unwrap();
        let sum = lines.iter().map(|line| money(&line["amount"]));
        let sum = sum.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).unwrap());
        assert_eq!(sum, money(&bill["after_tax"]), "{bill}");
    }
    // 60 + 9.991 of charges and 66.18 bought on credit.
    let march = home.json(&["bill", "list", "acme", "--lines", "--cycle", "2025-03"]);
    assert_eq!(
        march["items"][0]["lines"],
        json!([
            { "line": "charges", "cloud_account": "acme", "service": "compute", "category": "usage", "charges": 1, "amount": "60" },
            { "line": "charges", "cloud_account": "acme", "service": "storage", "category": "usage", "charges": 1, "amount": "9.991" },
            { "line": "purchases", "amount": "66.18" },
            { "line": "coupons", "amount": "0" },
            { "line": "round_down_discount", "amount": "-0.001" },
            { "line": "tax", "amount": "8.17" },
        ])
    );
}
