//! What is checked of a policy before a key or a secret gets it (access-control reference, 4.2 and 4.5).

use std::collections::BTreeSet;

use serde_json::json;
use sesame_crypto::digest;
use sesame_domain::AccountId;
use sesame_policy::{Document, Kind, Named};
use sesame_store::{ram_roles, ram_users};

use crate::access::resource_policy;
use crate::authorize::Gate;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::Operation;

/// A policy that a key or a secret is about to get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposed<'a> {
    /// `Kind::Key` or `Kind::Secret`.
    pub(crate) kind: Kind,
    /// The account that owns the key or the secret.
    pub(crate) owner: &'a AccountId,
    /// The text, of the right form.
    pub(crate) text: &'a str,
    /// The text that it replaces.
    pub(crate) replaces: Option<&'a str>,
}

impl Proposed<'_> {
    /// Refuses a policy that names users or roles which its own account does not have, and one after which neither the
    /// root of the account nor the caller could replace it; and says in the audit trail what changes. `O` is the
    /// operation that could replace it.
    pub(crate) async fn admit<O: Operation>(&self, cx: &Context<'_>) -> Result<()> {
        let document =
            Document::parse(self.kind, self.text).map_err(|malformed| KmsError::invalid("Policy", malformed))?;
        self.names_only_known(cx, &document).await?;
        if let Some(policy) = resource_policy(self.kind, "", Some(self.text))
            && Gate::of::<O>(cx, None).await?.locks_out(self.owner, &policy)
        {
            let reason = "neither the root of the account nor you could replace it; allow or do not deny";
            return Err(KmsError::invalid(
                "Policy",
                format_args!("{reason} {}:{}", O::PRODUCT.action_prefix(), O::NAME),
            ));
        }
        let foreign: BTreeSet<_> = document.accounts().filter(|account| *account != self.owner.as_str()).collect();
        let hash = |text: &str| digest::to_hex(&digest::sha256(text.as_bytes()));
        cx.remark(json!({
            "policySha256": hash(self.text),
            "replacedPolicySha256": self.replaces.map(hash),
            "foreignAccounts": foreign,
        }));
        Ok(())
    }

    /// Whether identities of other accounts exist cannot be found out.
    async fn names_only_known(&self, cx: &Context<'_>, document: &Document) -> Result<()> {
        let mut conn = cx.store().reader().await?;
        for named in document.identities() {
            let (kind, name, is_known) = match named {
                Named::User { account, name } if account == self.owner.as_str() => {
                    let found = match name.parse() {
                        Ok(name) => ram_users::by_name(&mut conn, self.owner, &name).await?.is_some(),
                        Err(_) => false,
                    };
                    ("user", name, found)
                }
                Named::Role { account, name } if account == self.owner.as_str() => {
                    let found = match name.parse() {
                        Ok(name) => ram_roles::by_name(&mut conn, self.owner, &name).await?.is_some(),
                        Err(_) => false,
                    };
                    ("role", name, found)
                }
                Named::User { .. } | Named::Role { .. } => continue,
            };
            if !is_known {
                let reason = format!("the account has no {kind} {name:?}; make it first, or take it out");
                return Err(KmsError::invalid("Policy", reason));
            }
        }
        Ok(())
    }
}
