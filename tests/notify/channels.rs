//! The file of channels.

use exchequer::domain::notification::NotificationKind;
use exchequer::notify::channels::{ChannelSpec, ChannelsFault, read};
use exchequer::notify::transport::{Patience, Transport};
use tempfile::TempDir;

use crate::rig::SECRET;

/// Reads a file beside a good secret, a bad one, and a password.
fn read_text(text: &str) -> Result<Vec<ChannelSpec>, String> {
    let home = TempDir::new().unwrap();
    let file = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    file("secret", &format!("{SECRET}\n"));
    file("weak", "whsec_c2hvcnQ=");
    file("empty", "\n");
    file("password", "hunter2\r\n");
    file("channels.json", text);
    read(&home.path().join("channels.json"), Patience::default()).map_err(|fault| match fault {
        ChannelsFault::File { source, .. } => source.to_string(),
        fault @ ChannelsFault::Field { .. } => {
            fault.to_string().replace(&home.path().display().to_string(), "~")
        }
    })
}

#[test]
fn reads_webhooks_and_mail() {
    let channels = read_text(
        r#"{"channels": [
            {"name": "ops", "kind": "webhook", "url": "https://example.com/hook", "secret_file": "secret"},
            {"name": "sms", "kind": "webhook", "url": "http://[::1]:9/", "secret_file": "secret", "kinds": ["overdue", "suspension"]},
            {"name": "mail", "kind": "email", "smtp": "smtps://mail.example.com", "user": "u", "password_file": "password",
             "from": "Exchequer <billing@example.com>"},
            {"name": "relay", "kind": "email", "smtp": "smtp://127.0.0.1:25", "from": "billing@example.com"}
        ]}"#,
    )
    .unwrap();
    let names: Vec<_> = channels.iter().map(|channel| &*channel.name).collect();
    assert_eq!(names, ["ops", "sms", "mail", "relay"]);
    assert!(channels[0].sends(NotificationKind::Alert));
    assert!(channels[1].sends(NotificationKind::Overdue) && !channels[1].sends(NotificationKind::Alert));
    assert!(matches!(channels[1].transport, Transport::Webhook(_)));
    assert!(matches!(channels[2].transport, Transport::Email(_)));
    assert_eq!(read_text(r#"{"channels": []}"#).unwrap().len(), 0);
}

#[test]
fn a_fault_names_the_file_and_the_field() {
    let check = |text: &str, expect: &str| {
        assert_eq!(read_text(text).unwrap_err(), format!("`~/channels.json`: {expect}"), "{text}");
    };
    check("", "`.`: EOF while parsing a value at line 1 column 0");
    check("{}", "`.`: missing field `channels` at line 1 column 2");
    check(r#"{"channels": []} x"#, "`channels`: trailing characters at line 1 column 18");
    check(
        r#"{"channels": [], "more": 1}"#,
        "`more`: unknown field `more`, expected `channels` at line 1 column 23",
    );
    check(
        r#"{"channels": [{"name": 7}]}"#,
        "`channels[0].name`: invalid type: integer `7`, expected a string at line 1 column 24",
    );
    let many = vec![r#"{"name": "a", "kind": "webhook"}"#; 65].join(",");
    check(&format!(r#"{{"channels": [{many}]}}"#), "`channels`: give at most 64");
    // Each is the second channel, beside a good one.
    let one = |second: &str, expect: &str| {
        let good =
            r#"{"name": "ops", "kind": "webhook", "url": "https://example.com", "secret_file": "secret"}"#;
        check(&format!(r#"{{"channels": [{good}, {second}]}}"#), &format!("`channels[1].{expect}"));
    };
    let name = "name`: give 1 to 64 printable bytes";
    one(r#"{"name": "", "kind": "webhook"}"#, name);
    one(r#"{"name": "a\nb", "kind": "webhook"}"#, name);
    one(&format!(r#"{{"name": "{}", "kind": "webhook"}}"#, "x".repeat(65)), name);
    one(
        r#"{"name": "ops", "kind": "webhook", "url": "https://example.com", "secret_file": "secret"}"#,
        "name`: `ops` is the name of another one too",
    );
    one(r#"{"name": "a", "kind": "fax"}"#, "kind`: give `webhook` or `email`");
    let webhook =
        |fields: &str, expect: &str| one(&format!(r#"{{"name": "a", "kind": "webhook"{fields}}}"#), expect);
    webhook("", "url`: it is missing");
    let url = r#", "url": "https://example.com""#;
    webhook(url, "secret_file`: give it, or `secret_env`: webhooks are signed");
    let with = |fields: &str, expect: &str| webhook(&format!("{url}, {fields}"), expect);
    with(r#""secret_file": "secret", "secret_env": "X""#, "secret_file`: give it or `secret_env`, not both");
    with(
        r#""secret_file": "weak""#,
        "secret_file`: the secret must be `whsec_` and 24 to 64 bytes in Base64",
    );
    with(r#""secret_file": "empty""#, "secret_file`: it is empty");
    with(
        r#""secret_file": "none""#,
        "secret_file`: cannot read `~/none`: No such file or directory (os error 2)",
    );
    with(
        r#""secret_env": "EXCHEQUER_NOT_SET""#,
        "secret_env`: the environment has no text `EXCHEQUER_NOT_SET`",
    );
    with(r#""from": "a@b.c""#, "from`: a channel of kind `webhook` has none");
    with(
        r#""secret_file": "secret", "kinds": ["alarm"]"#,
        "kinds`: `alarm` is none of `alert`, `overdue`, `suspension`, `suspension_lifted`, `contract_to_confirm`, `limit_changed`, `transfer`",
    );
    webhook(
        r#", "url": "example.com", "secret_file": "secret""#,
        "url`: give `http://` or `https://`, a host, and what else is in the address",
    );
    let email =
        |fields: &str, expect: &str| one(&format!(r#"{{"name": "a", "kind": "email"{fields}}}"#), expect);
    email("", "smtp`: it is missing");
    email(r#", "smtp": "smtp://localhost""#, "from`: it is missing");
    email(r#", "url": "https://example.com""#, "url`: a channel of kind `email` has none");
    let mail =
        |fields: &str, expect: &str| email(&format!(r#", "smtp": "smtp://localhost"{fields}"#), expect);
    mail(r#", "from": "billing""#, "from`: give an address such as `billing@example.com`");
    mail(r#", "from": "a@b.c", "user": "u""#, "user`: give `password_file` or `password_env` with it");
    mail(r#", "from": "a@b.c", "password_file": "password""#, "password_file`: give `user` with it");
    email(
        r#", "smtp": "smtp://mail.example.com", "from": "a@b.c", "user": "u", "password_file": "password""#,
        "smtp`: a password is sent over TLS only: give `smtps://host`, or `smtp://host?tls=required`",
    );
}
