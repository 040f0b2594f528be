//! Whose credentials a call is about: those of the user that it names, else those of the caller.

use sesame_domain::AccountId;
use sesame_domain::ram::{User, UserName};
use sesame_store::access_keys::AccessKeyFacts;
use sesame_store::{Conn, access_keys, ram_access_keys, ram_users};

use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{RamKind, Target};
use crate::request::Identity;

/// How to find out whose.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    account: AccountId,
    name: Option<UserName>,
    caller: Identity,
}

/// Who has access keys.
#[derive(Debug)]
pub(super) enum Holder {
    /// A user.
    User(User),
    /// The account itself. No page says what RAM does for a caller that is the account and names nobody; here it manages
    /// its own access keys, so that they can be replaced like all others.
    Root(AccountId),
}

impl Whose {
    /// For the user of a name, or for the caller.
    pub(super) fn of(cx: &Context<'_>, name: Option<UserName>) -> Self {
        Self { account: cx.account().clone(), name, caller: cx.principal.identity.clone() }
    }

    /// The target of a call with this name.
    pub(super) fn target(name: Option<&UserName>) -> Target<'_> {
        name.map_or(Target::OwnUser, |name| Target::Ram(RamKind::User, name.as_str()))
    }

    /// Who it is.
    ///
    /// # Errors
    /// `EntityNotExist.User`, or `MissingParameter` when the caller has no credentials of its own.
    pub(super) async fn find(&self, conn: &mut Conn<'_>) -> Result<Holder> {
        match (&self.name, &self.caller) {
            (Some(name), _) => super::user(conn, &self.account, name).await.map(Holder::User),
            (None, Identity::Root) => Ok(Holder::Root(self.account.clone())),
            (None, Identity::User(user)) => {
                let found = ram_users::by_id(conn, &user.id).await?;
                found.map(Holder::User).ok_or_else(|| Code::UserNotExist.into())
            }
            // Those of a session are not kept.
            (None, Identity::Session(_) | Identity::Anonymous) => Err(KmsError::missing("UserName")),
        }
    }
}

impl Holder {
    /// The access keys, the oldest first.
    pub(super) async fn access_keys(&self, conn: &mut Conn<'_>) -> Result<Vec<AccessKeyFacts>> {
        Ok(match self {
            Self::User(user) => ram_access_keys::facts(conn, &user.id).await?,
            Self::Root(account) => access_keys::facts(conn, account).await?,
        })
    }

    /// One of the access keys.
    ///
    /// # Errors
    /// `EntityNotExist.User.AccessKey`.
    pub(super) async fn access_key(&self, conn: &mut Conn<'_>, id: &str) -> Result<AccessKeyFacts> {
        let found = self.access_keys(conn).await?.into_iter().find(|key| key.id == id);
        found.ok_or_else(|| Code::UserAccessKeyNotExist.into())
    }
}
