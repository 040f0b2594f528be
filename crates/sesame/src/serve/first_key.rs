//! The first account and its first access key.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use sesame_crypto::{Random, SecretText, SystemRandom};
use sesame_domain::ram::access_key;
use sesame_domain::{AccountId, Clock as _, SystemClock};
use sesame_store::access_keys::AccessKeyRecord;
use sesame_store::{Store, StoreError, Tx, access_keys, accounts, meta};

use crate::config::Settings;
use crate::credentials::Credentials;
use crate::data_folder::{CREDENTIALS, DataFolder};

/// The value of the store that says which access key was the first, so that it can be replaced.
const FIRST: &str = "first_access_key";

/// What the store holds after a start.
#[derive(Debug)]
pub(super) struct FirstKey {
    pub(super) account: AccountId,
    /// The access key, when its secret is known on this machine.
    pub(super) credentials: Option<Credentials>,
}

/// An access key as it is about to be stored; shared by the runs of a transaction.
#[derive(Debug)]
struct Wanted {
    account: AccountId,
    id: String,
    secret: SecretText,
    replace: bool,
}

/// What a transaction found and did.
#[derive(Debug)]
enum Outcome {
    /// The store has this access key, from now on or since before.
    Stored(AccountId),
    /// This access key was the first one of the store, and its account has removed it since.
    Removed(AccountId),
    /// The store has an account whose first access key is another one.
    Other(AccountId),
}

/// Makes the first account and its first access key when there are none. A key that the configuration fixes has to be
/// the one that is stored, unless the configuration also says that it replaces it.
///
/// The secret is written to `credentials.env` before it is stored, so that no accident between the two can lose it: a
/// start that finds the file and no account takes the key of the file.
pub(super) async fn ensure(store: &Store, settings: &Settings, folder: &DataFolder) -> Result<FirstKey> {
    let existing = first_account(store).await?;
    let stored = Credentials::read(folder.path())?;
    let fixed = fixed(settings);
    if let (Some(account), None) = (&existing, &fixed) {
        check_account(settings, account)?;
        return Ok(FirstKey { account: account.clone(), credentials: stored });
    }
    let is_fixed = fixed.is_some();
    let credentials = match fixed.or(stored) {
        Some(credentials) => credentials,
        None => draw()?,
    };
    if existing.is_none() {
        credentials.write(folder, None)?;
    }
    let account = match &existing {
        Some(account) => account.clone(),
        None => settings.account_id.clone().map_or_else(random_account, Ok)?,
    };
    check_account(settings, &account)?;
    let wanted = Arc::new(Wanted {
        account,
        id: credentials.access_key_id.clone(),
        secret: copy(&credentials.access_key_secret),
        replace: settings.root_access_key_replace,
    });
    let id = wanted.id.clone();
    let stored = store.write(move |tx| {
        let wanted = Arc::clone(&wanted);
        Box::pin(async move { enter(tx, &wanted).await })
    });
    match stored.await.context("the first access key cannot be stored")? {
        Outcome::Stored(account) => Ok(FirstKey { account, credentials: Some(credentials) }),
        Outcome::Removed(account) => Ok(FirstKey { account, credentials: None }),
        Outcome::Other(_) if is_fixed => bail!(
            "the configuration fixes the first access key to {id}, but this database was made with another first \
             access key, or with another secret for this one. Give it the same access key as before, or leave \
             SESAME_ROOT_ACCESS_KEY_ID and its secret away, or set SESAME_ROOT_ACCESS_KEY_REPLACE=true to put the new \
             one in the place of the old one, which then ceases to work"
        ),
        // Another node was faster; its operator knows the secret.
        Outcome::Other(account) => {
            folder.remove(CREDENTIALS)?;
            Ok(FirstKey { account, credentials: None })
        }
    }
}

async fn enter(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<Outcome, StoreError> {
    let now = SystemClock.now();
    let record = |account: &AccountId| AccessKeyRecord {
        id: wanted.id.clone(),
        account: account.clone(),
        secret: copy(&wanted.secret),
        active: true,
        created_at: now,
    };
    let Some(account) = accounts::first(tx).await? else {
        accounts::insert(tx, &wanted.account, now).await?;
        access_keys::insert(tx, &record(&wanted.account)).await?;
        meta::put(tx, FIRST, &wanted.id).await?;
        return Ok(Outcome::Stored(wanted.account.clone()));
    };
    let first = meta::get(tx, FIRST).await?;
    let known = access_keys::get(tx, &wanted.id).await?;
    let same = known.as_ref().is_some_and(|known| known.account == account && known.secret == wanted.secret);
    if same && first.as_ref() == Some(&wanted.id) {
        return Ok(Outcome::Stored(account));
    }
    if !wanted.replace && known.is_none() && first.as_ref() == Some(&wanted.id) {
        return Ok(Outcome::Removed(account));
    }
    if !wanted.replace || known.as_ref().is_some_and(|known| known.account != account) {
        return Ok(Outcome::Other(account));
    }
    if let Some(first) = &first {
        access_keys::delete(tx, first).await?;
    }
    access_keys::delete(tx, &wanted.id).await?;
    access_keys::insert(tx, &record(&account)).await?;
    meta::put(tx, FIRST, &wanted.id).await?;
    Ok(Outcome::Stored(account))
}

async fn first_account(store: &Store) -> Result<Option<AccountId>> {
    let mut conn = store.reader().await?;
    Ok(accounts::first(&mut conn).await?)
}

fn check_account(settings: &Settings, account: &AccountId) -> Result<()> {
    match &settings.account_id {
        Some(wanted) if wanted != account => {
            bail!(
                "account_id is {wanted}, but this database was made with the account {account}; leave account_id away"
            )
        }
        _ => Ok(()),
    }
}

fn fixed(settings: &Settings) -> Option<Credentials> {
    let (id, secret) = (settings.root_access_key_id.as_ref()?, settings.root_access_key_secret.as_ref()?);
    Some(Credentials {
        access_key_id: id.clone(),
        access_key_secret: copy(secret),
        endpoint: String::new(),
        region: String::new(),
    })
}

fn draw() -> Result<Credentials> {
    let (access_key_id, access_key_secret) = access_key::draw(&SystemRandom)?;
    Ok(Credentials { access_key_id, access_key_secret, endpoint: String::new(), region: String::new() })
}

fn random_account() -> Result<AccountId> {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes)?;
    Ok(AccountId::from_random(bytes))
}

/// EXPOSE: a secret has no `Clone`; the few places that need it twice are here.
fn copy(secret: &SecretText) -> SecretText {
    SecretText::new(secret.expose().to_owned())
}
