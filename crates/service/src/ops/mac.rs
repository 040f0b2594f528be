//! Message authentication with HMAC keys.

mod generate_mac;
mod verify_mac;

pub(crate) use generate_mac::GenerateMac;
pub(crate) use verify_mac::VerifyMac;

use sesame_crypto::algorithm::MacAlgorithm;
use sesame_crypto::spec::KeyClass;
use sesame_domain::limits;

use crate::authorize::Granted;
use crate::error::{Code, KmsError, Result};
use crate::values::SecretBase64;

/// Refuses messages that are too long. The API documents no limit; ours is that of other plaintexts.
fn is_short_enough(message: &SecretBase64) -> Result<()> {
    if message.0.len() <= limits::PLAINTEXT_BYTES {
        return Ok(());
    }
    Err(KmsError::invalid(
        "Message",
        format_args!("it may have {} bytes at most before Base64", limits::PLAINTEXT_BYTES),
    ))
}

/// Refuses keys that are no MAC keys, and algorithms of other keys.
fn can_authenticate(on: &Granted, algorithm: MacAlgorithm) -> Result<()> {
    let spec = on.key()?.key.spec;
    if spec.class() != KeyClass::Mac {
        let message = format!("A key of {} is not a key for message authentication.", spec.name());
        return Err(KmsError::new(Code::RejectedUnsupportedOperation, message));
    }
    if !algorithm.fits(spec) {
        return Err(KmsError::invalid("Algorithm", format_args!("it does not fit a key of {}", spec.name())));
    }
    Ok(())
}
