//! Aliases.

mod create_alias;
mod delete_alias;
mod list_aliases;
mod list_aliases_by_key_id;
mod update_alias;

pub(crate) use create_alias::CreateAlias;
pub(crate) use delete_alias::DeleteAlias;
pub(crate) use list_aliases::ListAliases;
pub(crate) use list_aliases_by_key_id::ListAliasesByKeyId;
pub(crate) use update_alias::UpdateAlias;

use serde::Serialize;
use sesame_domain::alias::Alias;
use sesame_domain::{AccountId, AliasName, Page};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};

/// Refuses the names that belong to service keys.
fn not_reserved(alias: &AliasName) -> Result<()> {
    if alias.is_reserved() {
        return Err(KmsError::invalid("AliasName", "names that begin with alias/acs belong to the service"));
    }
    Ok(())
}

/// Refuses a key of another account: an alias is a name inside its own.
fn own_key(cx: &Context<'_>, on: &Granted) -> Result<()> {
    if on.key()?.key.account == *cx.account() { Ok(()) } else { Err(Code::KeyNotFound.into()) }
}

/// A page of aliases, as ListAliases and ListAliasesByKeyId answer it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AliasPage {
    aliases: Aliases,
    total_count: i64,
    page_number: u32,
    page_size: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aliases {
    alias: Vec<AliasItem>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AliasItem {
    alias_name: String,
    alias_arn: String,
    key_id: String,
}

impl AliasPage {
    fn new(cx: &Context<'_>, account: &AccountId, page: Page, aliases: Vec<Alias>, total_count: i64) -> Self {
        let item = |Alias { name, key }| AliasItem {
            alias_arn: cx.arn(account, &name),
            alias_name: name.to_string(),
            key_id: key.to_string(),
        };
        let alias = aliases.into_iter().map(item).collect();
        Self { aliases: Aliases { alias }, total_count, page_number: page.number, page_size: page.size }
    }
}
