//! `DeleteAccessKey`: removes an access key.

use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::{access_keys, ram_access_keys};

use super::holder::{Holder, Whose};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::registry::Product;

pub(crate) struct DeleteAccessKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user; the caller when it is not given.
    user_name: Option<UserName>,
    /// The id of the access key.
    user_access_key_id: String,
}

impl Operation for DeleteAccessKey {
    const NAME: &'static str = "DeleteAccessKey";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Removes an access key, for good and with the next call; it may be in use.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Whose::target(request.user_name.as_ref())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (whose, id) = (Whose::of(cx, request.user_name), request.user_access_key_id);
        cx.store()
            .write(move |tx| {
                let (whose, id) = (whose.clone(), id.clone());
                Box::pin(async move {
                    let holder = whose.find(tx).await?;
                    holder.access_key(tx, &id).await?;
                    match holder {
                        Holder::User(user) => ram_access_keys::delete(tx, &user.id, &id).await?,
                        Holder::Root(_) => access_keys::delete(tx, &id).await?,
                    };
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
