//! Raw parameters of a call and their decoding into typed requests.

use std::borrow::Cow;

use crate::error::{KmsError, Result};

/// The parameters of a call, query and form together, percent-decoded, in the order sent.
#[derive(Debug, Default)]
pub struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Collects decoded pairs.
    pub fn new(pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Self { pairs }
    }

    /// The value of a parameter as sent; the first one when it was sent more than once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// All pairs in the order sent.
    pub fn pairs(&self) -> &[(Cow<'a, str>, Cow<'a, str>)] {
        &self.pairs
    }
}
