//! What people are told (rule H5).

/// Why somebody is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NotificationKind {
    /// Available credit is below the threshold of the alert (rule H2).
    Alert,
    /// Available credit is below 0 (rule H3).
    Overdue,
    /// Services are suspended (rule H4).
    Suspension,
    /// They are not any more (rule H4).
    SuspensionLifted,
    /// A contract waits for the management account (rule E2).
    ContractToConfirm,
    /// The credit limit has changed (rule E2).
    LimitChanged,
    /// Cash has come from another account, or went back (rule F1).
    Transfer,
}

impl NotificationKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Alert,
        Self::Overdue,
        Self::Suspension,
        Self::SuspensionLifted,
        Self::ContractToConfirm,
        Self::LimitChanged,
        Self::Transfer,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Overdue => "overdue",
            Self::Suspension => "suspension",
            Self::SuspensionLifted => "suspension_lifted",
            Self::ContractToConfirm => "contract_to_confirm",
            Self::LimitChanged => "limit_changed",
            Self::Transfer => "transfer",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}
