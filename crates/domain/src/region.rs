use std::fmt;
use std::str::FromStr;

use crate::InvalidId;

/// A region id such as `cn-hangzhou`: 1 to 64 lower-case letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegionId(Box<str>);

impl RegionId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The three characters that a key id of this region carries after `key-`.
    ///
    /// The original has a tag per region (`hzz` for cn-hangzhou); its full list is not published, so the tag of any
    /// other region is the first two letters of its city part and a `z`.
    pub fn key_tag(&self) -> [u8; 3] {
        const PUBLISHED: &[(&str, [u8; 3])] =
            &[("cn-hangzhou", *b"hzz"), ("cn-beijing", *b"bjz"), ("cn-shanghai", *b"shz"), ("cn-shenzhen", *b"szz")];
        if let Some((_, tag)) = PUBLISHED.iter().find(|(region, _)| *region == self.as_str()) {
            return *tag;
        }
        let city = self.0.split_once('-').map_or(&*self.0, |(_, city)| city);
        let mut letters = city.bytes().filter(u8::is_ascii_lowercase);
        [letters.next().unwrap_or(b'z'), letters.next().unwrap_or(b'z'), b'z']
    }
}

impl FromStr for RegionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let valid = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if valid { Ok(Self(text.into())) } else { Err(InvalidId) }
    }
}

impl fmt::Display for RegionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_a_key_tag_of_three_characters() {
        let tag = |region: &str| region.parse::<RegionId>().unwrap().key_tag();
        assert_eq!(tag("cn-hangzhou"), *b"hzz");
        assert_eq!(tag("eu-central-1"), *b"cez");
        assert_eq!(tag("x"), *b"xzz");
    }
}
