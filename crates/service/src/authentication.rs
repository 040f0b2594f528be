//! Authentication: whose access key signed a request, and whether the signature is right.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::digest;
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_crypto::secret::SecretText;
use sesame_domain::{AccountId, Timestamp};
use sesame_store::{Change, Store, access_keys, accounts, ram_access_keys, ram_roles};

use crate::cached::Cached;
use crate::error::{Code, KmsError, Result};
use crate::last_used::{LastUsed, Noted, Owner};
use crate::nonces::Nonces;
use crate::request::{AcsAlgorithm, AcsScope, Identity, Principal, Signature, SignedRequest, UserIdentity, V1Method};
use crate::sessions::{Session, is_temporary};
use crate::tokens::Tokens;

/// Access keys kept ready in memory.
const ACCESS_KEYS_CACHED: usize = 4_096;
/// Sessions kept ready in memory: 4 KiB of token and as much of policy for each at most.
const SESSIONS_CACHED: usize = 4_096;
/// Longest nonce, in bytes; no length is documented, SDKs send 32 to 64 characters.
const NONCE_BYTES: usize = 256;

/// Checks who sent a request.
#[derive(Debug)]
pub(crate) struct Authenticator {
    store: Store,
    access_keys: Cached<String, Arc<AccessKey>>,
    sessions: Cached<String, Arc<OpenSession>>,
    tokens: Arc<Tokens>,
    window_seconds: i64,
    require_nonce: bool,
    pub(crate) nonces: Nonces,
    pub(crate) last_used: LastUsed,
}

/// An access key with its HMAC states prepared: ACS3 signs under the secret, V1 under the secret and `&`.
#[derive(Debug)]
struct AccessKey {
    account: AccountId,
    identity: Identity,
    active: bool,
    secret: SecretText,
    acs3_sha256: HmacKey,
    v1_sha1: HmacKey,
    noted: Noted,
}

/// A session whose token was opened, and whose role was there.
#[derive(Debug)]
struct OpenSession {
    key: AccessKey,
    token: SecretText,
    expires_at: Timestamp,
}

/// What a request signs with.
enum Signer {
    Permanent(Arc<AccessKey>),
    Temporary(Arc<OpenSession>),
}

impl Signer {
    fn key(&self) -> &AccessKey {
        match self {
            Self::Permanent(key) => key,
            Self::Temporary(session) => &session.key,
        }
    }
}

impl AccessKey {
    fn new(account: AccountId, identity: Identity, active: bool, secret: SecretText) -> Self {
        Self {
            // EXPOSE: the HMAC states are derived from the bytes of the secret and live as long as it does.
            acs3_sha256: HmacKey::new(HmacHash::Sha256, secret.expose().as_bytes()),
            v1_sha1: Self::v1_key(HmacHash::Sha1, secret.expose()),
            account,
            identity,
            active,
            secret,
            noted: Noted::default(),
        }
    }

    fn owner(&self) -> Owner {
        if matches!(self.identity, Identity::Root) { Owner::Root } else { Owner::User }
    }

    fn v1_key(hash: HmacHash, secret: &str) -> HmacKey {
        let key = SecretText::new(format!("{secret}&"));
        // EXPOSE: as above; the joined text is wiped when it is dropped.
        HmacKey::new(hash, key.expose().as_bytes())
    }
}

impl Authenticator {
    /// Accepts time stamps that are at most `window_seconds` away from the clock, and holds `nonce_capacity` nonces.
    pub(crate) fn new(
        store: Store,
        tokens: Arc<Tokens>,
        window_seconds: i64,
        require_nonce: bool,
        nonce_capacity: usize,
    ) -> Self {
        Self {
            store,
            access_keys: Cached::new(ACCESS_KEYS_CACHED),
            sessions: Cached::new(SESSIONS_CACHED),
            tokens,
            window_seconds,
            require_nonce,
            nonces: Nonces::new(window_seconds, nonce_capacity),
            last_used: LastUsed::default(),
        }
    }

