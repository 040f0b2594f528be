//! Actions: `<product>:<name>`, compared without regard to case.

use std::fmt;

use smallvec::SmallVec;

use crate::glob::Glob;

/// The action of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action<'a> {
    /// The product: `kms`, `ram`, `sts`.
    pub product: &'a str,
    /// The name: `Encrypt`.
    pub name: &'a str,
}

impl<'a> Action<'a> {
    /// An action of this product.
    pub fn kms(name: &'a str) -> Self {
        Self { product: "kms", name }
    }

    /// Reads `<product>:<name>`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (product, name) = text.split_once(':')?;
        (!product.is_empty() && !name.is_empty()).then_some(Self { product, name })
    }

    pub(crate) fn fold(self) -> Folded {
        let bytes = self.product.bytes().chain([b':']).chain(self.name.bytes());
        Folded { product: self.product.len(), text: bytes.map(|byte| byte.to_ascii_lowercase()).collect() }
    }
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.product, self.name)
    }
}

/// An action in lower case, on the stack.
pub(crate) struct Folded {
    product: usize,
    text: SmallVec<[u8; 64]>,
}

impl Folded {
    pub(crate) fn text(&self) -> &str {
        // Lower-casing ASCII letters keeps UTF-8 what it is.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    pub(crate) fn product(&self) -> &str {
        self.text().get(..self.product).unwrap_or_default()
    }
}

/// `Action` or `NotAction` of a statement.
#[derive(Clone, Debug)]
pub(crate) struct Actions {
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[Glob]>,
}

impl Actions {
    /// Whether the statement is about this action.
    pub(crate) fn cover(&self, action: &Folded) -> bool {
        let text = action.text();
        self.patterns.iter().any(|pattern| pattern.matches(text)) != self.negated
    }

    /// Whether the statement names the action in full, without wildcards.
    pub(crate) fn spell(&self, action: &Folded) -> bool {
        !self.negated && self.patterns.iter().any(|pattern| pattern.literal() == Some(action.text()))
    }
}

/// Reads a pattern: `*`, or `<product>:<name>` with wildcards.
pub(crate) fn pattern(text: &str) -> Result<Glob, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '?' | '-' | '_' | '.' | '/');
    let right = text.chars().all(|c| c == '*')
        || text.split_once(':').is_some_and(|(product, name)| {
            !product.is_empty() && !name.is_empty() && product.chars().chain(name.chars()).all(allowed)
        });
    if right && !text.is_empty() {
        Ok(Glob::new(&text.to_ascii_lowercase()))
    } else {
        Err("write `*` or `<product>:<action>`, for example `kms:Encrypt` or `kms:List*`")
    }
}
