//! The last step of every way to assume a role: the credentials.

use serde::Serialize;
use sesame_crypto::secret::SecretText;
use sesame_domain::AccountId;
use sesame_domain::ram::{Role, RoleName, RoleSessionName};
use sesame_policy::Caller;
use sesame_store::{accounts, ram_roles};

use super::params::{SHORTEST_SECONDS, Seconds};
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::handles::Handle;
use crate::sessions::{Session, Terms};
use crate::trust::{self, Applicant};
use crate::values::Reveal;

/// Whom the role of a machine trusts, as that of an ECS instance does.
const MACHINES: &str = "ecs.aliyuncs.com";
/// The length of a session when the caller does not say, unless the role allows less.
const USUAL_SECONDS: u32 = 3_600;

/// What a client signs with from now on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    access_key_id: String,
    access_key_secret: Reveal,
    security_token: Reveal,
    expiration: String,
}

/// Who a client is from now on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssumedRoleUser {
    arn: String,
    assumed_role_id: String,
}

/// The role of a name in an account that may be used.
///
/// # Errors
/// `EntityNotExist.Role`.
pub(super) async fn role(cx: &Context<'_>, account: &AccountId, name: &RoleName) -> Result<Role> {
    let mut conn = cx.store().reader().await?;
    let found = match accounts::is_enabled(&mut conn, account).await? {
        Some(true) => ram_roles::by_name(&mut conn, account, name).await?,
        // The roles of an account that is disabled are as good as gone.
        Some(false) | None => None,
    };
    if found.is_some() {
        // Who assumes it, or tries to, may be of another account, or of none.
        cx.concerns(account);
    }
    found.ok_or_else(|| KmsError::new(Code::RoleNotExist, "The specified Role not exists ."))
}

/// The length of a session, in seconds.
///
/// # Errors
/// `InvalidParameter.DurationSeconds` when it is more than the role allows.
pub(super) fn seconds(role: &Role, wanted: Option<Seconds>) -> Result<u32> {
    match wanted {
        None => Ok(USUAL_SECONDS.min(role.max_session_seconds)),
        Some(Seconds(wanted)) if wanted <= role.max_session_seconds => Ok(wanted),
        Some(_) => Err(KmsError::new(
            Code::InvalidDurationSeconds,
            format!(
                "The Min/Max value of DurationSeconds is {}min/{}hr.",
                SHORTEST_SECONDS / 60,
                f64::from(role.max_session_seconds) / 3_600.0
            ),
        )),
    }
}

/// Begins a session.
pub(super) async fn issue(cx: &Context<'_>, role: &Role, terms: Terms) -> Result<(Credentials, AssumedRoleUser)> {
    let session = Session::begin(cx.random(), role, terms, cx.now())?;
    let user = assumed_role_user(role, &session.name);
    // The secrets of the answer are not recorded; what can be seen of the session later is.
    cx.remark(serde_json::json!({
        "assumedRole": { "arn": user.arn, "assumedRoleId": user.assumed_role_id, "accessKeyId": session.access_key_id }
    }));
    let credentials = Credentials {
        security_token: Reveal(SecretText::new(session.seal(&cx.service.tokens).await?)),
        expiration: session.expires_at.to_string(),
        access_key_id: session.access_key_id,
        access_key_secret: Reveal(session.secret),
    };
    Ok((credentials, user))
}

/// The answer to whoever has the URL of some credentials, in the form that the SDKs read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandedOut {
    code: &'static str,
    #[serde(flatten)]
    credentials: Credentials,
    last_updated: String,
}

/// Begins the session of a handle.
pub(crate) async fn hand_out(cx: &Context<'_>, handle: &Handle) -> Result<HandedOut> {
    let role = role(cx, &handle.account, &handle.role).await?;
    let applicant = Applicant {
        caller: Caller::Service { name: MACHINES },
        source: cx.source,
        now: cx.now(),
        external_id: None,
        source_identity: "",
        token: None,
    };
    if !trust::decide(&role, &applicant).is_allowed() {
        let message = format!("No permission perform sts:AssumeRole on this Role: it does not trust {MACHINES}.");
        return Err(KmsError::new(Code::NotAuthorized, message));
    }
    let terms = Terms {
        name: handle.name.parse().map_err(|_| Code::InvalidRoleSessionName)?,
        seconds: handle.seconds.min(role.max_session_seconds),
        policy: String::new(),
        source_identity: String::new(),
    };
    let (credentials, _) = issue(cx, &role, terms).await?;
    Ok(HandedOut { code: "Success", credentials, last_updated: cx.now().to_string() })
}

fn assumed_role_user(role: &Role, session: &RoleSessionName) -> AssumedRoleUser {
    AssumedRoleUser { arn: format!("{}/{session}", role.arn()), assumed_role_id: format!("{}:{session}", role.id) }
}