    /// Checks credential, token, time stamp, signature and nonce, in this order (gateway reference, 2.7).
    pub(crate) async fn authenticate(&self, request: &SignedRequest<'_>, now: Timestamp) -> Result<Principal> {
        let signer = self.signer(request, now).await?;
        let key = signer.key();
        let stamp = request.timestamp.filter(|text| !text.is_empty()).ok_or(Code::IllegalTimestamp)?;
        let stamp = Timestamp::parse(stamp).map_err(|_| Code::InvalidTimeStampFormat)?;
        if stamp.seconds().abs_diff(now.seconds()) > self.window_seconds.unsigned_abs() {
            return Err(Code::InvalidTimeStampExpired.into());
        }
        verify(key, &request.signature)?;
        match request.nonce.filter(|nonce| !nonce.is_empty()) {
            Some(nonce) if nonce.len() <= NONCE_BYTES => {
                self.nonces.record(request.access_key_id, nonce, stamp, now)?;
            }
            Some(_) => {
                return Err(KmsError::invalid(
                    "SignatureNonce",
                    format!("it may have {NONCE_BYTES} characters at most"),
                ));
            }
            None if self.require_nonce => {
                return Err(KmsError::new(Code::IncompleteSignature, "This server demands a signature nonce."));
            }
            None => {}
        }
        self.last_used.note(&key.noted, key.owner(), request.access_key_id, now);
        Ok(Principal {
            account: key.account.clone(),
            access_key_id: request.access_key_id.into(),
            identity: key.identity.clone(),
        })
    }

    /// Whether an access key was used here lately; the database is not asked.
    pub(crate) fn knows(&self, access_key_id: &str) -> bool {
        self.access_keys.get(access_key_id).is_some() || self.sessions.get(access_key_id).is_some()
    }

    /// The key that a request says it is signed with, if it may be used.
    async fn signer(&self, request: &SignedRequest<'_>, now: Timestamp) -> Result<Signer> {
        let (id, token) = (request.access_key_id, request.security_token.filter(|token| !token.is_empty()));
        if is_temporary(id) {
            let session = self.session(id, token.ok_or(Code::MissingSecurityToken)?, now).await?;
            return Ok(Signer::Temporary(session));
        }
        let key = self.access_key(id).await?.ok_or(Code::InvalidAccessKeyIdNotFound)?;
        if !key.active {
            return Err(Code::InvalidAccessKeyIdInactive.into());
        }
        if token.is_some() {
            // The access key is a permanent one, so no token was ever issued for it.
            return Err(Code::InvalidSecurityTokenMismatch.into());
        }
        Ok(Signer::Permanent(key))
    }

    /// The session of a token, which must have been issued for this access key, not be over, and be of a role that is
    /// still there.
    async fn session(&self, id: &str, token: &str, now: Timestamp) -> Result<Arc<OpenSession>> {
        let current = self.store.is_current();
        if current
            && let Some(open) = self.sessions.get(id)
            && open.token.ct_eq(token)
        {
            return if now < open.expires_at { Ok(open) } else { Err(Code::InvalidSecurityTokenExpired.into()) };
        }
        let ticket = self.sessions.ticket(id);
        let session = Session::open(&self.tokens, token).await?.ok_or(Code::InvalidSecurityTokenMalformed)?;
        if session.access_key_id != id {
            return Err(Code::InvalidSecurityTokenMismatch.into());
        }
        if now >= session.expires_at {
            return Err(Code::InvalidSecurityTokenExpired.into());
        }
        let mut conn = self.store.reader().await?;
        if accounts::is_enabled(&mut conn, &session.account).await? != Some(true) {
            // As with the permanent keys of the account.
            return Err(Code::InvalidAccessKeyIdInactive.into());
        }
        let role = ram_roles::by_id(&mut conn, &session.role_id).await?;
        if role.is_none_or(|role| role.account != session.account) {
            // No page says what a token of a deleted role gets. Its end came early: clients that fetch new credentials
            // then learn from AssumeRole that there is no such role.
            let message = "Specified SecurityToken is expired: its role was deleted.";
            return Err(KmsError::new(Code::InvalidSecurityTokenExpired, message));
        }
        let identity = Identity::Session(Arc::new(session.identity()));
        let open = Arc::new(OpenSession {
            expires_at: session.expires_at,
            token: SecretText::new(token.to_owned()),
            key: AccessKey::new(session.account, identity, true, session.secret),
        });
        if current {
            self.sessions.keep(ticket, id.to_owned(), Arc::clone(&open));
        }
        Ok(open)
    }

