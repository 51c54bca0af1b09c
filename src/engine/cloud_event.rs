//! CloudEvents: how changes and notifications are told to other programs.

use serde::Serialize;

/// One event in the JSON format of CloudEvents 1.0, structured mode.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct CloudEvent<'a, D> {
    /// Always `1.0`.
    pub specversion: &'static str,
    /// Unique within the source: the same however often the event is sent.
    pub id: &'a str,
    /// Which ledger: `/exchequer/<id of the data directory>`.
    pub source: &'a str,
    /// What happened: `exchequer.…`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The billing account or enterprise that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// Business time, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<&'a str>,
    /// Always `application/json`.
    pub datacontenttype: &'static str,
    /// What is specific to the type.
    pub data: D,
}

impl<D> CloudEvent<'_, D> {
    /// The version of the specification.
    pub const SPECVERSION: &'static str = "1.0";
    /// The media type of `data`.
    pub const DATA_CONTENT_TYPE: &'static str = "application/json";
}

/// The source of a ledger's events: `/exchequer/<id of the data directory, in hexadecimal digits>`.
pub fn source_of(directory_id: &[u8; 16]) -> String {
    format!("/exchequer/{:032x}", u128::from_be_bytes(*directory_id))
}
