//! GetRandomPassword: every allowed password is equally likely.

use sesame_crypto::error::CryptoError;
use sesame_crypto::random::Random;
use sesame_crypto::secret::{SecretBytes, SecretText};

/// Shortest and longest password.
pub const LENGTH: std::ops::RangeInclusive<u32> = 8..=128;
/// The length when the caller names none.
pub const DEFAULT_LENGTH: u32 = 32;

/// Lower-case letters, upper-case letters, digits, and the 31 marks of the API's page; the back-tick is not among them.
const CLASSES: [&str; 4] =
    ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~"];

/// What a password may and must consist of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Characters, 8 to 128.
    pub length: u32,
    /// Characters that do not occur.
    pub exclude_characters: String,
    /// No lower-case letters.
    pub exclude_lowercase: bool,
    /// No upper-case letters.
    pub exclude_uppercase: bool,
    /// No digits.
    pub exclude_numbers: bool,
    /// No marks.
    pub exclude_punctuation: bool,
    /// At least one character of every class that is not excluded.
    pub require_each: bool,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            length: DEFAULT_LENGTH,
            exclude_characters: String::new(),
            exclude_lowercase: false,
            exclude_uppercase: false,
            exclude_numbers: false,
            exclude_punctuation: false,
            require_each: false,
        }
    }
}

/// The rules leave nothing to draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImpossiblePassword {
    /// No character is left.
    #[error("no character is left to choose from")]
    Empty,
    /// A class that must occur has no character left.
    #[error("a type of characters that must occur has none left")]
    EmptyClass,
}

impl PasswordRules {
    /// The characters of each class that is allowed.
    fn classes(&self) -> impl Iterator<Item = Vec<u8>> {
        let excluded = [self.exclude_lowercase, self.exclude_uppercase, self.exclude_numbers, self.exclude_punctuation];
        CLASSES.into_iter().zip(excluded).filter(|(_, excluded)| !excluded).map(|(class, _)| {
            class.bytes().filter(|byte| !self.exclude_characters.contains(char::from(*byte))).collect()
        })
    }

    /// Refuses rules that no password can meet.
    ///
    /// # Errors
    /// [`ImpossiblePassword`].
    pub fn check(&self) -> Result<(), ImpossiblePassword> {
        if self.classes().all(|class| class.is_empty()) {
            return Err(ImpossiblePassword::Empty);
        }
        if self.require_each && self.classes().any(|class| class.is_empty()) {
            return Err(ImpossiblePassword::EmptyClass);
        }
        Ok(())
    }
}

