//! ACS3-HMAC-SHA256 on the client's side.

use sesame_crypto::digest::{sha256, to_hex};
use sesame_crypto::random::uuid_v4;
use sesame_crypto::{HmacHash, HmacKey, SecretText, SystemRandom};
use sesame_domain::{Clock as _, SystemClock};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const FORM: &str = "application/x-www-form-urlencoded";

/// Who signs.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: SecretText,
    pub(crate) security_token: Option<String>,
}

/// The headers and the body of a signed POST of `/`.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Signer {
    /// Signs a call of now. All parameters go into the body: it has no limit of a line, and nobody logs it.
    pub(crate) fn sign(
        &self,
        host: &str,
        action: &str,
        version: &str,
        parameters: &[(String, String)],
    ) -> anyhow::Result<Signed> {
        let nonce = uuid_v4(&SystemRandom)?;
        Ok(self.sign_at(host, (action, version), parameters, &SystemClock.now().to_string(), &nonce))
    }

    fn sign_at(
        &self,
        host: &str,
        (action, version): (&str, &str),
        parameters: &[(String, String)],
        date: &str,
        nonce: &str,
    ) -> Signed {
        let body = form(parameters);
        let payload_hash = to_hex(&sha256(body.as_bytes()));
        // Sorted by name, as the list of signed headers has to be.
        let mut headers = vec![("accept", "application/json".to_owned()), ("content-type", FORM.to_owned())];
        headers.push(("host", host.to_owned()));
        headers.push(("user-agent", concat!("sesame/", env!("CARGO_PKG_VERSION")).to_owned()));
        headers.push(("x-acs-action", action.to_owned()));
        headers.push(("x-acs-content-sha256", payload_hash.clone()));
        headers.push(("x-acs-date", date.to_owned()));
        if let Some(token) = &self.security_token {
            headers.push(("x-acs-security-token", token.clone()));
        }
        headers.push(("x-acs-signature-nonce", nonce.to_owned()));
        headers.push(("x-acs-version", version.to_owned()));

        let list = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let canonical = format!("POST\n/\n\n{lines}\n{list}\n{payload_hash}");
        let string_to_sign = format!("{ALGORITHM}\n{}", to_hex(&sha256(canonical.as_bytes())));
        // EXPOSE: the HMAC takes the secret as its key.
        let key = HmacKey::new(HmacHash::Sha256, self.access_key_secret.expose().as_bytes());
        let signature = to_hex(key.sign(&[string_to_sign.as_bytes()]).as_bytes());
        let id = &self.access_key_id;
        headers
            .push(("authorization", format!("{ALGORITHM} Credential={id},SignedHeaders={list},Signature={signature}")));
        Signed { headers, body }
    }
}

fn form(parameters: &[(String, String)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Percent-encoding that leaves only the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_over_its_headers_and_its_body() {
        let signer = Signer {
            access_key_id: "testid".into(),
            access_key_secret: SecretText::new("testsecret".into()),
            security_token: None,
        };
        let parameters = [("KeyId".to_owned(), "alias/a b".to_owned()), ("Plaintext".to_owned(), "aGk=".to_owned())];
        let signed =
            signer.sign_at("127.0.0.1:8600", ("Encrypt", "2016-01-20"), &parameters, "2026-01-02T03:04:05Z", "n-1");
        assert_eq!(signed.body, "KeyId=alias%2Fa%20b&Plaintext=aGk%3D");
        let (_, authorization) = signed.headers.last().unwrap();
        // Computed with Python's hashlib and hmac from the rules of the reference.
        assert_eq!(
            authorization,
            "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=accept;content-type;host;user-agent;x-acs-action;\
             x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=11a9b5c6bb56965e06543bd65c34f4083c96e40bd7d3f245ccd9f309af2ca178"
        );
    }

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encoded("aZ09-_.~ *+/环"), "aZ09-_.~%20%2A%2B%2F%E7%8E%AF");
    }
}