    async fn access_key(&self, id: &str) -> Result<Option<Arc<AccessKey>>> {
        let current = self.store.is_current();
        if current && let Some(key) = self.access_keys.get(id) {
            return Ok(Some(key));
        }
        let ticket = self.access_keys.ticket(id);
        let Some(key) = self.read(id).await?.map(Arc::new) else { return Ok(None) };
        if current {
            self.access_keys.keep(ticket, id.to_owned(), Arc::clone(&key));
        }
        Ok(Some(key))
    }

    async fn read(&self, id: &str) -> Result<Option<AccessKey>> {
        let mut conn = self.store.reader().await?;
        let key = match access_keys::get(&mut conn, id).await? {
            Some(of_root) => AccessKey::new(of_root.account, Identity::Root, of_root.active, of_root.secret),
            None => {
                let Some(found) = ram_access_keys::get(&mut conn, id).await? else { return Ok(None) };
                let user = UserIdentity { id: found.key.user, name: found.user_name };
                AccessKey::new(found.key.account, Identity::User(Arc::new(user)), found.key.active, found.key.secret)
            }
        };
        // An account that is disabled has no access keys that work.
        let is_enabled = accounts::is_enabled(&mut conn, &key.account).await? == Some(true);
        Ok(Some(AccessKey { active: key.active && is_enabled, ..key }))
    }

    /// Forgets what a committed change has replaced.
    pub(crate) fn forget(&self, change: &Change) {
        match change {
            Change::AccessKey(id) => self.access_keys.invalidate(id.as_str()),
            // Among them may be that a role was deleted; what is forgotten is opened again at the next request.
            Change::Identities(_) => self.sessions.clear(),
            Change::Account(_) | Change::Everything => {
                self.access_keys.clear();
                self.sessions.clear();
            }
            _ => {}
        }
    }
}

