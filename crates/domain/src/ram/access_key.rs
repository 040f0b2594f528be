//! The form of access keys (access-control reference, 1.2).

use sesame_crypto::error::CryptoError;
use sesame_crypto::random::{Random, mixed_alphanumeric};
use sesame_crypto::secret::SecretText;

/// What ids of permanent access keys begin with.
const PREFIX: &str = "LTAI5t";
/// Characters of an id after its beginning.
const ID_CHARS: usize = 18;
/// Characters of a secret.
const SECRET_CHARS: usize = 30;

/// Id and secret of a new access key.
///
/// # Errors
/// [`CryptoError::Random`].
pub fn draw(random: &dyn Random) -> Result<(String, SecretText), CryptoError> {
    // EXPOSE: this half is public.
    let id = format!("{PREFIX}{}", mixed_alphanumeric(random, ID_CHARS)?.expose());
    Ok((id, mixed_alphanumeric(random, SECRET_CHARS)?))
}

#[cfg(test)]
mod tests {
    use sesame_crypto::random::SystemRandom;

    use super::*;

    #[test]
    fn access_keys_have_the_form_of_the_original() {
        let (id, secret) = draw(&SystemRandom).unwrap();
        assert!(id.starts_with("LTAI5t"));
        assert_eq!((id.len(), secret.len()), (24, 30));
        assert!(id.bytes().chain(secret.expose().bytes()).all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(secret, draw(&SystemRandom).unwrap().1);
    }
}
