//! Runs the binary in a fresh directory.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A fresh directory, in which the ledger is the default one.
pub struct Home(TempDir);

/// What a command left behind.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The one segment of a small ledger.
    pub fn segment(&self) -> PathBuf {
        self.path("exchequer-data/wal/00000000000000000001.wal")
    }

    /// Writes a file.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exchequer"));
        command.current_dir(self.0.path()).args(arguments).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).spawn().unwrap())
    }

    /// Runs with something to read on stdin.
    pub fn feed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let ran = ran(child);
        drop(writer.join().unwrap());
        ran
    }

    /// Applies commands, none of which fails.
    pub fn apply(&self, commands: &str) {
        let ran = self.feed(&["apply", "-"], commands);
        assert_eq!(ran.status, 0, "{}", ran.stdout);
    }

    /// The JSON that a command prints, whatever its exit status.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&ran.stdout).unwrap_or_else(|fault| panic!("{fault}: {}", ran.stderr))
    }

    /// Runs a command and compares everything it says.
    pub fn check(&self, arguments: &[&str], expect: &str) {
        assert_eq!(self.run(arguments).whole(), expect.trim_start(), "{arguments:?}");
    }

    /// Every invariant holds.
    pub fn verified(&self) {
        let report = self.json(&["verify"]);
        assert_eq!(report["ok"], true, "{report:#}");
    }
}

impl Ran {
    /// Status, stdout and stderr in one text, without the times of an import.
    pub fn whole(&self) -> String {
        let mut text = format!("exit {}\n", self.status);
        for line in self.stdout.lines() {
            let line = if line.starts_with("posted ") { line.split(" in ").next().unwrap() } else { line };
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if !self.stderr.is_empty() {
            text.push_str("---\n");
            text.push_str(&self.stderr);
        }
        text
    }
}

pub fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran {
        status: output.status.code().expect("it ended by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

/// One of the project's own samples.
pub fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name).display().to_string()
}

/// The text of one of the project's own samples.
pub fn sample_text(name: &str) -> String {
    std::fs::read_to_string(sample(name)).unwrap()
}

/// A line of NDJSON.
pub fn charge(cloud_account: &str, id: &str, amount: &str) -> String {
    format!(
        r#"{{"cloud_account":"{cloud_account}","source":"meter","id":"{id}","amount":{amount},"currency":"USD","occurred_at":"2026-05-01T00:00:00Z"}}"#
    ) + "\n"
}

/// A FOCUS file of these rows: billing account, sub account, cost.
pub fn focus(rows: &[(&str, &str, &str)]) -> String {
    let mut text = "BillingAccountId,SubAccountId,BilledCost,BillingCurrency,ChargePeriodStart,BillingPeriodStart,ChargeCategory\n".to_owned();
    for (billing, sub, cost) in rows {
        let period = "2026-05-01T00:00:00Z";
        writeln!(text, "{billing},{sub},{cost},USD,{period},{period},Usage").unwrap();
    }
    text
}
