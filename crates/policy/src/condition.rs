//! Conditions: keys, operators, and what a request says about itself (access-control reference, 2.2 to 2.4).

mod operator;
mod value;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use sesame_domain::Timestamp;

pub(crate) use operator::{Condition, Refused};

/// A condition key. Names are compared without regard to case; tag keys inside a name with regard to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConditionKey {
    /// `acs:CurrentTime`.
    CurrentTime,
    /// `acs:SecureTransport`.
    SecureTransport,
    /// `acs:SourceIp`.
    SourceIp,
    /// `acs:SourceVpc`.
    SourceVpc,
    /// `acs:VpcSourceIp`.
    VpcSourceIp,
    /// `acs:MFAPresent`.
    MfaPresent,
    /// `acs:PrincipalARN`.
    PrincipalArn,
    /// `acs:RequestTag/<key>`: a tag that the request sets.
    RequestTag(Box<str>),
    /// `acs:ResourceTag/<key>`: a tag of the resource.
    ResourceTag(Box<str>),
    /// `kms:tag/<key>`: a tag of the key, for the operations that supply it.
    KmsTag(Box<str>),
    /// `kms:EncryptionAlgorithm`.
    EncryptionAlgorithm,
    /// Any other, in lower case: `oidc:sub`, `sts:externalid`, `ram:servicename`.
    Other(Box<str>),
}

impl ConditionKey {
    /// Reads `<product>:<name>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (product, name) = text.split_once(':')?;
        if product.is_empty() || name.is_empty() {
            return None;
        }
        if let Some((family, tag)) = name.split_once('/') {
            let family = format!("{product}:{family}").to_ascii_lowercase();
            let tag: Box<str> = tag.into();
            match &*family {
                "acs:requesttag" => return Some(Self::RequestTag(tag)),
                "acs:resourcetag" => return Some(Self::ResourceTag(tag)),
                "kms:tag" => return Some(Self::KmsTag(tag)),
                _ => {}
            }
        }
        let lower = text.to_ascii_lowercase();
        Some(match &*lower {
            "acs:currenttime" => Self::CurrentTime,
            "acs:securetransport" => Self::SecureTransport,
            "acs:sourceip" => Self::SourceIp,
            "acs:sourcevpc" => Self::SourceVpc,
            "acs:vpcsourceip" => Self::VpcSourceIp,
            "acs:mfapresent" => Self::MfaPresent,
            "acs:principalarn" => Self::PrincipalArn,
            "kms:encryptionalgorithm" => Self::EncryptionAlgorithm,
            _ => Self::Other(lower.into()),
        })
    }

    /// Whether its value is a tag of the resource, which has to be looked up.
    pub(crate) fn is_resource_tag(&self) -> bool {
        matches!(self, Self::ResourceTag(_) | Self::KmsTag(_))
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CurrentTime => f.write_str("acs:CurrentTime"),
            Self::SecureTransport => f.write_str("acs:SecureTransport"),
            Self::SourceIp => f.write_str("acs:SourceIp"),
            Self::SourceVpc => f.write_str("acs:SourceVpc"),
            Self::VpcSourceIp => f.write_str("acs:VpcSourceIp"),
            Self::MfaPresent => f.write_str("acs:MFAPresent"),
            Self::PrincipalArn => f.write_str("acs:PrincipalARN"),
            Self::RequestTag(tag) => write!(f, "acs:RequestTag/{tag}"),
            Self::ResourceTag(tag) => write!(f, "acs:ResourceTag/{tag}"),
            Self::KmsTag(tag) => write!(f, "kms:tag/{tag}"),
            Self::EncryptionAlgorithm => f.write_str("kms:EncryptionAlgorithm"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// What a request says about itself.
pub trait Context {
    /// The values of a key.
    fn values(&self, key: &ConditionKey) -> Values<'_>;
}

/// The values of a condition key in a request.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// The request does not have the key.
    Absent,
    /// One value, as almost every key has.
    One(Value<'a>),
    /// Several, such as the audiences of a token.
    Many(Vec<Value<'a>>),
}

impl<'a> From<Option<Value<'a>>> for Values<'a> {
    fn from(value: Option<Value<'a>>) -> Self {
        value.map_or(Self::Absent, Self::One)
    }
}

/// A value of a condition key.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// An address.
    Address(IpAddr),
    /// A moment.
    Time(Timestamp),
    /// True or false.
    Bool(bool),
}

impl Value<'_> {
    /// As text, which is how string operators see it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Address(address) => Cow::Owned(address.to_string()),
            Self::Time(time) => Cow::Owned(time.to_string()),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        }
    }
}

/// A request that says nothing about itself.
#[derive(Clone, Copy, Debug)]
pub struct NoContext;

impl Context for NoContext {
    fn values(&self, _: &ConditionKey) -> Values<'_> {
        Values::Absent
    }
}
