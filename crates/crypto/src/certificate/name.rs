//! Names of subjects (RFC 2253).

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, SetOfVec};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Tag};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::CertificateError;

/// Label, object identifier (RFC 5280, appendix A.1), most characters (ub-common-name and others, there), and whether a
/// subject must have it.
const ATTRIBUTES: [(&str, ObjectIdentifier, usize, bool); 6] = [
    ("CN", ObjectIdentifier::new_unwrap("2.5.4.3"), 64, true),
    ("C", ObjectIdentifier::new_unwrap("2.5.4.6"), 2, true),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10"), 64, true),
    ("OU", ObjectIdentifier::new_unwrap("2.5.4.11"), 64, true),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8"), 128, false),
    ("L", ObjectIdentifier::new_unwrap("2.5.4.7"), 128, false),
];

/// The name of a subject, as it stands in a signing request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectName(pub(super) Name);

impl SubjectName {
    /// Reads a name such as `CN=userName,OU=kms,O=aliyun,C=CN`; `CN`, `C`, `O` and `OU` must be there, `ST` and `L` may.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let mut parts = Vec::new();
        for part in split_unescaped(text) {
            let (label, value) = part.split_once('=').ok_or_else(|| refused(&part, "it has no equals sign"))?;
            parts.push((label.trim().to_ascii_uppercase(), unescape(value.trim())?));
        }
        for (label, _, _, required) in ATTRIBUTES {
            let given = parts.iter().filter(|(given, _)| given == label).count();
            if given > 1 || (required && given == 0) {
                return Err(CertificateError::new(format!("{label} must be there, once")));
            }
        }
        let mut sequence = RdnSequence::default();
        // The text begins with what the sequence ends with.
        for (label, value) in parts.iter().rev() {
            sequence.push(relative_name(label, value)?);
        }
        let name = sequence.to_der().and_then(|der| Name::from_der(&der));
        name.map(Self).map_err(|_| CertificateError::new("it is not a name"))
    }

    /// In the text form of RFC 2253.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }
}

fn relative_name(label: &str, value: &str) -> Result<RelativeDistinguishedName, CertificateError> {
    let known = ATTRIBUTES.iter().find(|(known, ..)| *known == label);
    let Some((_, oid, most, _)) = known else {
        return Err(refused(label, "it is none of CN, C, O, OU, ST and L"));
    };
    let country = label == "C";
    let length = value.chars().count();
    if length == 0 || length > *most || value.chars().any(char::is_control) {
        return Err(refused(label, &format!("it must have 1 to {most} characters")));
    }
    if country && !(length == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        return Err(refused(label, "it must be the two letters of a country"));
    }
    let tag = if country { Tag::PrintableString } else { Tag::Utf8String };
    let wrong = |_| refused(label, "it cannot be encoded");
    let value = Any::new(tag, value.as_bytes()).map_err(wrong)?;
    let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid: *oid, value }]).map_err(wrong)?;
    Ok(RelativeDistinguishedName::from(set))
}

fn refused(part: &str, why: &str) -> CertificateError {
    CertificateError::new(format!("in the part {part}: {why}"))
}

/// The parts between commas and semicolons that no backslash precedes.
fn split_unescaped(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if !escaped && (c == ',' || c == ';') {
            parts.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// A backslash stands before a special character, or before two hexadecimal digits.
fn unescape(text: &str) -> Result<String, CertificateError> {
    let wrong = || refused(text, "a backslash must precede a special character or two hexadecimal digits");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let next = rest.next().ok_or_else(wrong)?;
        if let Some(high) = next.to_digit(16) {
            let low = rest.next().and_then(|low| low.to_digit(16)).ok_or_else(wrong)?;
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| wrong())?);
        } else if next.is_ascii_punctuation() || next == ' ' {
            bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            return Err(wrong());
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}
