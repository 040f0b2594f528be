//! What is kept in the place of a password that people log on with: an Argon2id hash in PHC form.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::CryptoError;
use crate::random::Random;
use crate::secret::SecretText;

/// Memory of one hash, in KiB: the first choice of OWASP's password storage page, with two passes and one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of salt.
const SALT: usize = 16;

/// The hash of a password, with a salt of its own. Takes some 20 ms and 19 MiB.
///
/// # Errors
/// [`CryptoError::Random`].
pub fn hash(password: &SecretText, random: &dyn Random) -> Result<String, CryptoError> {
    let mut salt = [0; SALT];
    random.fill(&mut salt)?;
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| CryptoError::Internal)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    // EXPOSE: it is hashed.
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.expose().as_bytes(), &salt).map_err(|_| CryptoError::Internal)?;
    Ok(hash.to_string())
}

/// Whether a password has this hash, which says itself how it was made. Takes as long as [`hash`].
///
/// # Errors
/// [`CryptoError::InvalidInput`] when it is no hash in PHC form.
pub fn verify(password: &SecretText, hash: &str) -> Result<bool, CryptoError> {
    let hash = PasswordHash::new(hash).map_err(|_| CryptoError::InvalidInput("not a password hash in PHC form"))?;
    // EXPOSE: it is hashed, and the hashes are compared in constant time.
    Ok(Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_password_has_its_hash_and_no_other() {
        let text = |text: &str| SecretText::new(text.to_owned());
        let made = hash(&text("correct horse"), &SystemRandom).unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
        assert_eq!(verify(&text("correct horse"), &made), Ok(true));
        assert_eq!(verify(&text("correct horse "), &made), Ok(false));
        assert_ne!(hash(&text("correct horse"), &SystemRandom).unwrap(), made);
        assert!(verify(&text("x"), "no hash").is_err());
    }

    /// Made with the `argon2` program of the reference implementation.
    #[test]
    fn hashes_of_other_implementations_are_read() {
        let other = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(verify(&SecretText::new("password".to_owned()), other), Ok(true));
    }
}
