//! Permissions and policies: what a principal may do (rules G2, G3).

use std::fmt;

/// One permission. The provider needs none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// See the account.
    ReadAccount,
    /// Change its settings.
    ModifyAccount,
    /// Top up.
    TopUp,
    /// Let cash go to the bank.
    Withdraw,
    /// Transfer cash to other accounts, and take it back.
    Transfer,
    /// Set credit limits, invite and release members, sign the contract.
    ControlCredit,
    /// Place, capture and release holds.
    ModifyHolds,
    /// Join an enterprise or leave it.
    Associate,
    /// Grant and revoke administrators.
    ModifyAdministrators,
    /// Give policies to one's own users.
    ModifyPolicies,
    /// Pay bills by hand, and settle them together.
    PayBills,
    /// Buy.
    Purchase,
    /// What only the provider may do.
    Provide,
}

impl Permission {
    /// Every permission that can be granted.
    pub const GRANTABLE: [Self; 12] = [
        Self::ReadAccount,
        Self::ModifyAccount,
        Self::TopUp,
        Self::Withdraw,
        Self::Transfer,
        Self::ControlCredit,
        Self::ModifyHolds,
        Self::Associate,
        Self::ModifyAdministrators,
        Self::ModifyPolicies,
        Self::PayBills,
        Self::Purchase,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadAccount => "billing_account:read",
            Self::ModifyAccount => "billing_account:modify",
            Self::TopUp => "cash:top_up",
            Self::Withdraw => "cash:withdraw",
            Self::Transfer => "cash:transfer",
            Self::ControlCredit => "credit:modify",
            Self::ModifyHolds => "holds:modify",
            Self::Associate => "association:modify",
            Self::ModifyAdministrators => "administrators:modify",
            Self::ModifyPolicies => "policies:modify",
            Self::PayBills => "bills:pay",
            Self::Purchase => "purchases:modify",
            Self::Provide => "provider",
        }
    }

    /// The grantable permission of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::GRANTABLE.into_iter().find(|permission| permission.name() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);

    /// Everything that can be granted: the provider's own permission never is.
    const ALL: Self = Self((1 << Permission::Provide as u16) - 1);

    /// From bits that [`Permissions::bits`] gave.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The set as bits, in the order of [`Permission::GRANTABLE`].
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether `permission` is in it.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u16) != 0
    }

    /// The permissions in it.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::GRANTABLE.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self::from_bits(permissions.into_iter().fold(0, |bits, permission| bits | 1 << permission as u16))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

/// What a user of a cloud account may do of what the cloud account may (rule G3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Everything.
    FullAccess,
    /// See.
    ReadOnly,
    /// Single permissions.
    Permissions(Permissions),
}

impl Policy {
    /// Whether it allows `permission`.
    pub const fn allows(self, permission: Permission) -> bool {
        match self {
            Self::FullAccess => Permissions::ALL.contains(permission),
            Self::ReadOnly => matches!(permission, Permission::ReadAccount),
            Self::Permissions(permissions) => permissions.contains(permission),
        }
    }
}
