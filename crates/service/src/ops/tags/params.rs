//! The parameters of tag operations. Their rules have error codes of their own.

use std::collections::BTreeSet;

use sesame_domain::limits;
use sesame_domain::tag::{InvalidTagKey, InvalidTagValue};
use sesame_domain::{Tag, TagKey, TagValue};

use crate::error::{Code, KmsError, Result};
use crate::params::{Kind, List, Param, Params, RawTag, RawTags, json_tags};

/// `Tag.N.Key` and `Tag.N.Value` to be set: 1 to 20, each key once.
#[derive(Debug)]
pub(crate) struct NewTags(pub(crate) Vec<Tag>);

impl Param for NewTags {
    const KIND: Kind = Kind::TagList;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        RawTags::<{ limits::TAGS }>::is_present(params, name)
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let raw = RawTags::<{ limits::TAGS }>::decode(params, name)?;
        let tags = raw.0.into_iter().map(|tag| {
            let value = tag.value.unwrap_or_default();
            Ok(Tag { key: tag_key(&tag.key)?, value: tag_value(&value)? })
        });
        let tags = tags.collect::<Result<Vec<_>>>()?;
        each_key_once(tags.iter().map(|tag| &tag.key))?;
        Ok(Self(tags))
    }
}

/// `Tag.N.Key` and `Tag.N.Value` to look for: a key alone matches any value.
#[derive(Debug)]
pub(crate) struct SoughtTags(pub(crate) Vec<(TagKey, Option<TagValue>)>);

impl Param for SoughtTags {
    const KIND: Kind = Kind::TagList;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        RawTags::<{ limits::TAGS }>::is_present(params, name)
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let raw = RawTags::<{ limits::TAGS }>::decode(params, name)?;
        let tags = raw.0.into_iter().map(|RawTag { key, value }| {
            // An empty value is a value here; only one that was not sent matches any.
            Ok((tag_key(&key)?, value.map(|value| tag_value(&value)).transpose()?))
        });
        let tags = tags.collect::<Result<Vec<_>>>()?;
        each_key_once(tags.iter().map(|(key, _)| key))?;
        Ok(Self(tags))
    }
}

/// `TagKey.N` to be removed: 1 to 20.
#[derive(Debug)]
pub(crate) struct RemovedTagKeys(pub(crate) Vec<TagKey>);

impl Param for RemovedTagKeys {
    const KIND: Kind = Kind::List;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        List::<String, { limits::TAGS }>::is_present(params, name)
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let keys = List::<String, { limits::TAGS }>::decode(params, name)?;
        keys.0.iter().map(|key| tag_key(key)).collect::<Result<_>>().map(Self)
    }
}

/// `Tags` of CreateKey and TagResource: `[{"TagKey":"k","TagValue":"v"}]`, at most 20, each key once.
#[derive(Debug)]
pub(crate) struct JsonTags(pub(crate) Vec<Tag>);

impl Param for JsonTags {
    const KIND: Kind = Kind::Json;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let raw = json_tags(name, params.get(name).unwrap_or_default(), "TagKey", "TagValue")?;
        if raw.len() > limits::TAGS {
            return Err(KmsError::invalid(name, format_args!("it may have {} tags at most", limits::TAGS)));
        }
        let tags = raw.into_iter().map(|RawTag { key, value }| {
            let key = key.parse().map_err(|error: InvalidTagKey| KmsError::invalid(name, error))?;
            let value =
                value.unwrap_or_default().parse().map_err(|error: InvalidTagValue| KmsError::invalid(name, error))?;
            Ok(Tag { key, value })
        });
        let tags: Vec<Tag> = tags.collect::<Result<_>>()?;
        each_key_once(tags.iter().map(|tag| &tag.key))
            .map_err(|_| KmsError::invalid(name, "each tag key may occur once"))?;
        Ok(Self(tags))
    }
}

/// `TagKeys` of UntagResource: a JSON array of strings, or keys joined by commas.
#[derive(Debug)]
pub(crate) struct TagKeyText(pub(crate) Vec<TagKey>);

impl Param for TagKeyText {
    const KIND: Kind = Kind::Json;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let text = params.get(name).unwrap_or_default();
        let keys: Vec<String> = if text.starts_with('[') {
            serde_json::from_str(text)
                .map_err(|_| KmsError::invalid(name, "it must be a JSON array of strings such as [\"k1\",\"k2\"]"))?
        } else {
            text.split(',').map(str::to_owned).collect()
        };
        if keys.is_empty() || keys.len() > limits::TAGS {
            return Err(KmsError::invalid(name, format_args!("it must name 1 to {} tag keys", limits::TAGS)));
        }
        let keys = keys.iter().map(|key| key.parse().map_err(|error: InvalidTagKey| KmsError::invalid(name, error)));
        keys.collect::<Result<_>>().map(Self)
    }
}

fn tag_key(text: &str) -> Result<TagKey> {
    text.parse().map_err(|error: InvalidTagKey| {
        KmsError::new(Code::InvalidParameterTagKey, format!("The specified parameter is not valid: {error}."))
    })
}

fn tag_value(text: &str) -> Result<TagValue> {
    text.parse().map_err(|error: InvalidTagValue| {
        KmsError::new(Code::InvalidParameterTagValue, format!("The specified parameter is not valid: {error}."))
    })
}

fn each_key_once<'t>(keys: impl Iterator<Item = &'t TagKey>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(Code::DuplicateTagKey.into());
        }
    }
    Ok(())
}
