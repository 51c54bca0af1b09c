//! The file of channels: who is told, how, and of what (rule H5).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use serde::Deserialize;

use super::email::Email;
use super::secret::Secret;
use super::transport::{Patience, Transport};
use super::webhook::{Webhook, WebhookFault};
use crate::domain::ids::is_id;
use crate::domain::notification::NotificationKind;
use crate::limits::{CHANNEL_NAME_BYTES_MAX, CHANNELS_MAX};

/// One channel, ready to send.
#[derive(Clone, Debug)]
pub struct ChannelSpec {
    /// Under this name the ledger remembers how far it has come.
    pub name: Arc<str>,
    /// The kinds that it sends; all of them if not told.
    pub kinds: Option<BTreeSet<NotificationKind>>,
    /// How it sends.
    pub transport: Transport,
}

impl ChannelSpec {
    /// Whether it sends such ones.
    pub fn sends(&self, kind: NotificationKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// Why channels could not be read. Nothing of a secret is in it.
#[derive(Debug, thiserror::Error)]
pub enum ChannelsFault {
    /// The file.
    #[error("cannot read `{path}`")]
    File {
        /// Its path.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Something in it.
    #[error("`{path}`: `{field}`: {detail}")]
    Field {
        /// The path of the file.
        path: String,
        /// Where in the file: `channels[0].url`.
        field: String,
        /// What is wrong.
        detail: String,
    },
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    channels: Vec<ChannelForm>,
}

/// One channel in the file. The forms of both kinds are one, so that a fault has a place in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelForm {
    name: String,
    kind: String,
    kinds: Option<Vec<String>>,
    url: Option<String>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    smtp: Option<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    from: Option<String>,
}

/// A field, and what is wrong about it.
type FieldFault = (&'static str, String);

/// Reads a file of channels. Paths in it are relative to its folder.
pub fn read(path: &Path, patience: Patience) -> Result<Vec<ChannelSpec>, ChannelsFault> {
    let shown = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|source| ChannelsFault::File { path: shown.clone(), source })?;
    let fault = |field: String, detail: String| ChannelsFault::Field { path: shown.clone(), field, detail };
    let mut json = serde_json::Deserializer::from_str(&text);
    let form: Form = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| fault(error.path().to_string(), error.inner().to_string()))?;
    json.end().map_err(|error| fault("channels".to_owned(), error.to_string()))?;
    if form.channels.len() > CHANNELS_MAX {
        return Err(fault("channels".to_owned(), format!("give at most {CHANNELS_MAX}")));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut channels: Vec<ChannelSpec> = Vec::with_capacity(form.channels.len());
    for (nth, form) in form.channels.iter().enumerate() {
        let made = channel(form, folder, patience).and_then(|made| {
            if channels.iter().any(|other| other.name == made.name) {
                return Err(("name", format!("`{}` is the name of another one too", made.name)));
            }
            Ok(made)
        });
        channels.push(made.map_err(|(field, detail)| fault(format!("channels[{nth}].{field}"), detail))?);
    }
    Ok(channels)
}

fn channel(form: &ChannelForm, folder: &Path, patience: Patience) -> Result<ChannelSpec, FieldFault> {
    if !is_id(&form.name) || form.name.len() > CHANNEL_NAME_BYTES_MAX {
        return Err(("name", format!("give 1 to {CHANNEL_NAME_BYTES_MAX} printable bytes")));
    }
    let transport = match form.kind.as_str() {
        "webhook" => Transport::Webhook(Box::new(webhook(form, folder, patience)?)),
        "email" => Transport::Email(Box::new(email(form, folder, patience)?)),
        _ => return Err(("kind", "give `webhook` or `email`".to_owned())),
    };
    let kinds = form.kinds.as_deref().map(kinds).transpose()?;
    Ok(ChannelSpec { name: form.name.as_str().into(), kinds, transport })
}

fn kinds(names: &[String]) -> Result<BTreeSet<NotificationKind>, FieldFault> {
    let known = || NotificationKind::ALL.map(|kind| format!("`{}`", kind.name())).join(", ");
    let kind = |name: &String| {
        NotificationKind::parse(name).ok_or_else(|| ("kinds", format!("`{name}` is none of {}", known())))
    };
    names.iter().map(kind).collect()
}

fn webhook(form: &ChannelForm, folder: &Path, patience: Patience) -> Result<Webhook, FieldFault> {
    let others = [
        ("smtp", form.smtp.is_some()),
        ("user", form.user.is_some()),
        ("password_file", form.password_file.is_some()),
        ("password_env", form.password_env.is_some()),
        ("from", form.from.is_some()),
    ];
    refuse_others(&others, "webhook")?;
    let url = form.url.as_deref().ok_or(missing("url"))?;
    let secret = secret(folder, ("secret_file", &form.secret_file), ("secret_env", &form.secret_env))?;
    let (field, secret) =
        secret.ok_or(("secret_file", "give it, or `secret_env`: webhooks are signed".to_owned()))?;
    Webhook::new(url, &secret, patience).map_err(|fault| match fault {
        WebhookFault::Url => ("url", fault.to_string()),
        WebhookFault::Secret => (field, fault.to_string()),
    })
}

fn email(form: &ChannelForm, folder: &Path, patience: Patience) -> Result<Email, FieldFault> {
    let others = [
        ("url", form.url.is_some()),
        ("secret_file", form.secret_file.is_some()),
        ("secret_env", form.secret_env.is_some()),
    ];
    refuse_others(&others, "email")?;
    let smtp = form.smtp.as_deref().ok_or(missing("smtp"))?;
    let from = form.from.as_deref().ok_or(missing("from"))?;
    let from =
        from.parse().map_err(|_| ("from", "give an address such as `billing@example.com`".to_owned()))?;
    let password = ("password_file", &form.password_file);
    let password = secret(folder, password, ("password_env", &form.password_env))?;
    let login = match (&form.user, &password) {
        (Some(user), Some((_, password))) => Some((user.as_str(), password)),
        (None, None) => None,
        (Some(_), None) => return Err(("user", "give `password_file` or `password_env` with it".to_owned())),
        (None, Some((field, _))) => return Err((field, "give `user` with it".to_owned())),
    };
    Email::new(smtp, login, from, patience).map_err(|detail| ("smtp", detail.to_owned()))
}

fn missing(field: &'static str) -> FieldFault {
    (field, "it is missing".to_owned())
}

fn refuse_others(fields: &[(&'static str, bool)], kind: &str) -> Result<(), FieldFault> {
    match fields.iter().find(|(_, given)| *given) {
        Some((field, _)) => Err((field, format!("a channel of kind `{kind}` has none"))),
        None => Ok(()),
    }
}

/// A secret of a file or of the environment, and the field that says so.
fn secret(
    folder: &Path,
    (file_field, file): (&'static str, &Option<PathBuf>),
    (env_field, env): (&'static str, &Option<String>),
) -> Result<Option<(&'static str, Secret)>, FieldFault> {
    let (field, text) = match (file, env) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err((file_field, format!("give it or `{env_field}`, not both"))),
        (Some(file), None) => {
            let path = folder.join(file);
            let fault = |error: io::Error| {
                (file_field, format!("cannot read `{}`: {error}", shown(&path.display().to_string())))
            };
            (file_field, fs::read_to_string(&path).map_err(fault)?)
        }
        (None, Some(name)) => {
            let fault = |_| (env_field, format!("the environment has no text `{}`", shown(name)));
            (env_field, std::env::var(name).map_err(fault)?)
        }
    };
    // Editors end a file with a line end.
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        Err((field, "it is empty".to_owned()))
    } else {
        Ok(Some((field, Secret::new(text))))
    }
}

/// A name as an error shows it: not if it is the secret itself, put in the wrong place.
fn shown(name: &str) -> &str {
    if name.contains("whsec_") { "…" } else { name }
}
