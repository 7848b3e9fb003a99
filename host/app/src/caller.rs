//! Who asks.

use stokehold_ledger::{ServiceId, TokenId};
use stokehold_store::{ApiToken, Role, Service};

use crate::error::Error;

/// Who asks, as far as the management API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// May do everything.
    Operator,
    /// May make services and manage those that it made.
    Provider(TokenId),
    /// Has a service's key, and may manage its versions.
    Service(ServiceId),
    /// May buy packs.
    Client(TokenId),
}

impl Caller {
    pub(crate) fn of(token: &ApiToken) -> Self {
        match token.role {
            Role::Operator => Self::Operator,
            Role::Provider => Self::Provider(token.id),
            Role::Client => Self::Client(token.id),
        }
    }

    /// Refuses everybody but operators.
    pub(crate) fn check_operator(self) -> Result<(), Error> {
        match self {
            Self::Operator => Ok(()),
            _ => Err(Error::Forbidden("this takes an operator's token")),
        }
    }

    /// Refuses clients.
    pub(crate) fn check_provider(self) -> Result<(), Error> {
        match self {
            Self::Operator | Self::Provider(_) | Self::Service(_) => Ok(()),
            Self::Client(_) => Err(Error::Forbidden("this takes a provider's token")),
        }
    }

    /// Whether the service is the caller's to manage.
    pub(crate) fn manages(self, service: &Service) -> bool {
        match self {
            Self::Operator => true,
            Self::Provider(id) => service.owner == Some(id),
            Self::Service(id) => service.id == id,
            Self::Client(_) => false,
        }
    }
}
