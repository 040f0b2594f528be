//! What servers keep in the place of a password, so that a new password can be set without being sent.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::digest::{hex_lower, sha1, sha256, to_hex};
use crate::error::CryptoError;
use crate::hmac::{HmacHash, HmacKey};
use crate::random::Random;
use crate::secret::SecretText;

/// The iterations that PostgreSQL uses itself; the passwords that are made here have 190 bits.
const SCRAM_ITERATIONS: NonZeroU32 = NonZeroU32::new(4_096).unwrap();

/// The verifier of SCRAM-SHA-256 (RFC 7677) as PostgreSQL stores it. `password` has been through SASLprep.
///
/// # Errors
/// [`CryptoError::Random`].
pub fn scram_sha_256(password: &SecretText, random: &dyn Random) -> Result<String, CryptoError> {
    let mut salt = [0; 16];
    random.fill(&mut salt)?;
    Ok(scram(password, &salt))
}

fn scram(password: &SecretText, salt: &[u8]) -> String {
    let mut salted = Zeroizing::new([0; 32]);
    // EXPOSE: the derivation reads it.
    let secret = password.expose().as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, SCRAM_ITERATIONS, salt, secret, &mut *salted);
    let salted = HmacKey::new(HmacHash::Sha256, &*salted);
    let stored = sha256(salted.sign(&[b"Client Key"]).as_bytes());
    let server = salted.sign(&[b"Server Key"]);
    let [salt, stored, server] = [salt, &stored, server.as_bytes()].map(|bytes| STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt}${stored}:{server}")
}

/// The verifier of `mysql_native_password` as MySQL and MariaDB store it.
pub fn mysql_native(password: &SecretText) -> String {
    // EXPOSE: hashed.
    let once = Zeroizing::new(sha1(password.expose().as_bytes()));
    format!("*{}", to_hex(&sha1(&*once)).to_ascii_uppercase())
}

/// The hash of a password as Redis stores it.
pub fn redis(password: &SecretText) -> String {
    let mut out = String::with_capacity(64);
    // EXPOSE: hashed.
    hex_lower(&sha256(password.expose().as_bytes()), &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(password: &str) -> SecretText {
        SecretText::new(password.to_owned())
    }

    /// The exchange of RFC 7677, section 3.
    #[test]
    fn a_server_with_the_verifier_signs_what_the_rfc_shows() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = scram(&text("pencil"), &salt);
        let (head, server) = verifier.rsplit_once(':').unwrap();
        assert!(head.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"), "{head}");
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server = HmacKey::new(HmacHash::Sha256, &STANDARD.decode(server).unwrap());
        let signature = STANDARD.encode(server.sign(&[message.as_bytes()]).as_bytes());
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn passwords_are_hashed_as_the_servers_do_it() {
        assert_eq!(mysql_native(&text("password")), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
        assert_eq!(redis(&text("password")), "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8");
    }
}
