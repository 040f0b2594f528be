//! `UpdateAccessKey`: lets an access key be used, or not.

use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::{access_keys, ram_access_keys};

use super::holder::{Holder, Whose};
use super::params::Status;
use super::refused;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Empty, Operation, Target};
use crate::registry::Product;

pub(crate) struct UpdateAccessKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user; the caller when it is not given.
    user_name: Option<UserName>,
    /// The id of the access key.
    user_access_key_id: String,
    /// `Active` or `Inactive`.
    status: Status,
}

impl Operation for UpdateAccessKey {
    const NAME: &'static str = "UpdateAccessKey";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lets an access key be used, or not; either takes effect with the next call.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Whose::target(request.user_name.as_ref())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let whose = Whose::of(cx, request.user_name);
        let (id, active) = (request.user_access_key_id, request.status == Status::Active);
        cx.store()
            .write(move |tx| {
                let (whose, id) = (whose.clone(), id.clone());
                Box::pin(async move {
                    let holder = whose.find(tx).await?;
                    holder.access_key(tx, &id).await?;
                    let set = match holder {
                        Holder::User(user) => ram_access_keys::set_active(tx, &user.id, &id, active).await,
                        Holder::Root(_) => access_keys::set_active(tx, &id, active).await,
                    };
                    let gone = Code::UserAccessKeyNotExist;
                    set.map_err(|error| refused(error, gone, gone))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
