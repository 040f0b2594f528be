//! The words of the API as types, and the rules that need neither storage nor a network.
//!
//! A value of a type in this crate is valid: parsing checks it once, nothing checks it again. Time and randomness are
//! passed in, so that tests decide them.

mod account;
pub mod alias;
mod arn;
pub mod certificate;
mod id;
pub mod key;
mod network;
mod page;
pub mod ram;
mod region;
pub mod rotation;
pub mod secret;
mod shown;
pub mod state;
pub mod tag;
mod time;
mod wire_enum;

pub use account::{AccountId, AccountName, InvalidAccountName};
pub use alias::AliasName;
pub use arn::{Arn, InvalidArn};
pub use id::{InvalidId, KeyId, KeyVersionId};
pub use key::{Key, KeyRef, KeyVersion, Origin, ProtectionLevel};
pub use network::{InvalidNetwork, Network};
pub use page::Page;
pub use region::RegionId;
pub use state::{KeyState, StateRefusal};
pub use tag::{Tag, TagKey, TagValue};
pub use time::{Clock, InvalidTimestamp, SystemClock, Timestamp};

/// The limits of the API that more than one place needs (`Limits` page; units in the names).
pub mod limits {
    /// Longest description of a key, in characters.
    pub const DESCRIPTION_CHARS: usize = 8_192;
    /// Longest plaintext of Encrypt, in bytes before Base64.
    pub const PLAINTEXT_BYTES: usize = 6_144;
    /// Longest `Plaintext` parameter as received, in characters (6,144 bytes are 8,192 characters of Base64).
    pub const PLAINTEXT_CHARS: usize = 8_192;
    /// Largest data key, in bytes.
    pub const DATA_KEY_BYTES: u32 = 1_024;
    /// Most tags one resource can carry, and most tags one call can name.
    pub const TAGS: usize = 20;
    /// Most resources one tag call can name.
    pub const TAG_RESOURCES: usize = 50;
    /// Rows in one page of ListTagResources.
    pub const TAG_ROWS: usize = 200;
    /// Most filters of ListKeys, and most values of one filter.
    pub const FILTERS: usize = 10;
    /// Shortest and longest deletion window, in days.
    pub const DELETION_WINDOW_DAYS: std::ops::RangeInclusive<u32> = 7..=366;
    /// Most versions of one asymmetric key.
    pub const ASYMMETRIC_KEY_VERSIONS: u32 = 50;
    /// Least time between two versions of an asymmetric key: 7 days.
    pub const ASYMMETRIC_VERSION_SECONDS: u32 = 604_800;
}
