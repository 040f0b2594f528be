//! How much there may be of what belongs to users and groups (access-control reference, 1.9, "Limits"). How many users
//! and groups an account may have is for the operator to say.

/// Access keys of one user.
pub const ACCESS_KEYS_PER_USER: u64 = 2;
/// Access keys of an account itself.
pub const ACCESS_KEYS_OF_ROOT: u64 = 5;
/// Groups that one user can be in.
pub const GROUPS_PER_USER: u64 = 5;
/// Longest name for people, in characters.
pub const DISPLAY_NAME_CHARS: usize = 128;
/// Longest comment on a user or a group, in characters.
pub const COMMENTS_CHARS: usize = 128;
/// Longest address for mail, in characters (RFC 5321 leaves 254 for it).
pub const EMAIL_CHARS: usize = 254;
/// Longest password, in characters. The original says nothing about it in its API; what is longer than this is no
/// password but an attempt to keep the hash busy.
pub const PASSWORD_CHARS: usize = 128;
/// Rows on a page of a list, at most and when the caller does not say.
pub const PAGE: (u32, u32) = (1_000, 100);
