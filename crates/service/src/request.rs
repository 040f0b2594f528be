//! What a gateway hands over: a signed request to authenticate, then a call to run.

use std::net::IpAddr;
use std::sync::Arc;

use sesame_domain::ram::{IdentityId, RoleName, RoleSessionName, UserName};
use sesame_domain::{AccountId, Timestamp};
use sesame_policy::{Caller, PolicySet};

use crate::params::Params;
use crate::registry::Entry;

/// Everything a gateway read about who sent a request and how it was signed. Nothing in it has been checked.
#[derive(Debug)]
pub struct SignedRequest<'a> {
    /// The peer's address.
    pub address: IpAddr,
    /// The access key id.
    pub access_key_id: &'a str,
    /// The STS token, when one was sent.
    pub security_token: Option<&'a str>,
    /// The time stamp as sent.
    pub timestamp: Option<&'a str>,
    /// The nonce, when one was sent.
    pub nonce: Option<&'a str>,
    /// The form of the signature, with the text that it signs.
    pub signature: Signature<'a>,
}

/// A signature and the text that it signs (gateway reference, section 2).
pub enum Signature<'a> {
    /// V1: HMAC under the secret and `&` over the string to sign; Base64.
    V1 {
        /// HMAC-SHA1 or HMAC-SHA256.
        method: V1Method,
        /// The string to sign.
        string_to_sign: &'a str,
        /// The string to sign in the second form that some clients use, made only when the first does not match.
        alternative: &'a (dyn Fn() -> Option<String> + Sync),
        /// The signature as sent, still Base64.
        signature: &'a str,
    },
    /// ACS3 or ACS4: HMAC over the algorithm's name and the hash of the canonical request; lower-case hex.
    Acs {
        /// The algorithm.
        algorithm: AcsAlgorithm,
        /// The canonical request with the payload hash that the client claimed as its last line.
        canonical_request: &'a [u8],
        /// The canonical request in the second form that some clients use, made only when the first does not match.
        alternative: &'a (dyn Fn() -> Option<Vec<u8>> + Sync),
        /// The payload hash that the client claimed; compared with the hash of `body`.
        payload_hash: &'a str,
        /// The body as received.
        body: &'a [u8],
        /// The signature as sent, hex.
        signature: &'a str,
        /// Day, region and product of an ACS4 credential scope; the key is derived from them.
        scope: Option<AcsScope<'a>>,
    },
}

impl std::fmt::Debug for Signature<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V1 { .. } => "V1",
            Self::Acs { .. } => "Acs",
        })
    }
}

/// The MAC of a V1 signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V1Method {
    /// `HMAC-SHA1`.
    HmacSha1,
    /// `HMAC-SHA256`.
    HmacSha256,
}

/// The algorithm of an ACS signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcsAlgorithm {
    /// `ACS3-HMAC-SHA256`.
    Acs3HmacSha256,
    /// `ACS3-HMAC-SM3`.
    Acs3HmacSm3,
    /// `ACS4-HMAC-SHA256`.
    Acs4HmacSha256,
    /// `ACS4-HMAC-SM3`.
    Acs4HmacSm3,
}

impl AcsAlgorithm {
    /// Every algorithm that is accepted.
    pub const ALL: [Self; 4] = [Self::Acs3HmacSha256, Self::Acs3HmacSm3, Self::Acs4HmacSha256, Self::Acs4HmacSm3];

    /// The name on the wire, which is also the first line of the string to sign.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acs3HmacSha256 => "ACS3-HMAC-SHA256",
            Self::Acs3HmacSm3 => "ACS3-HMAC-SM3",
            Self::Acs4HmacSha256 => "ACS4-HMAC-SHA256",
            Self::Acs4HmacSm3 => "ACS4-HMAC-SM3",
        }
    }
}

/// The credential scope of an ACS4 signature: `<yyyymmdd>/<region>/<product>/aliyun_v4_request`.
#[derive(Clone, Copy, Debug)]
pub struct AcsScope<'a> {
    /// Eight digits.
    pub day: &'a str,
    /// The region that the client signed for.
    pub region: &'a str,
    /// The product, `Kms`.
    pub product: &'a str,
}

/// Who sent a request, proved by its signature.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The account that acts.
    pub account: AccountId,
    /// The access key that signed.
    pub access_key_id: Box<str>,
    /// Who of the account it is.
    pub identity: Identity,
}

impl Principal {
    /// The account itself.
    pub fn root(account: AccountId, access_key_id: impl Into<Box<str>>) -> Self {
        Self { account, access_key_id: access_key_id.into(), identity: Identity::Root }
    }

    /// Nobody, who sends requests without a signature.
    pub(crate) fn nobody() -> Self {
        Self { account: AccountId::nobody(), access_key_id: "".into(), identity: Identity::Anonymous }
    }

    /// As policies name it.
    pub(crate) fn caller(&self) -> Caller<'_> {
        let account = self.account.as_str();
        match &self.identity {
            Identity::Root => Caller::Root { account },
            Identity::User(user) => Caller::User { account, name: user.name.as_str() },
            Identity::Session(session) => {
                Caller::Session { account, role: session.role_name.as_str(), session: session.name.as_str() }
            }
            // No policy names nobody.
            Identity::Anonymous => Caller::Service { name: "" },
        }
    }
}

/// Who of an account acts (access-control reference, 1.1).
#[derive(Clone, Debug)]
pub enum Identity {
    /// The account itself: it may do everything in it.
    Root,
    /// A user.
    User(Arc<UserIdentity>),
    /// A session of a role.
    Session(Arc<RoleSession>),
    /// Nobody: the request is not signed. Only operations that say so can be called like this.
    Anonymous,
}

/// A user that acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserIdentity {
    /// The id.
    pub id: IdentityId,
    /// The name.
    pub name: UserName,
}

/// A session of a role that acts.
#[derive(Debug)]
pub struct RoleSession {
    /// The id of the role.
    pub role_id: IdentityId,
    /// The name of the role.
    pub role_name: RoleName,
    /// The name of the session.
    pub name: RoleSessionName,
    /// Limits what the session may do to what this allows, too.
    pub policy: Option<PolicySet>,
    /// The identity that the caller of AssumeRole gave; empty for none.
    pub source_identity: String,
    /// When it began.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The peer's address.
    pub address: IpAddr,
    /// Whether it came over TLS.
    pub secure_transport: bool,
    /// The host that the request names.
    pub host: &'a [u8],
    /// What the client calls itself.
    pub user_agent: &'a [u8],
}

/// A request that is authenticated and ready to be decoded, authorized and executed.
#[derive(Debug)]
pub struct Call<'a> {
    /// The operation.
    pub operation: &'static Entry,
    /// Its parameters, not decoded yet.
    pub params: &'a Params<'a>,
    /// Who asks.
    pub principal: &'a Principal,
    /// From where.
    pub source: Source<'a>,
    /// The id of this request: an upper-case UUID.
    pub request_id: &'a str,
}

/// A request that names an operation and is refused before a call is made of it.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The operation.
    pub operation: &'static Entry,
    /// Its parameters, not decoded.
    pub params: &'a Params<'a>,
    /// The access key id that it names; nothing is proved about it.
    pub access_key_id: Option<&'a str>,
    /// From where.
    pub source: Source<'a>,
    /// The id of this request.
    pub request_id: &'a str,
}
