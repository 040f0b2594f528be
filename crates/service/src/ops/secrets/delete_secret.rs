//! `DeleteSecret`: deletes a secret at the end of a recovery window, or at once.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::secret::{DEFAULT_RECOVERY_WINDOW_DAYS, RECOVERY_WINDOW_DAYS, SecretRef};
use sesame_store::secrets;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::secrets::live;

pub(crate) struct DeleteSecret;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// Whether to delete it at once and for ever; RecoveryWindowInDays is ignored then.
    force_delete_without_recovery: Option<bool>,
    /// Days in which RestoreSecret brings it back: 7 to 30, 30 by default.
    recovery_window_in_days: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    secret_name: String,
    planned_delete_time: String,
}

impl Request {
    fn forced(&self) -> bool {
        self.force_delete_without_recovery == Some(true)
    }

    fn window(&self) -> u32 {
        self.recovery_window_in_days.unwrap_or(DEFAULT_RECOVERY_WINDOW_DAYS)
    }
}

impl Operation for DeleteSecret {
    const NAME: &'static str = "DeleteSecret";
    const SUMMARY: &'static str = "Deletes a secret at the end of a window in which it can be restored, or at once.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        if request.forced() || RECOVERY_WINDOW_DAYS.contains(&request.window()) {
            return Ok(());
        }
        Err(KmsError::invalid("RecoveryWindowInDays", "it must be 7 to 30"))
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        if request.forced() { Ok(()) } else { on.secret()?.live() }
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let (id, name) = (on.secret()?.secret.id.clone(), on.secret()?.secret.name.to_string());
        let forced = request.forced();
        let at = if forced { cx.now() } else { cx.now().plus_seconds(i64::from(request.window()) * 86_400) };
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let secret = secrets::get(tx, &id).await?.ok_or(Code::ResourceNotFound)?;
                    if forced {
                        secrets::remove(tx, &secret).await?;
                    } else {
                        live(&secret)?;
                        secrets::set_delete_at(tx, &secret, Some(at)).await?;
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Response { secret_name: name, planned_delete_time: at.to_string() })
    }
}