fn verify(key: &AccessKey, signature: &Signature<'_>) -> Result<()> {
    match signature {
        Signature::V1 { method, string_to_sign, alternative, signature } => {
            let sha256;
            let mac = match method {
                V1Method::HmacSha1 => &key.v1_sha1,
                V1Method::HmacSha256 => {
                    // EXPOSE: no client signs so by default; the state is made per call.
                    sha256 = AccessKey::v1_key(HmacHash::Sha256, key.secret.expose());
                    &sha256
                }
            };
            let Ok(sent) = STANDARD.decode(signature) else { return Err(v1_mismatch(string_to_sign)) };
            let matches = |text: &str| mac.verify(&[text.as_bytes()], &sent);
            if matches(string_to_sign) || alternative().is_some_and(|text| matches(&text)) {
                Ok(())
            } else {
                Err(v1_mismatch(string_to_sign))
            }
        }
        Signature::Acs { algorithm, canonical_request, alternative, payload_hash, body, signature, scope } => {
            let hash = match algorithm {
                AcsAlgorithm::Acs3HmacSha256 | AcsAlgorithm::Acs4HmacSha256 => Hash::Sha256,
                AcsAlgorithm::Acs3HmacSm3 | AcsAlgorithm::Acs4HmacSm3 => Hash::Sm3,
            };
            let derived;
            let mac = match (algorithm, scope) {
                (AcsAlgorithm::Acs3HmacSha256, _) => &key.acs3_sha256,
                (AcsAlgorithm::Acs3HmacSm3, _) => {
                    // EXPOSE: rare; the state is made per call.
                    derived = HmacKey::new(HmacHash::Sm3, key.secret.expose().as_bytes());
                    &derived
                }
                (AcsAlgorithm::Acs4HmacSha256 | AcsAlgorithm::Acs4HmacSm3, Some(scope)) => {
                    derived = acs4_key(hash, &key.secret, scope);
                    &derived
                }
                _ => return Err(Code::IncompleteSignature.into()),
            };
            let Some(sent) = from_hex(signature) else { return Err(acs_mismatch(*algorithm, hash, canonical_request)) };
            let matches = |request: &[u8]| {
                let hex = hash.hex(request);
                mac.verify(&[algorithm.name().as_bytes(), b"\n", &hex], &sent)
            };
            let signed = matches(canonical_request) || alternative().is_some_and(|request| matches(&request));
            // The empty body is by far the most frequent one.
            let payload = if body.is_empty() { hash.hex_of_nothing() } else { hash.hex(body) };
            if signed && payload.as_slice() == payload_hash.as_bytes() {
                Ok(())
            } else {
                Err(acs_mismatch(*algorithm, hash, canonical_request))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sm3,
}

impl Hash {
    fn hex(self, message: &[u8]) -> [u8; 64] {
        to_hex(match self {
            Self::Sha256 => digest::sha256(message),
            Self::Sm3 => digest::sm3(message),
        })
    }

    fn hex_of_nothing(self) -> [u8; 64] {
        *match self {
            Self::Sha256 => b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            Self::Sm3 => b"1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
        }
    }
}

/// The key of ACS4: a chain of HMACs over day, region and product (gateway reference, 2.4).
fn acs4_key(hash: Hash, secret: &SecretText, scope: &AcsScope<'_>) -> HmacKey {
    let hash = match hash {
        Hash::Sha256 => HmacHash::Sha256,
        Hash::Sm3 => HmacHash::Sm3,
    };
    // EXPOSE: the first key of the chain is the secret with a prefix; wiped when it is dropped.
    let first = SecretText::new(format!("aliyun_v4{}", secret.expose()));
    let first = HmacKey::new(hash, first.expose().as_bytes());
    [scope.day, scope.region, scope.product, "aliyun_v4_request"]
        .into_iter()
        .fold(first, |key, part| HmacKey::new(hash, key.sign(&[part.as_bytes()]).as_bytes()))
}

/// Three SDKs look for this text and compare what follows with their own, to tell a wrong secret from a wrong string.
fn v1_mismatch(string_to_sign: &str) -> KmsError {
    KmsError::new(
        Code::SignatureDoesNotMatch,
        format!("Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"),
    )
}

fn acs_mismatch(algorithm: AcsAlgorithm, hash: Hash, canonical_request: &[u8]) -> KmsError {
    let hex = hash.hex(canonical_request);
    KmsError::new(
        Code::SignatureDoesNotMatch,
        format!(
            "Specified signature does not match our calculation. server StringToSign is [{}\n{}] server CanonicalRequest is [{}]",
            algorithm.name(),
            String::from_utf8_lossy(&hex),
            String::from_utf8_lossy(canonical_request),
        ),
    )
}

fn to_hex(bytes: [u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 64];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            *high = DIGITS.get(usize::from(byte >> 4)).copied().unwrap_or_default();
            *low = DIGITS.get(usize::from(byte & 15)).copied().unwrap_or_default();
        }
    }
    hex
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_written_and_read() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7).unwrap());
        let text = String::from_utf8(to_hex(bytes).to_vec()).unwrap();
        assert_eq!(from_hex(&text), Some(bytes));
        assert_eq!(from_hex(&text.replace('0', "g")), None);
        assert_eq!(from_hex("00"), None);
    }
}
