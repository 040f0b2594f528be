//! The one path of every call: decode, authorize, check, execute.

use crate::authorize::{Granted, authorize};
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::Operation;
use crate::params::{Params, Request};
use crate::registry::Answer;

/// Runs a call of operation `O`.
pub(crate) async fn run<O: Operation>(cx: &Context<'_>, params: &Params<'_>) -> Result<Answer> {
    let request = match O::Request::decode(params).and_then(|request| O::validate(&request).map(|()| request)) {
        Ok(request) => request,
        Err(error) if is_marked_dry_run::<O>(params) => return Err(rehearsed(error)),
        Err(error) => return Err(error),
    };
    let granted = authorize_and_check::<O>(cx, &request).await;
    if O::is_dry_run(&request) {
        return Err(granted.map_or_else(rehearsed, |_| Code::DryRunOperation.into()));
    }
    O::run(cx, granted?, request).await.map(Answer::new::<O>)
}

async fn authorize_and_check<O: Operation>(cx: &Context<'_>, request: &O::Request) -> Result<Granted> {
    let granted = authorize::<O>(cx, request).await?;
    cx.touches(&granted);
    O::check(request, &granted)?;
    for key in granted.keys() {
        key.key.state_at(cx.now()).permits(O::NAME)?;
    }
    Ok(granted)
}

/// Whether a call that could not be decoded asked for a rehearsal all the same.
fn is_marked_dry_run<O: Operation>(params: &Params<'_>) -> bool {
    O::Request::SPECS.iter().any(|spec| spec.name == "DryRun")
        && params.get("DryRun").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// What a rehearsal says instead of an error: permission and validity, nothing finer. Failures of the service itself
/// stay what they are.
fn rehearsed(error: KmsError) -> KmsError {
    match error.code {
        Code::NoPermission | Code::NoPermissionAsBadRequest => {
            KmsError { denied: error.denied, ..Code::AccessDenied.into() }
        }
        Code::InternalFailure | Code::ServiceUnavailableTemporary | Code::Throttling => error,
        _ => KmsError {
            message: format!("{} {}", Code::Validation.message(), error.message).into(),
            ..Code::Validation.into()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::crypto::{Decrypt, Encrypt, GenerateDataKey};
    use crate::ops::secrets::GetSecretValue;

    /// The largest piece that glibc's malloc takes from what a thread has at hand (`tcache`), in bytes.
    const AT_HAND: usize = 1_032;

    fn size<'a, F>(_: impl FnOnce(&'a Context<'a>, &'a Params<'a>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_futures_of_the_busiest_calls_fit_what_a_thread_has_at_hand() {
        let sizes = [
            ("Encrypt", size(run::<Encrypt>)),
            ("Decrypt", size(run::<Decrypt>)),
            ("GenerateDataKey", size(run::<GenerateDataKey>)),
            ("GetSecretValue", size(run::<GetSecretValue>)),
        ];
        for (name, size) in sizes {
            assert!(size <= AT_HAND, "the future of {name} has {size} bytes: box what it waits for rarely");
        }
    }
}
