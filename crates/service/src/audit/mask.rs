//! How values appear in the trail (access control reference, 6.4).

use std::fmt;

use sesame_audit::json;
use sesame_crypto::HmacKey;

use crate::params::{ParamSpec, Sensitivity};

/// Clear values that are longer are hashed: nobody reads them in a record.
const LONGEST_CLEAR: usize = 4_096;
/// What stands for a value that is dropped.
const DROPPED: &[u8] = b"\"***\"";

/// Parameters whose type does not say how sensitive they are.
const BY_NAME: &[(&str, Sensitivity)] = &[
    ("AccessKeySecret", Sensitivity::Dropped),
    ("EncryptedKeyMaterial", Sensitivity::Dropped),
    ("ImportToken", Sensitivity::Dropped),
    ("OIDCToken", Sensitivity::Dropped),
    ("Password", Sensitivity::Dropped),
    ("Recipient", Sensitivity::Hashed),
];

/// Members of responses: everything that is not here is clear.
const MEMBERS: &[(&str, Sensitivity)] = &[
    ("AccessKeySecret", Sensitivity::Dropped),
    ("ChallengeToken", Sensitivity::Dropped),
    ("CiphertextBlob", Sensitivity::Hashed),
    ("ExportedDataKey", Sensitivity::Hashed),
    ("ImportToken", Sensitivity::Dropped),
    ("Mac", Sensitivity::Hashed),
    ("Plaintext", Sensitivity::Dropped),
    ("PrivateKey", Sensitivity::Dropped),
    ("PrivateKeyData", Sensitivity::Dropped),
    ("RandomPassword", Sensitivity::Dropped),
    ("SecretData", Sensitivity::Dropped),
    ("SecurityToken", Sensitivity::Dropped),
    ("Value", Sensitivity::Hashed),
];

/// Masks values under the key of the audit trail.
pub struct Mask {
    key: HmacKey,
    hash_secrets: bool,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

impl Mask {
    /// `hash_secrets` says that what would be dropped is hashed.
    pub fn new(key: HmacKey, hash_secrets: bool) -> Self {
        Self { key, hash_secrets }
    }

    /// What a value is masked as, for whoever looks one up.
    pub fn hashed(&self, value: &[u8]) -> String {
        let mut out = Vec::new();
        self.hash(&mut out, value);
        String::from_utf8_lossy(&out).trim_matches('"').to_owned()
    }

    fn hash(&self, out: &mut Vec<u8>, value: &[u8]) {
        out.extend_from_slice(b"\"hmac-sha256:");
        json::hex(out, self.key.sign(&[value]).as_bytes());
        out.push(b'"');
    }

    /// Appends a value as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>, sensitivity: Sensitivity, value: &str) {
        match sensitivity {
            Sensitivity::Clear if value.len() <= LONGEST_CLEAR => json::text(out, value.as_bytes()),
            Sensitivity::Dropped if !self.hash_secrets => out.extend_from_slice(DROPPED),
            Sensitivity::HashedMembers => self.write_members(out, value),
            Sensitivity::Clear | Sensitivity::Dropped | Sensitivity::Hashed => self.hash(out, value.as_bytes()),
        }
    }

    /// Names in clear, values hashed; what is no object of texts is hashed whole.
    fn write_members(&self, out: &mut Vec<u8>, value: &str) {
        let Ok(members) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value) else {
            return self.hash(out, value.as_bytes());
        };
        out.push(b'{');
        for (at, (name, value)) in members.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            json::text(out, name.as_bytes());
            out.push(b':');
            match value.as_str() {
                Some(text) => self.hash(out, text.as_bytes()),
                None => self.hash(out, value.to_string().as_bytes()),
            }
        }
        out.push(b'}');
    }

    /// Masks a response in place.
    pub(crate) fn mask_response(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    match MEMBERS.iter().find(|(known, _)| known == name) {
                        Some((_, sensitivity)) => {
                            let mut masked = Vec::new();
                            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                            self.write(&mut masked, *sensitivity, &text);
                            *value = serde_json::from_slice(&masked).unwrap_or_default();
                        }
                        None => self.mask_response(value),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.mask_response(item)),
            _ => {}
        }
    }
}

/// How a parameter appears.
pub fn sensitivity(spec: &ParamSpec) -> Sensitivity {
    BY_NAME.iter().find(|(name, _)| *name == spec.name).map_or(spec.sensitivity, |(_, sensitivity)| *sensitivity)
}
