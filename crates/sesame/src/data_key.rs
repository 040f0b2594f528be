//! `sesame data-key`: adds a version to a managed data key, which no operation of the API does.

use anyhow::{Context as _, Result, bail};
use sesame_domain::AccountId;

use crate::cli::DataKeyArguments;
use crate::serve;

/// Adds the version and answers what to tell the operator.
pub(crate) fn run(arguments: &DataKeyArguments) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(add(arguments))
}

async fn add(arguments: &DataKeyArguments) -> Result<String> {
    let (service, store) = serve::open(&arguments.server).await?;
    let account = match &arguments.account {
        Some(account) => account.parse::<AccountId>().context("an account id has 16 digits")?,
        None => match sesame_store::accounts::first(&mut store.reader().await?).await? {
            Some(account) => account,
            None => bail!("this database has no account yet; run sesame serve first"),
        },
    };
    let name = &arguments.name;
    let version = service.add_managed_data_key_version(&account, name).await?;
    store.close().await;
    Ok(format!(
        "version {version} of the data key {name}\nsesame call GetManagedDataKey --DataKeyName {name} --UseLatest true\n"
    ))
}
