//! Accounts.

use std::sync::Arc;

use sesame_crypto::secret::SecretText;
use sesame_domain::ram::access_key;
use sesame_domain::{AccountId, AccountName, Timestamp};
use sesame_store::accounts::Summary;
use sesame_store::{StoreError, access_keys, accounts};

use super::messages::{AccountReport, AccountSummary, AdminAnswer, IssuedKey, Refusal, RefusalCode, RootKeyReport};
use super::no_account;
use super::root_keys::record;
use crate::service::Service;

/// Accounts in one page.
const PAGE: u32 = 200;

impl Service {
    pub(super) async fn create_account(&self, name: &str, id: Option<&str>) -> Result<AdminAnswer, Refusal> {
        let name = name_of(name)?;
        let account = match id {
            Some(id) => super::id(id)?,
            None => {
                let mut bytes = [0; 8];
                self.random.fill(&mut bytes)?;
                AccountId::from_random(bytes)
            }
        };
        let (key, secret) = access_key::draw(&*self.random)?;
        let now = self.clock.now();
        let wanted = Arc::new((account, name, key, secret));
        let made = Arc::clone(&wanted);
        self.store
            .write(move |tx| {
                let wanted = Arc::clone(&made);
                Box::pin(async move {
                    let (account, name, key, secret) = &*wanted;
                    let first = match accounts::first(tx).await? {
                        Some(first) => accounts::get(tx, &first).await?,
                        None => None,
                    };
                    let Some(first) = first else { return Err(no_first()) };
                    // The account that was made first stays the first, whatever became of the clock since.
                    let at = now.max(Timestamp::from_millis(first.created_at.millis() + 1));
                    match accounts::insert(tx, account, at).await {
                        Err(StoreError::AlreadyExists) => {
                            let text = format!("there is an account {account}");
                            return Err(Refusal::new(RefusalCode::AlreadyExists, text));
                        }
                        inserted => inserted?,
                    }
                    accounts::set_name(tx, account, name).await?;
                    Ok(access_keys::insert(tx, &record(account, key, secret, now)).await?)
                })
            })
            .await?;
        let (account, _, key, secret) = &*wanted;
        Ok(issued(account, key, secret, String::new()))
    }

    pub(super) async fn list_accounts(&self, after: Option<&str>) -> Result<AdminAnswer, Refusal> {
        let after = after.map(super::id).transpose()?;
        let page = accounts::page(&mut self.store.reader().await?, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        let accounts: Vec<_> = page.iter().map(summary).collect();
        let next = accounts.last().filter(|_| !is_last).map(|last| last.account.clone());
        Ok(AdminAnswer::Accounts { accounts, next })
    }

    pub(super) async fn get_account(&self, id: &AccountId) -> Result<AdminAnswer, Refusal> {
        let wanted = id.clone();
        let found = self.store.read(move |conn| {
            Box::pin(async move {
                let first = accounts::first(conn).await?;
                let Some(found) = accounts::summary(conn, &wanted).await? else { return Ok(None) };
                let keys = access_keys::list(conn, &wanted).await?;
                Ok::<_, Refusal>(Some((first.as_ref() == Some(&wanted), found, keys)))
            })
        });
        let (is_first, found, keys) = found.await?.ok_or_else(|| no_account(id))?;
        let report = |key: &access_keys::AccessKeyRecord| RootKeyReport {
            access_key_id: key.id.clone(),
            active: key.active,
            created_at: key.created_at.to_string(),
        };
        let root_access_key_list = keys.iter().map(report).collect();
        Ok(AdminAnswer::Account(AccountReport { account: summary(&found), is_first, root_access_key_list }))
    }

    pub(super) async fn set_account_enabled(&self, id: AccountId, enabled: bool) -> Result<AdminAnswer, Refusal> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let account = accounts::get(tx, &id).await?.ok_or_else(|| no_account(&id))?;
                    if account.disabled_at.is_none() == enabled {
                        return Ok(AdminAnswer::Done);
                    }
                    accounts::set_disabled_at(tx, &id, (!enabled).then_some(now)).await?;
                    Ok(AdminAnswer::Done)
                })
            })
            .await
    }

    pub(super) async fn rename_account(&self, id: AccountId, name: &str) -> Result<AdminAnswer, Refusal> {
        let wanted = Arc::new((id, name_of(name)?));
        self.store
            .write(move |tx| {
                let wanted = Arc::clone(&wanted);
                Box::pin(async move {
                    match accounts::set_name(tx, &wanted.0, &wanted.1).await {
                        Err(StoreError::Conflict) => Err(no_account(&wanted.0)),
                        other => Ok(other.map(|()| AdminAnswer::Done)?),
                    }
                })
            })
            .await
    }

    /// The account that was made first.
    pub(super) async fn first_account(&self) -> Result<AccountId, Refusal> {
        accounts::first(&mut self.store.reader().await?).await?.ok_or_else(no_first)
    }

    /// The account, when it is there.
    pub(super) async fn existing(&self, id: AccountId) -> Result<AccountId, Refusal> {
        if accounts::exists(&mut self.store.reader().await?, &id).await? { Ok(id) } else { Err(no_account(&id)) }
    }
}

pub(super) fn issued(account: &AccountId, key: &str, secret: &SecretText, replaced: String) -> AdminAnswer {
    AdminAnswer::Issued(IssuedKey {
        account: account.as_str().to_owned(),
        access_key_id: key.to_owned(),
        // EXPOSE: the one answer with it; the buffer of the other is wiped with the transaction that stored it.
        access_key_secret: SecretText::new(secret.expose().to_owned()),
        replaced,
        kept_in: String::new(),
    })
}

fn summary(summary: &Summary) -> AccountSummary {
    let Summary { account, root_keys, users, keys, secrets } = summary;
    AccountSummary {
        account: account.id.as_str().to_owned(),
        name: account.name.as_str().to_owned(),
        created_at: account.created_at.to_string(),
        disabled_at: account.disabled_at.map(|at| at.to_string()).unwrap_or_default(),
        root_access_keys: *root_keys,
        users: *users,
        keys: *keys,
        secrets: *secrets,
    }
}

fn name_of(text: &str) -> Result<AccountName, Refusal> {
    text.parse()
        .map_err(|invalid: sesame_domain::InvalidAccountName| Refusal::new(RefusalCode::Invalid, invalid.to_string()))
}

fn no_first() -> Refusal {
    let text = "this database has no account yet; sesame serve makes the first one";
    Refusal::new(RefusalCode::NotFound, text)
}
