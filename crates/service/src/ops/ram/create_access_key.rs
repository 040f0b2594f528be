//! `CreateAccessKey`: gives a RAM user, or the account itself, an access key.

use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::secret::SecretText;
use sesame_derive::Params;
use sesame_domain::ram::{UserName, access_key};
use sesame_store::access_keys::{self, AccessKeyRecord};
use sesame_store::ram_access_keys::{self, UserAccessKey};

use super::holder::{Holder, Whose};
use super::params::Status;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::quotas::Resource;
use crate::registry::Product;
use crate::values::Reveal;

pub(crate) struct CreateAccessKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user; the caller when it is not given.
    user_name: Option<UserName>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    access_key: NewAccessKey,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewAccessKey {
    access_key_id: String,
    access_key_secret: Reveal,
    status: &'static str,
    create_date: String,
}

impl Operation for CreateAccessKey {
    const NAME: &'static str = "CreateAccessKey";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Gives a RAM user, or the caller, an access key; its secret is told this once.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Whose::target(request.user_name.as_ref())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let (whose, limits, now) = (Whose::of(cx, request.user_name), cx.service.limits, cx.now());
        let (id, secret) = access_key::draw(cx.random())?;
        let drawn = Arc::new((id.clone(), copy(&secret)));
        cx.store()
            .write(move |tx| {
                let (whose, drawn) = (whose.clone(), Arc::clone(&drawn));
                Box::pin(async move {
                    let (id, secret) = &*drawn;
                    let holder = whose.find(tx).await?;
                    let resource = match holder {
                        Holder::User(_) => Resource::AccessKeysOfUser,
                        Holder::Root(_) => Resource::AccessKeysOfRoot,
                    };
                    if let Some(quota) = limits.quota(resource) {
                        let there = holder.access_keys(tx).await?.len();
                        quota.admit_beside(i64::try_from(there).unwrap_or(i64::MAX))?;
                    }
                    let (id, secret) = (id.clone(), copy(secret));
                    match holder {
                        Holder::User(user) => {
                            let (user, account) = (user.id, user.account);
                            let key = UserAccessKey { id, user, account, secret, active: true, created_at: now };
                            ram_access_keys::insert(tx, &key).await?;
                        }
                        Holder::Root(account) => {
                            let key = AccessKeyRecord { id, account, secret, active: true, created_at: now };
                            access_keys::insert(tx, &key).await?;
                        }
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        // The answer is not recorded, for its secret; which key was made, the trail must know.
        cx.remark(serde_json::json!({ "UserAccessKeyId": id }));
        Ok(Response {
            access_key: NewAccessKey {
                access_key_id: id,
                access_key_secret: Reveal(secret),
                status: Status::Active.name(),
                create_date: now.to_string(),
            },
        })
    }
}

/// EXPOSE: a secret has no `Clone`; a transaction that is run twice needs it twice, and the answer once more.
fn copy(secret: &SecretText) -> SecretText {
    SecretText::new(secret.expose().to_owned())
}
