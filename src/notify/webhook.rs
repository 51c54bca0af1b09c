//! Webhooks: a CloudEvent by HTTP POST, signed as Standard Webhooks tells (rule H5).

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use ureq::http::{Response, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use super::outcome::{Failure, Hope, Outcome};
use super::retry::{http_refuses, retry_after};
use super::secret::Secret;
use super::transport::{Patience, plain_id};
use crate::domain::time::Timestamp;
use crate::engine::cloud_event::CloudEvent;
use crate::engine::outbox::Notification;
use crate::limits::{DELIVERIES_IN_FLIGHT_MAX, DELIVERY_ANSWER_BYTES_MAX};

/// The media type of a CloudEvent in structured mode.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";

/// The least and the most bytes of a key, as Standard Webhooks has them.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// An HTTP server that takes notifications.
#[derive(Clone)]
pub struct Webhook {
    /// All of it may be secret but its host: a user, a path that is a token, a query.
    uri: Uri,
    signer: Arc<standardwebhooks::Webhook>,
    agent: Agent,
}

/// The data of a notification's CloudEvent.
#[derive(Serialize)]
struct Data<'a> {
    billing_account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    subject: &'a str,
    body: &'a str,
    figures: &'a serde_json::Value,
}

impl Webhook {
    /// A webhook to `url`, signed with `secret`.
    pub fn new(url: &str, secret: &Secret, patience: Patience) -> Result<Self, WebhookFault> {
        let uri = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
        let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        Ok(Self {
            uri: uri.ok_or(WebhookFault::Url)?,
            signer: Arc::new(signer(secret).ok_or(WebhookFault::Secret)?),
            agent: agent(patience),
        })
    }

    /// Makes one attempt.
    pub fn send(&self, notification: &Notification, source: &str, now: Timestamp) -> Outcome {
        let id = plain_id(&notification.id);
        let seconds = now.micros().div_euclid(1_000_000);
        let body = body(notification, source);
        let signature = self
            .signer
            .sign(&id, seconds, body.as_bytes())
            .expect("invariant: only what is no UTF-8 can't be signed");
        let sent = self
            .agent
            .post(&self.uri)
            .header("content-type", CONTENT_TYPE)
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds.to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .send(body);
        match sent {
            Ok(response) => answer(response, now),
            Err(error) => Outcome::failed(reason(&error)),
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Webhook").field("host", &self.uri.host()).finish_non_exhaustive()
    }
}

/// What is wrong about an address or a secret; neither is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WebhookFault {
    /// The address.
    #[error("give `http://` or `https://`, a host, and what else is in the address")]
    Url,
    /// The secret.
    #[error("the secret must be `whsec_` and 24 to 64 bytes in Base64")]
    Secret,
}

fn signer(secret: &Secret) -> Option<standardwebhooks::Webhook> {
    let key = secret.reveal().strip_prefix(SECRET_PREFIX)?;
    let bytes = key.trim_end_matches('=').len() * 6 / 8;
    KEY_BYTES.contains(&bytes).then(|| standardwebhooks::Webhook::new(key).ok())?
}

fn agent(patience: Patience) -> Agent {
    // The system's roots: a receiver inside may have a certificate of its own authority.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        // A signed body goes where it was addressed to, and nowhere else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(patience.connect))
        .timeout_global(Some(patience.whole))
        .max_idle_connections_per_host(DELIVERIES_IN_FLIGHT_MAX)
        .max_idle_connections(DELIVERIES_IN_FLIGHT_MAX)
        .user_agent(concat!("exchequer/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// The CloudEvent, the same however often it is sent.
fn body(notification: &Notification, source: &str) -> String {
    let Notification { id, at, kind, billing_account, to, subject, body, data, .. } = notification;
    let event = CloudEvent {
        specversion: CloudEvent::<()>::SPECVERSION,
        id,
        source,
        kind: &format!("exchequer.notification.{}", kind.name()),
        subject: Some(billing_account),
        time: Some(&at.to_string()),
        datacontenttype: CloudEvent::<()>::DATA_CONTENT_TYPE,
        data: Data { billing_account, to: to.as_deref(), subject, body, figures: data },
    };
    serde_json::to_string(&event).expect("invariant: texts and JSON values are JSON")
}

fn answer(mut response: Response<Body>, now: Timestamp) -> Outcome {
    let status = response.status();
    let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| retry_after(text, now));
    // The status is the answer, whatever becomes of the body.
    drop(response.body_mut().with_config().limit(DELIVERY_ANSWER_BYTES_MAX).read_to_vec());
    if status.is_success() {
        return Outcome::Taken;
    }
    let reason = format!("the receiver answered `{status}`").into();
    let hope = if http_refuses(status.as_u16()) { Hope::None } else { Hope::Later(asked) };
    Outcome::Failed(Failure { reason, hope })
}

/// Why there was no answer, without the error's own text, which may hold the address.
fn reason(error: &Error) -> String {
    match error {
        Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) | Error::ConnectionFailed => {
            "no connection in time".to_owned()
        }
        Error::Timeout(_) => "no answer in time".to_owned(),
        Error::HostNotFound => "the host is not known".to_owned(),
        // Among others a certificate that is not trusted.
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => TLS_FAILED.to_owned(),
        Error::Io(error) => error.kind().to_string(),
        Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => TLS_FAILED.to_owned(),
        _ => "the answer is not understood".to_owned(),
    }
}

const TLS_FAILED: &str = "no TLS: check the receiver's certificate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_published_example() {
        let secret = Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = signer(&secret).unwrap().sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signature.unwrap(), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn refuses_urls_and_secrets_of_another_form() {
        let good = Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let check = |url: &str, secret: &Secret, expect: Result<(), WebhookFault>| {
            assert_eq!(Webhook::new(url, secret, Patience::default()).map(drop), expect, "{url}");
        };
        check("https://example.com/hook?token=x", &good, Ok(()));
        check("http://user:password@127.0.0.1:8080", &good, Ok(()));
        for url in
            ["", "example.com", "ftp://example.com", "https://", "https:///hook", "/hook", "https://a b"]
        {
            check(url, &good, Err(WebhookFault::Url));
        }
        for secret in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7o!",
        ] {
            check("https://example.com", &Secret::new(secret), Err(WebhookFault::Secret));
        }
        check(
            "https://example.com",
            &Secret::new(format!("whsec_{}", "A".repeat(120))),
            Err(WebhookFault::Secret),
        );
    }
}