/// Draws a password. Whole passwords are drawn until one meets the rules, and characters until one falls into the
/// alphabet, so that nothing is more likely than anything else. The rules have passed [`PasswordRules::check`].
///
/// # Errors
/// [`CryptoError::Random`]; [`CryptoError::InvalidInput`] for rules that did not pass.
pub fn random_password(rules: &PasswordRules, random: &dyn Random) -> Result<SecretText, CryptoError> {
    const IMPOSSIBLE: CryptoError = CryptoError::InvalidInput("password rules");
    rules.check().map_err(|_| IMPOSSIBLE)?;
    let classes: Vec<Vec<u8>> = rules.classes().collect();
    let alphabet = classes.concat();
    let size = u8::try_from(alphabet.len()).map_err(|_| IMPOSSIBLE)?;
    // The greatest multiple of the alphabet's size that a byte can hold, less one: bytes above it are thrown away.
    let last_fair = u8::try_from(256 / u16::from(size) * u16::from(size) - 1).map_err(|_| IMPOSSIBLE)?;
    let mut password = SecretBytes::zeroed(usize::try_from(rules.length).map_err(|_| IMPOSSIBLE)?);
    let mut pool = SecretBytes::zeroed(64);
    loop {
        let mut missing = password.len();
        while missing > 0 {
            // EXPOSE: drawn and chosen in place.
            random.fill(pool.expose_mut())?;
            for byte in pool.expose().iter().filter(|byte| **byte <= last_fair) {
                let Some(at) = missing.checked_sub(1) else { break };
                let drawn = alphabet.get(usize::from(byte % size)).copied().ok_or(IMPOSSIBLE)?;
                *password.expose_mut().get_mut(at).ok_or(IMPOSSIBLE)? = drawn;
                missing = at;
            }
        }
        let holds = |class: &Vec<u8>| password.expose().iter().any(|byte| class.contains(byte));
        if !rules.require_each || classes.iter().all(holds) {
            return SecretText::from_utf8(password);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;
    use sesame_crypto::random::SystemRandom;

    use super::*;

    /// splitmix64: uniform, and the same in every run.
    #[derive(Debug)]
    struct Repeatable(AtomicU64);

    impl Random for Repeatable {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
            for chunk in out.chunks_mut(8) {
                let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
            }
            Ok(())
        }
    }

    /// Chi-square of the counts against a uniform distribution over `cells`, as standard deviations from its mean.
    fn deviation(counts: &BTreeMap<String, u32>, cells: usize) -> f64 {
        let total: u32 = counts.values().sum();
        let expected = f64::from(total) / cells as f64;
        let seen: f64 = counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        let unseen = (cells - counts.len()) as f64 * expected;
        let freedom = (cells - 1) as f64;
        (seen + unseen - freedom) / (2.0 * freedom).sqrt()
    }

    fn all_but(allowed: &str) -> String {
        CLASSES.concat().chars().filter(|c| !allowed.contains(*c)).collect()
    }

    /// Of eight characters over a, B and 1, 5796 passwords have all three: each must be as likely as any other. A draw
    /// that places one character of each class first and fills up the rest fails this by far.
    #[test]
    fn every_allowed_password_is_equally_likely() {
        let rules = PasswordRules {
            length: 8,
            exclude_characters: all_but("aB1"),
            exclude_punctuation: true,
            require_each: true,
            ..PasswordRules::default()
        };
        let random = Repeatable(AtomicU64::new(7));
        let mut counts = BTreeMap::new();
        for _ in 0..300_000 {
            let password = random_password(&rules, &random).unwrap();
            *counts.entry(password.expose().to_owned()).or_insert(0) += 1;
        }
        let cells = 3_usize.pow(8) - 3 * 2_usize.pow(8) + 3;
        assert_eq!(counts.len(), cells);
        let deviation = deviation(&counts, cells);
        assert!(deviation.abs() < 4.0, "{deviation}");
    }

    /// 93 characters do not divide 256: a remainder without rejection would prefer the first ones.
    #[test]
    fn every_character_is_equally_likely() {
        let rules = PasswordRules { length: 128, ..PasswordRules::default() };
        let random = Repeatable(AtomicU64::new(9));
        let mut counts = BTreeMap::new();
        for _ in 0..4_000 {
            for c in random_password(&rules, &random).unwrap().expose().chars() {
                *counts.entry(c.to_string()).or_insert(0) += 1;
            }
        }
        let deviation = deviation(&counts, 93);
        assert_eq!(counts.len(), 93);
        assert!(deviation.abs() < 4.0, "{deviation}");
    }

    #[test]
    fn rules_that_no_password_meets_are_refused() {
        let none = PasswordRules { exclude_characters: CLASSES.concat(), ..PasswordRules::default() };
        assert_eq!(none.check(), Err(ImpossiblePassword::Empty));
        let no_digit = PasswordRules { exclude_characters: "0123456789".into(), ..PasswordRules::default() };
        assert_eq!(no_digit.check(), Ok(()));
        let needed = PasswordRules { require_each: true, ..no_digit };
        assert_eq!(needed.check(), Err(ImpossiblePassword::EmptyClass));
        assert_eq!(PasswordRules { exclude_numbers: true, ..needed }.check(), Ok(()));
    }

    proptest! {
        #[test]
        fn a_password_meets_its_rules(
            length in LENGTH,
            exclude_characters in "[ -~]{0,40}",
            exclude: [bool; 4],
            require_each: bool,
        ) {
            let rules = PasswordRules {
                length,
                exclude_characters,
                exclude_lowercase: exclude[0],
                exclude_uppercase: exclude[1],
                exclude_numbers: exclude[2],
                exclude_punctuation: exclude[3],
                require_each,
            };
            prop_assume!(rules.check().is_ok());
            let password = random_password(&rules, &SystemRandom).unwrap();
            let text = password.expose();
            prop_assert_eq!(text.len(), length as usize);
            prop_assert!(!text.contains(|c| rules.exclude_characters.contains(c)));
            for (class, excluded) in CLASSES.iter().zip(exclude) {
                let holds = text.contains(|c| class.contains(c));
                prop_assert!(!(excluded && holds));
                prop_assert!(excluded || holds || !require_each);
            }
        }
    }
}
