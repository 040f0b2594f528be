//! Parameters that only roles have.

use sesame_domain::ram::limits;

use crate::error::{KmsError, Result};
use crate::ops::ram::params::Ranged;

/// The longest session of a role, in seconds.
pub(super) type SessionSeconds = Ranged<{ limits::SESSION_SECONDS.0 }, { limits::SESSION_SECONDS.1 }>;

/// Refuses to let the sessions of a role use the console: on this server they cannot, and nobody who asks for it shall
/// believe that they can.
pub(super) fn no_console_login(parameter: &str, asked: Option<bool>) -> Result<()> {
    if asked == Some(true) {
        let reason = "roles cannot log on to the console of this server; leave it out, or send false";
        return Err(KmsError::invalid(parameter, reason));
    }
    Ok(())
}
