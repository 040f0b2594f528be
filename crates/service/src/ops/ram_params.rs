//! What the operations on policies, roles and identity providers have in common: documents and descriptions as
//! parameters, tags in answers.

use serde::Serialize;
use sesame_domain::Tag;
use sesame_domain::ram::{PolicyType, PolicyVersionId};
use sesame_policy::{Document, Kind as DocumentKind};

use crate::error::{Code, Fault, KmsError, Result};
use crate::params::{Kind, Param, Params};

/// `PolicyType`.
impl Param for PolicyType {
    const KIND: Kind = Kind::Text;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let read = params.get(name).unwrap_or_default().parse();
        read.map_err(|_| KmsError::faulty(name, Fault::Value, "it must be System or Custom"))
    }
}

/// `VersionId` of a policy.
impl Param for PolicyVersionId {
    const KIND: Kind = Kind::Text;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let read = params.get(name).unwrap_or_default().parse();
        read.map_err(|_| KmsError::faulty(name, Fault::Format, "it must be a version such as v1"))
    }
}

/// What something is for, of at most `MAX` characters. Sent empty, it takes away what there was; the original's pages ask
/// for one character, and leave no way to do that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Description<const MAX: usize>(pub(super) String);

impl<const MAX: usize> Param for Description<MAX> {
    const KIND: Kind = Kind::Text;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        params.get(name).is_some()
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let text = params.get(name).unwrap_or_default();
        if text.chars().count() > MAX {
            return Err(KmsError::faulty(name, Fault::Length, format_args!("it may have {MAX} characters")));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The document of a policy for identities, valid, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdentityDocument(pub(super) String);

impl Param for IdentityDocument {
    const KIND: Kind = Kind::Json;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let (kind, text) = (DocumentKind::Identity, params.get(name).unwrap_or_default());
        if !kind.admits_length_of(text) {
            return Err(KmsError::faulty(
                name,
                Fault::Length,
                format_args!("it may have {} characters besides white space", kind.limit()),
            ));
        }
        document(kind, name, text).map(Self)
    }
}

/// The document that says who may assume a role, valid, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrustDocument(pub(super) String);

impl Param for TrustDocument {
    const KIND: Kind = Kind::Json;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        document(DocumentKind::Trust, name, params.get(name).unwrap_or_default()).map(Self)
    }
}

fn document(kind: DocumentKind, name: &str, text: &str) -> Result<String> {
    match Document::parse(kind, text) {
        Ok(_) => Ok(text.to_owned()),
        Err(malformed) => {
            let message = format!("The parameter - \"{name}\" is no valid policy document. {malformed}.");
            Err(KmsError::new(Code::MalformedPolicyDocument, message))
        }
    }
}

/// Tags in an answer.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    tag: Vec<TagItem>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagItem {
    tag_key: String,
    tag_value: String,
}

impl Tags {
    /// Shows one more.
    pub(super) fn push(&mut self, tag: &Tag) {
        self.tag.push(TagItem { tag_key: tag.key.to_string(), tag_value: tag.value.as_str().to_owned() });
    }
}
