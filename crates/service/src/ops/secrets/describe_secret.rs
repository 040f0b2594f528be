//! `DescribeSecret`: everything about a secret but its values.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::secret::SecretRef;
use sesame_domain::tag::ResourceType;
use sesame_store::tags;

use super::{RotationFields, Tags};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct DescribeSecret;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// Whether to answer the tags too.
    fetch_tags: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    arn: String,
    secret_name: String,
    secret_type: &'static str,
    description: String,
    encryption_key_id: String,
    #[serde(rename = "DKMSInstanceId", skip_serializing_if = "String::is_empty")]
    dkms_instance_id: String,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_delete_time: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    owing_service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    extended_config: String,
    #[serde(flatten)]
    rotation: RotationFields,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

impl Operation for DescribeSecret {
    const NAME: &'static str = "DescribeSecret";
    const SUMMARY: &'static str = "Describes a secret without its values.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let secret = on.secret()?.secret.clone();
        let tags = if request.fetch_tags == Some(true) {
            let mut conn = cx.store().reader().await?;
            let found = tags::list(&mut conn, &secret.account, ResourceType::Secret, secret.name.as_str()).await?;
            Some(found.into_iter().collect())
        } else {
            None
        };
        Ok(Response {
            arn: cx.arn(&secret.account, format_args!("secret/{}", secret.name)),
            secret_name: secret.name.to_string(),
            secret_type: secret.kind.name(),
            rotation: RotationFields::of(&secret),
            description: secret.description,
            encryption_key_id: secret.key.to_string(),
            dkms_instance_id: secret.instance_id,
            create_time: secret.created_at.to_string(),
            update_time: secret.updated_at.to_string(),
            planned_delete_time: secret.delete_at.map(|time| time.to_string()),
            owing_service: secret.owing_service,
            extended_config: secret.extended_config,
            tags,
        })
    }
}
