//! `bench soak` in small, and the reports in HTML.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::harness::{Home, ran};

/// A soak of about a second, with a snapshot or two.
const TINY: [&str; 12] = [
    "bench",
    "soak",
    "--minutes",
    "0.02",
    "--accounts",
    "500",
    "--ids",
    "20000",
    "--batch",
    "512",
    "--snapshot-log-bytes",
    "300000",
];

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn check_exact(report: &Value) {
    let exact = &report["exact"];
    assert_eq!(exact["ok"], true, "{exact:#}");
    assert_eq!(exact["charges_sent"], exact["charges_held"]);
    assert_eq!(exact["sum_sent"], exact["sum_held"]);
    assert_eq!((&exact["wrong_batches"], &exact["accounts_differ"]), (&0.into(), &0.into()));
    // What was sent again is not among what is held, and the last batches may come after the clock has stopped.
    assert!(number(&exact["charges_held"]) >= 20_000 + number(&report["accepted"]), "{report:#}");
}

#[test]
fn a_soak_posts_no_duplicate_and_holds_exactly_what_it_sent() {
    let home = Home::new();
    let mut longer = TINY;
    longer[3] = "0.05";
    let report = home.json(&[&longer[..], &["--duplicates", "25", "--shards", "2"]].concat());
    check_exact(&report);
    assert_eq!(report["ended"], "time");
    let (accepted, duplicate) = (number(&report["accepted"]), number(&report["duplicate"]));
    assert!(accepted > 0 && duplicate > 0, "{report:#}");
    let percent = duplicate * 100 / (accepted + duplicate);
    assert!((15..35).contains(&percent), "{percent}");
    assert!(number(&report["snapshots"]) >= 1 && number(&report["segments_begun"]) >= 1, "{report:#}");
    // Nothing stays behind.
    assert_eq!(std::fs::read_dir(home.path("")).unwrap().count(), 0);
}

#[test]
fn a_soak_reports_its_intervals_its_drift_and_its_memory() {
    let report = Home::new().json(&[&TINY[..], &["--rate", "40000", "--seed", "7"]].concat());
    check_exact(&report);
    assert_eq!((&report["rate"], &report["seed"]), (&40_000.0.into(), &7.into()));
    let intervals = report["intervals"].as_array().unwrap();
    assert!(intervals.len() >= 2, "{report:#}");
    let mut before = 0.0;
    for interval in intervals {
        assert!(interval["from_seconds"].as_f64().unwrap() >= before);
        before = interval["to_seconds"].as_f64().unwrap();
        let latency = &interval["batch_latency_us"];
        assert!(["p50", "p99", "p999", "max"].iter().all(|name| latency[name].is_number()), "{interval:#}");
        assert!(number(&interval["ids"]) >= 20_000 && number(&interval["segments"]) > 0, "{interval:#}");
    }
    let charges: u64 = intervals.iter().map(|interval| number(&interval["charges"])).sum();
    assert_eq!(charges, number(&report["accepted"]) + number(&report["duplicate"]));
    let drift = &report["drift"];
    assert!(drift["throughput"].is_number() && drift["batch_latency"]["p99"].is_number(), "{drift:#}");
    assert!(drift["first"]["charges"].is_number() && drift["last"]["charges"].is_number(), "{drift:#}");
    let memory = &report["memory"];
    let grown = number(&memory["ids_end"]) - number(&memory["ids_start"]);
    assert_eq!(number(&memory["run_expected_bytes"]), grown * 24);
    assert!(number(&memory["peak_bytes"]) >= number(&memory["end_bytes"]), "{memory:#}");
}

#[test]
fn a_soak_tells_a_person_what_it_found() {
    let ran = Home::new().run(&TINY);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    for words in ["seconds  charges/s", "drift, the last", "memory: ", "\nexact: ", "\nverified in"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

#[test]
fn an_interrupted_soak_reports_all_the_same() {
    let home = Home::new();
    let mut arguments = TINY;
    arguments[3] = "60";
    let child = home.command(&[&arguments[..], &["--output", "json"]].concat()).spawn().unwrap();
    // In the midst of making ids, or later: either way it ends with a report.
    std::thread::sleep(Duration::from_millis(1_500));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).stdout(Stdio::null()).status();
    assert!(killed.unwrap().success());
    let ran = ran(child);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    assert_eq!((ran.status, &report["ended"]), (0, &"interrupted".into()));
    assert_eq!(report["exact"]["ok"], true, "{report:#}");
}

fn check_html(html: &str, charts: &[&str]) {
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert_eq!(html.matches("<svg").count(), charts.len());
    assert_eq!(html.matches("</svg>").count(), charts.len());
    for chart in charts {
        assert!(html.contains(&format!("<figcaption>{chart}")), "{chart}");
    }
    assert!(html.contains("<polyline"), "no line was drawn");
    // It needs nothing else.
    for other in ["<script", "<link", "src=", "href=", "url("] {
        assert!(!html.contains(other), "{other}");
    }
    for words in ["<th>processor</th>", "<th>cores</th>", "<th>memory</th>", "<th>seed</th><td>3</td>"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn a_soak_is_drawn() {
    let home = Home::new();
    let ran = home.run(&[&TINY[..], &["--seed", "3", "--html", "a <b>.html"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let html = std::fs::read_to_string(home.path("a <b>.html")).unwrap();
    check_html(&html, &["Throughput", "Memory", "Latency of batches, by interval", "Latency of batches"]);
    assert!(html.contains("exchequer bench soak --minutes 0.02"));
    assert!(html.contains("--html &#39;a &lt;b&gt;.html&#39;"));
}

#[test]
fn an_ingest_benchmark_is_drawn_cell_by_cell() {
    let home = Home::new();
    let arguments = "bench ingest --accounts 100 --charges 20000 --batch 16,32 --rounds 2 --seed 3";
    let mut arguments: Vec<_> = arguments.split(' ').collect();
    arguments.extend(["--html", "report.html"]);
    let ran = home.run(&arguments);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let html = std::fs::read_to_string(home.path("report.html")).unwrap();
    check_html(&html, &["Throughput, rounds end to end", "Latency of batches"].repeat(2));
    assert_eq!(html.matches("<td>uniform</td>").count(), 2);
    for words in [">engine</span>", ">floor</span>", "50 %", "99.9 %"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn a_report_that_can_t_be_written_is_told_before_anything_is_measured() {
    Home::new().check(
        &["bench", "soak", "--minutes", "100", "--html", "nowhere/report.html"],
        "
exit 1
---
error: cannot write `nowhere/report.html`: No such file or directory (os error 2)
hint: check --html: the directory must be there
",
    );
}

#[test]
fn arguments_of_a_soak_that_make_no_sense_are_refused() {
    for wrong in [["--minutes", "0"], ["--duplicates", "100"], ["--rate", "fast"], ["--accounts", "0"]] {
        let ran = Home::new().run(&[&TINY[..2], &["--minutes", "1"][..], &wrong].concat());
        assert_eq!(ran.status, 2, "{wrong:?}");
    }
}
