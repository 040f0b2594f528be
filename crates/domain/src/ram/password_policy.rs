use std::ops::RangeInclusive;

use super::limits;

/// What an account demands of the passwords of its users (SetPasswordPolicy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The shortest password, in characters.
    pub minimum_length: u32,
    /// Whether there must be a lower-case letter.
    pub require_lowercase: bool,
    /// Whether there must be an upper-case letter.
    pub require_uppercase: bool,
    /// Whether there must be a digit.
    pub require_numbers: bool,
    /// Whether there must be a character that is neither letter nor digit.
    pub require_symbols: bool,
    /// Whether nobody can log on with a password that is too old.
    pub hard_expiry: bool,
    /// The oldest password, in days; 0 for any age.
    pub max_age_days: u32,
    /// How many of the last passwords cannot be taken again, the present one included; 0 for none.
    pub reuse_prevention: u32,
    /// How often somebody may give a wrong password before nobody can log on for an hour; 0 for any number.
    pub max_login_attempts: u32,
}

impl Default for PasswordPolicy {
    /// What the original documents as the defaults of SetPasswordPolicy.
    fn default() -> Self {
        Self {
            minimum_length: 8,
            require_lowercase: false,
            require_uppercase: false,
            require_numbers: false,
            require_symbols: false,
            hard_expiry: false,
            max_age_days: 0,
            reuse_prevention: 0,
            max_login_attempts: 0,
        }
    }
}

/// What a password lacks, as the rest of the sentence "the password is not valid: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WeakPassword(String);

impl PasswordPolicy {
    /// What the shortest password can be.
    pub const MINIMUM_LENGTH: RangeInclusive<u32> = 8..=32;
    /// What the oldest password can be, in days.
    pub const MAX_AGE_DAYS: RangeInclusive<u32> = 0..=1_095;
    /// How many passwords can be remembered.
    pub const REUSE_PREVENTION: RangeInclusive<u32> = 0..=24;
    /// What the number of attempts can be.
    pub const MAX_LOGIN_ATTEMPTS: RangeInclusive<u32> = 0..=32;

    /// Whether a password has everything that the policy demands of its characters.
    ///
    /// # Errors
    /// What it lacks; never anything of the password itself.
    pub fn check(&self, password: &str) -> Result<(), WeakPassword> {
        let length = password.chars().count();
        if length > limits::PASSWORD_CHARS {
            return Err(WeakPassword(format!("it may have {} characters at most", limits::PASSWORD_CHARS)));
        }
        let shortest = usize::try_from(self.minimum_length).unwrap_or(usize::MAX);
        let lacks = [
            (length < shortest, format!("at least {shortest} characters")),
            (self.require_lowercase && !password.contains(char::is_lowercase), "a lower-case letter".to_owned()),
            (self.require_uppercase && !password.contains(char::is_uppercase), "an upper-case letter".to_owned()),
            (self.require_numbers && !password.contains(char::is_numeric), "a digit".to_owned()),
            (self.require_symbols && password.chars().all(char::is_alphanumeric), "a symbol".to_owned()),
        ];
        let lacks: Vec<_> = lacks.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
        if lacks.is_empty() { Ok(()) } else { Err(WeakPassword(format!("it must have {}", lacks.join(", ")))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_demands_what_it_says() {
        let policy = PasswordPolicy::default();
        assert!(policy.check("12345678").is_ok());
        assert!(policy.check("1234567").is_err());
        assert!(policy.check(&"x".repeat(128)).is_ok());
        assert!(policy.check(&"x".repeat(129)).is_err());
        let all = PasswordPolicy {
            minimum_length: 10,
            require_lowercase: true,
            require_uppercase: true,
            require_numbers: true,
            require_symbols: true,
            ..policy
        };
        assert!(all.check("aB3-567890").is_ok());
        for wrong in ["aB3-56789", "AB3-567890", "ab3-567890", "aBc-efghij", "aB34567890"] {
            assert!(all.check(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            all.check("x").unwrap_err().to_string(),
            "it must have at least 10 characters, an upper-case letter, a digit, a symbol"
        );
    }
}
