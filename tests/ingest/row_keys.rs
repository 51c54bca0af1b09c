//! Keys of rows that have none (rule C7).

use super::{LENIENT, STRICT, Trickle, gzip, read_all, sample};

fn keys(input: impl std::io::Read) -> Vec<String> {
    let (page, fault) = read_all(input, LENIENT);
    assert!(fault.is_none(), "{fault:?}");
    page.charges.iter().map(|charge| charge.id.to_owned()).collect()
}

#[test]
fn half_a_file_has_the_keys_of_the_whole() {
    let whole = sample("focus-1.2.csv");
    let cut = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(100).unwrap().0;
    let (all, half) = (keys(&whole[..]), keys(&whole[..=cut]));
    assert_eq!(half.len(), 100);
    assert_eq!(half[..], all[..100]);
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), all.len());
    assert!(all.iter().all(|key| key.len() == 36 && key.chars().all(|char| matches!(char, '0'..='9' | 'a'..='f' | '-'))));
}

#[test]
fn keys_do_not_depend_on_how_the_file_arrives() {
    let text = sample("focus-1.2.csv");
    let expect = keys(&text[..]);
    let crlf = String::from_utf8(text.clone()).unwrap().replace('\n', "\r\n");
    assert_eq!(keys(crlf.as_bytes()), expect);
    assert_eq!(keys(&*gzip(&text)), expect);
    assert_eq!(
        keys(&*[gzip(&text[..1000]), gzip(b""), gzip(&text[1000..])].concat()),
        expect,
        "several members"
    );
    assert_eq!(keys(text.strip_suffix(b"\n").unwrap()), expect);
    for size in [1, 7, 4096] {
        assert_eq!(keys(Trickle { bytes: &text, size }), expect);
    }
    let (strict, _) = read_all(&text[..], STRICT);
    assert!(strict.charges.iter().map(|charge| charge.id).eq(expect.iter().map(String::as_str)));
}

#[test]
fn equal_rows_have_different_keys_and_a_changed_row_changes_all_after_it() {
    let head =
        "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,x\n";
    let row = "1,b,USD,2026-05-01T00:00:00Z,Usage,2026-05-01T00:00:00Z,";
    let base = keys(format!("{head}{row}\n{row}\n{row}\n").as_bytes());
    assert!(base[0] != base[1] && base[1] != base[2]);
    let changed = keys(format!("{head}{row}\n{row}z\n{row}\n").as_bytes());
    assert_eq!(changed[0], base[0]);
    assert!(changed[1] != base[1] && changed[2] != base[2]);
    let other_head = head.replace(",x", ",y");
    assert_ne!(keys(format!("{other_head}{row}\n").as_bytes())[0], base[0]);
    // A refused row counts: it keeps its number and changes what follows.
    let (page, _) = read_all(format!("{head}{row}\nx\n{row}\n").as_bytes(), STRICT);
    assert_eq!(page.rows, [1, 3]);
    assert_eq!(page.charges.get(1).import_row, 3);
    assert!(page.charges.get(1).id != base[1] && page.charges.get(1).id != base[2]);
}

#[test]
fn keys_are_of_the_fields_and_not_of_how_they_are_written() {
    let names = ["BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodStart", "ChargeCategory"];
    let file = |[quote, end]: [&str; 2], tail: &str| {
        let names = names.map(|name| format!("{quote}{name}{quote}")).join(",");
        let cells = ["1", "b", "USD", "2026-05-01T00:00:00Z", "Usage"];
        let cells = cells.map(|cell| format!("{quote}{cell}{quote}")).join(",");
        let row = format!("{cells},2026-05-01T00:00:00Z,{tail}");
        format!("{names},ChargePeriodStart,x,y{end}{row}{end}{row}{end}")
    };
    let base = keys(file(["", "\n"], "a,b").as_bytes());
    assert_eq!(keys(file(["\"", "\n"], "\"a\",b").as_bytes()), base);
    assert_eq!(keys(file(["\"", "\r\n"], "a,\"b\"").as_bytes()), base);
    for tail in ["\"a,b\"", "ab,", ",ab", "a,b,", "\"a,\",b", "a,\"b\r\""] {
        assert_ne!(keys(file(["", "\n"], tail).as_bytes())[0], base[0], "{tail}");
    }
}
