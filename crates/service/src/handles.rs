//! Credentials that clients get with a URL instead of asking STS for them (access-control reference, 1.5).
//!
//! Whoever knows the URL gets the credentials, so its end is a handle that nobody can guess, which the operator of the
//! server has chosen. A role is handed out like this only if it trusts machines, as the role of an ECS instance does: the
//! operator cannot hand out what the account has not made for it.

use std::fmt;
use std::sync::OnceLock;

use parking_lot::Mutex;
use sesame_crypto::digest::sha256;
use sesame_crypto::secret::SecretText;
use sesame_domain::AccountId;
use sesame_domain::ram::RoleName;

use crate::audit::Recorded;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::ops::sts::{HandedOut, hand_out};
use crate::params::Params;
use crate::registry;
use crate::request::{Call, Source};

/// Credentials that whoever knows the secret gets.
#[derive(Debug)]
pub struct Handle {
    /// The name of the sessions, in the audit trail.
    pub name: String,
    /// The end of the URL.
    pub secret: SecretText,
    /// The account of the role.
    pub account: AccountId,
    /// The role.
    pub role: RoleName,
    /// How long the credentials work, in seconds, if the role allows it.
    pub seconds: u32,
}

/// All handles, by the digest of their secret: so that no comparison tells how much of a guess was right.
#[derive(Default)]
pub(crate) struct Handles(OnceLock<Vec<([u8; 32], Handle)>>);

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handles")
    }
}

impl Handles {
    fn find(&self, secret: &str) -> Option<&Handle> {
        let digest = sha256(secret.as_bytes());
        let handles = self.0.get()?;
        handles.iter().find(|(of, _)| *of == digest).map(|(_, handle)| handle)
    }
}

impl crate::Service {
    /// Sets what is handed out; the first list stays.
    pub fn set_handles(&self, handles: Vec<Handle>) {
        // EXPOSE: hashed.
        let hashed = handles.into_iter().map(|handle| (sha256(handle.secret.expose().as_bytes()), handle));
        let _ = self.handles.0.set(hashed.collect());
    }

    /// New credentials for whoever knows the secret of a handle.
    ///
    /// # Errors
    /// `InvalidAccessKeyId.NotFound` when there is no such handle, `NoPermission` when the role does not trust machines,
    /// and as AssumeRole.
    pub async fn hand_out(&self, secret: &str, source: Source<'_>, request_id: &str) -> Result<HandedOut> {
        self.audit.ready()?;
        let principal = self.anonymous(source.address)?;
        let now = self.clock.now();
        let Some(handle) = self.handles.find(secret) else {
            let code = Code::InvalidAccessKeyIdNotFound;
            self.brake.failed(source.address, "", now, code);
            return Err(KmsError::new(code, "There are no credentials of this handle."));
        };
        let operation = registry::resolve("2015-04-01", "AssumeRole").map_err(|_| Code::InvalidActionNotFound)?;
        let arn = format!("acs:ram::{}:role/{}", handle.account, handle.role);
        let params = Params::new(vec![
            ("RoleArn".into(), arn.as_str().into()),
            ("RoleSessionName".into(), handle.name.as_str().into()),
        ]);
        let cx = Context {
            service: self,
            operation,
            principal: &principal,
            source,
            request_id,
            now,
            touched: Mutex::default(),
        };
        let handed = hand_out(&cx, handle).await;
        // As if STS had been asked, and as there, what is not recorded is not handed out.
        let call = Call { operation, params: &params, principal: &principal, source, request_id };
        let touched = std::mem::take(&mut *cx.touched.lock());
        let (answer, result) = match handed {
            Ok(handed) => (Ok(registry::Answer::unseen()), Ok(handed)),
            Err(error) => (Err(KmsError::new(error.code, error.message.clone())), Err(error)),
        };
        let recorded = Recorded::of_call(&call, now, Some(&touched), &answer);
        self.audit.record(recorded).await.and(result)
    }
}
