//! What the server does of its own accord, recorded like a call.

use sesame_audit::json;
use sesame_domain::{AccountId, Timestamp};

/// The type of a key in events.
pub(crate) const KEY: &str = "ACS::KMS::Key";
/// The type of a secret in events.
pub(crate) const SECRET: &str = "ACS::KMS::Secret";

/// What the server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerAction {
    /// Destroyed a key at the end of its deletion window.
    DeleteKey,
    /// Made a new version of a key.
    RotateKey,
    /// Erased imported key material that had expired.
    DeleteKeyMaterial,
    /// Removed a secret at the end of its recovery window.
    DeleteSecret,
    /// Removed an access key of a user that a rotation had replaced.
    DeleteAccessKey,
}

impl ServerAction {
    /// The name of the event.
    fn name(self) -> &'static str {
        match self {
            Self::DeleteKey => "DeleteKey",
            Self::RotateKey => "RotateKey",
            Self::DeleteKeyMaterial => "DeleteKeyMaterial",
            Self::DeleteSecret => "DeleteSecret",
            Self::DeleteAccessKey => "DeleteAccessKey",
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::DeleteKey | Self::RotateKey | Self::DeleteKeyMaterial => KEY,
            Self::DeleteSecret => SECRET,
            Self::DeleteAccessKey => "ACS::RAM::AccessKey",
        }
    }
}

/// Something that the server did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerEvent<'a> {
    /// What it was.
    pub(crate) action: ServerAction,
    /// The account of the resource.
    pub(crate) account: &'a AccountId,
    /// The id of the key or the name of the secret.
    pub(crate) resource: &'a str,
}

impl ServerEvent<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>, region: &str, request_id: &str, now: Timestamp) {
        let Self { action, account, resource } = self;
        out.extend_from_slice(b"{\"eventTime\":\"");
        json::time(out, now.millis());
        out.extend_from_slice(b"\",\"eventName\":\"");
        out.extend_from_slice(action.name().as_bytes());
        out.extend_from_slice(b"\",\"eventRW\":\"Write\",\"eventType\":\"AliyunServiceEvent\",\"acsRegion\":\"");
        out.extend_from_slice(region.as_bytes());
        out.extend_from_slice(b"\",\"requestId\":\"");
        out.extend_from_slice(request_id.as_bytes());
        out.extend_from_slice(b"\",\"sourceIpAddress\":\"Internal\",\"userAgent\":\"Sesame\",\"userIdentity\":");
        out.extend_from_slice(b"{\"type\":\"system\",\"userName\":\"Sesame\",\"accountId\":\"");
        out.extend_from_slice(account.as_str().as_bytes());
        out.extend_from_slice(b"\"},\"requestParameters\":{},\"resources\":[[\"");
        out.extend_from_slice(action.resource().as_bytes());
        out.extend_from_slice(b"\",");
        json::text(out, resource.as_bytes());
        out.extend_from_slice(b"]]}");
    }
}
