//! How the parameters of secret operations are read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use sesame_crypto::secret::SecretText;
use sesame_domain::secret::{
    DATA_BYTES, DataType, InvalidSecretName, SecretRef, SecretType, SecretVersionId, StageLabel, custom_data,
};

use crate::error::{KmsError, Result};
use crate::params::{FromText, Kind, Param, Params, Sensitivity};

type Read<T> = std::result::Result<T, Cow<'static, str>>;

impl FromText for SecretRef {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Read<Self> {
        text.parse().map_err(|_| "it must be the name or the ARN of a secret".into())
    }
}

/// The name of a new secret as sent: its rules depend on the type.
#[derive(Debug)]
pub(super) struct NewName(pub(super) String);

impl FromText for NewName {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Read<Self> {
        Ok(Self(text.to_owned()))
    }
}

pub(super) fn name_refused(refusal: InvalidSecretName) -> KmsError {
    KmsError::invalid("SecretName", refusal)
}

/// A secret value: 1 to 30,720 bytes.
#[derive(Debug)]
pub(super) struct SecretData(pub(super) SecretText);

impl FromText for SecretData {
    const KIND: Kind = Kind::Text;
    const SENSITIVITY: Sensitivity = Sensitivity::Dropped;

    fn from_text(text: &str) -> Read<Self> {
        if text.len() > DATA_BYTES {
            return Err(format!("it may have {DATA_BYTES} bytes at most").into());
        }
        Ok(Self(SecretText::new(text.to_owned())))
    }
}

impl FromText for SecretVersionId {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Read<Self> {
        text.parse().map_err(|_| "it must be 1 to 64 characters without spaces".into())
    }
}

impl FromText for StageLabel {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Read<Self> {
        text.parse().map_err(|_| "it must be 1 to 64 characters without spaces".into())
    }
}

impl FromText for SecretType {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Read<Self> {
        let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
        text.parse().map_err(|_| format!("it must be one of {}", names.join(", ")).into())
    }
}

impl FromText for DataType {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Read<Self> {
        text.parse().map_err(|_| "it must be text or binary".into())
    }
}

/// `VersionStages`: `["ACSCurrent","x"]`, or in the older notation `{"VersionStage":["x"]}`.
#[derive(Debug)]
pub(super) struct Stages(pub(super) BTreeSet<StageLabel>);

#[derive(Deserialize)]
#[serde(untagged)]
enum StageList {
    Plain(Vec<String>),
    Wrapped {
        #[serde(rename = "VersionStage")]
        list: Vec<String>,
    },
}

impl FromText for Stages {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> Read<Self> {
        let (StageList::Plain(list) | StageList::Wrapped { list }) =
            serde_json::from_str(text).map_err(|_| "it must be a JSON array such as [\"ACSCurrent\"]")?;
        list.iter().map(|label| StageLabel::from_text(label)).collect::<Read<_>>().map(Self)
    }
}

/// A text that counts as given when it is empty: it clears what was there.
#[derive(Debug)]
pub(super) struct Given<T>(pub(super) T);

impl<T: FromText> Param for Given<T> {
    const KIND: Kind = T::KIND;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        params.get(name).is_some()
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let text = params.get(name).unwrap_or_default();
        T::from_text(text).map(Self).map_err(|reason| KmsError::invalid(name, reason))
    }
}

/// `ExtendedConfig.CustomData`: one JSON object, or `ExtendedConfig.CustomData.<name>=<value>` for each member.
#[derive(Debug)]
pub(super) struct CustomData(pub(super) Map<String, Value>);

impl Param for CustomData {
    const KIND: Kind = Kind::Json;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        params.get(name).is_some_and(|text| !text.is_empty())
            || params.pairs().iter().any(|(key, _)| member_of(key, name).is_some())
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        if let Some(text) = params.get(name).filter(|text| !text.is_empty()) {
            return custom_data(text).map(Self).map_err(|refusal| KmsError::invalid(name, refusal));
        }
        let members = params.pairs().iter().filter_map(|(key, value)| {
            member_of(key, name).map(|member| (member.to_owned(), Value::String(value.to_string())))
        });
        Ok(Self(members.collect()))
    }
}

fn member_of<'k>(key: &'k str, name: &str) -> Option<&'k str> {
    key.strip_prefix(name)?.strip_prefix('.').filter(|member| !member.is_empty())
}

/// `ExtendedConfig` of UpdateSecret as one JSON object: `{"CustomData":{…}}`.
#[derive(Debug)]
pub(super) struct UpdatedConfig(pub(super) Map<String, Value>);

impl FromText for UpdatedConfig {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> Read<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Config {
            #[serde(rename = "CustomData")]
            custom_data: Map<String, Value>,
        }
        let config: Config =
            serde_json::from_str(text).map_err(|_| "it must be a JSON object whose only member is CustomData")?;
        Ok(Self(config.custom_data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&'static str, &'static str)]) -> Params<'static> {
        Params::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn custom_data_come_in_two_wire_forms() {
        const NAME: &str = "ExtendedConfig.CustomData";
        let dotted = params(&[(NAME, r#"{"DBName":"app1","Port":"3306"}"#)]);
        let flat = params(&[("ExtendedConfig.CustomData.DBName", "app1"), ("ExtendedConfig.CustomData.Port", "3306")]);
        for sent in [dotted, flat] {
            let data = Option::<CustomData>::decode(&sent, NAME).unwrap().unwrap();
            assert_eq!(Value::Object(data.0).to_string(), r#"{"DBName":"app1","Port":"3306"}"#);
        }
        assert!(Option::<CustomData>::decode(&params(&[]), NAME).unwrap().is_none());
        assert!(CustomData::decode(&params(&[(NAME, "[]")]), NAME).is_err());
    }

    #[test]
    fn version_stages_come_in_two_notations() {
        for text in [r#"["a","b"]"#, r#"{"VersionStage":["b","a"]}"#] {
            assert_eq!(Stages::from_text(text).unwrap().0.len(), 2);
        }
        for wrong in ["a", "[1]", r#"["a b"]"#, r#"[""]"#, "{}"] {
            assert!(Stages::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_is_not_printed() {
        let value = SecretData::from_text("canary").unwrap();
        assert!(!format!("{value:?}").contains("canary"));
        let values = sesame_domain::secret::NewValues { current: value.0, previous: None, made_here: false };
        assert!(!format!("{values:?}").contains("canary"));
    }

    #[test]
    fn a_value_has_thirty_kilobytes_at_most() {
        assert!(SecretData::from_text(&"é".repeat(15_360)).is_ok());
        assert!(SecretData::from_text(&"é".repeat(15_361)).is_err());
    }
}
