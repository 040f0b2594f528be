//! Access keys of accounts themselves.

use std::sync::Arc;

use sesame_crypto::secret::SecretText;
use sesame_domain::ram::{access_key, limits};
use sesame_domain::{AccountId, Timestamp};
use sesame_store::access_keys::AccessKeyRecord;
use sesame_store::{Tx, access_keys, accounts, meta};

use super::accounts::issued;
use super::messages::{AdminAnswer, Refusal, RefusalCode};
use super::no_account;
use crate::service::Service;

/// How an access key ceases to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It can be brought back.
    Disable,
    /// It is gone.
    Delete,
}

impl Service {
    pub(super) async fn create_root_key(&self, account: AccountId) -> Result<AdminAnswer, Refusal> {
        self.add_root_key(account, |_| Ok(String::new())).await
    }

    /// The old key stays: two requests make a rotation, and whoever makes it has the new key in hand before the second.
    pub(super) async fn rotate_root_key(
        &self,
        account: AccountId,
        replaced: Option<String>,
        fixed: Option<&str>,
    ) -> Result<AdminAnswer, Refusal> {
        let fixed = fixed.map(str::to_owned);
        let owner = account.clone();
        self.add_root_key(account, move |keys| {
            let old = match (&replaced, keys) {
                (Some(id), _) => one(keys, &owner, id)?,
                (None, [only]) => only,
                (None, []) => {
                    let text = format!(
                        "the account {owner} has no access key of its own to replace; sesame account create-root-key \
                         {owner} makes one"
                    );
                    return Err(Refusal::new(RefusalCode::NotFound, text));
                }
                (None, several) => {
                    let ids: Vec<_> = several.iter().map(|key| key.id.as_str()).collect();
                    let text = format!(
                        "the account {owner} has {} access keys of its own ({}); name the one to replace with --old-key, \
                         or delete one that nobody uses with sesame account delete-root-key",
                        ids.len(),
                        ids.join(", ")
                    );
                    return Err(Refusal::new(RefusalCode::Refused, text));
                }
            };
            refuse_fixed(&old.id, fixed.as_deref())?;
            Ok(old.id.clone())
        })
        .await
    }

    /// Adds an access key; `check` sees those that there are and says which one it replaces.
    async fn add_root_key(
        &self,
        account: AccountId,
        check: impl Fn(&[AccessKeyRecord]) -> Result<String, Refusal> + Send + Sync + 'static,
    ) -> Result<AdminAnswer, Refusal> {
        let (key, secret) = access_key::draw(&*self.random)?;
        let now = self.clock.now();
        let wanted = Arc::new((account, key, secret, check));
        let made = Arc::clone(&wanted);
        let replaced = self
            .store
            .write(move |tx| {
                let wanted = Arc::clone(&made);
                Box::pin(async move {
                    let (account, key, secret, check) = &*wanted;
                    let keys = keys_of(tx, account).await?;
                    let replaced = check(&keys)?;
                    if keys.len() as u64 >= limits::ACCESS_KEYS_OF_ROOT {
                        let text = format!(
                            "the account {account} has {} access keys of its own already; delete one that nobody uses",
                            keys.len()
                        );
                        return Err(Refusal::new(RefusalCode::Refused, text));
                    }
                    access_keys::insert(tx, &record(account, key, secret, now)).await?;
                    Ok(replaced)
                })
            })
            .await?;
        let (account, key, secret, _) = &*wanted;
        Ok(issued(account, key, secret, replaced))
    }

    pub(super) async fn enable_root_key(&self, account: AccountId, id: &str) -> Result<AdminAnswer, Refusal> {
        let wanted = Arc::new((account, id.to_owned()));
        self.store
            .write(move |tx| {
                let wanted = Arc::clone(&wanted);
                Box::pin(async move {
                    let keys = keys_of(tx, &wanted.0).await?;
                    one(&keys, &wanted.0, &wanted.1)?;
                    access_keys::set_active(tx, &wanted.1, true).await?;
                    Ok(AdminAnswer::Done)
                })
            })
            .await
    }

    /// Ends the use of an access key; of the last one that works only when `last` says so.
    pub(super) async fn end_root_key(
        &self,
        account: AccountId,
        id: &str,
        end: End,
        last: bool,
    ) -> Result<AdminAnswer, Refusal> {
        let wanted = Arc::new((account, id.to_owned()));
        self.store
            .write(move |tx| {
                let wanted = Arc::clone(&wanted);
                Box::pin(async move {
                    let (account, id) = &*wanted;
                    let keys = keys_of(tx, account).await?;
                    let is_active = one(&keys, account, id)?.active;
                    let others = || keys.iter().filter(|key| key.id != *id);
                    if is_active && !last && !others().any(|key| key.active) {
                        let text = format!(
                            "{id} is the last access key of the account {account} itself that works; replace it with \
                             sesame account rotate-root-key, or say with --last that its users are enough"
                        );
                        return Err(Refusal::new(RefusalCode::Refused, text));
                    }
                    if end == End::Disable {
                        access_keys::set_active(tx, id, false).await?;
                        return Ok(AdminAnswer::Done);
                    }
                    access_keys::delete(tx, id).await?;
                    // What a configuration replaces is the access key in the place of the first one.
                    if meta::get(tx, meta::FIRST_ACCESS_KEY).await?.as_ref() == Some(id)
                        && let Some(heir) = others().next_back()
                    {
                        meta::put(tx, meta::FIRST_ACCESS_KEY, &heir.id).await?;
                    }
                    Ok(AdminAnswer::Done)
                })
            })
            .await
    }
}

/// The access key that an account has from now on.
pub(super) fn record(account: &AccountId, id: &str, secret: &SecretText, now: Timestamp) -> AccessKeyRecord {
    AccessKeyRecord {
        id: id.to_owned(),
        account: account.clone(),
        // EXPOSE: a transaction may run twice, and each run needs it.
        secret: SecretText::new(secret.expose().to_owned()),
        active: true,
        created_at: now,
    }
}

async fn keys_of(tx: &mut Tx<'_>, account: &AccountId) -> Result<Vec<AccessKeyRecord>, Refusal> {
    if !accounts::exists(tx, account).await? {
        return Err(no_account(account));
    }
    Ok(access_keys::list(tx, account).await?)
}

fn one<'k>(keys: &'k [AccessKeyRecord], account: &AccountId, id: &str) -> Result<&'k AccessKeyRecord, Refusal> {
    keys.iter().find(|key| key.id == id).ok_or_else(|| {
        let text = format!(
            "the account {account} has no access key {id} of its own; sesame account show {account} lists them"
        );
        Refusal::new(RefusalCode::NotFound, text)
    })
}

/// Refuses an access key that is changed in the configuration.
pub(super) fn refuse_fixed(id: &str, fixed: Option<&str>) -> Result<(), Refusal> {
    if fixed != Some(id) {
        return Ok(());
    }
    let text = format!(
        "the configuration fixes the access key {id} (root_access_key.id); change it there, with \
         SESAME_ROOT_ACCESS_KEY_REPLACE=true, or the server would not start again"
    );
    Err(Refusal::new(RefusalCode::Refused, text))
}

/// Refuses to delete the access key that clients on the server's machine sign with.
pub(super) fn refuse_held(id: &str, held: Option<&str>) -> Result<(), Refusal> {
    if held != Some(id) {
        return Ok(());
    }
    let text = format!(
        "the server's credentials.env holds the access key {id}; replace it with sesame account rotate-root-key, or \
         remove that file first"
    );
    Err(Refusal::new(RefusalCode::Refused, text))
}
