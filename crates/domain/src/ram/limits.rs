//! How much there may be of what belongs to users, groups, roles and policies (access-control reference, 1.9, "Limits").
//! How many users and groups an account may have is for the operator to say.

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
/// Roles of one account.
pub const ROLES: i64 = 1_000;
/// Policies of one account, besides those of the service.
pub const POLICIES: i64 = 1_500;
/// Versions of one policy at a time.
pub const POLICY_VERSIONS: usize = 5;
/// Policies of the service that hang on one user, group or role.
pub const SYSTEM_POLICIES_ATTACHED: i64 = 20;
/// Policies of the account that hang on one user.
pub const POLICIES_OF_USER: i64 = 10;
/// Policies of the account that hang on one group, or on one role.
pub const POLICIES_OF_OTHERS: i64 = 5;
/// Longest description of a policy or a role, in characters.
pub const DESCRIPTION_CHARS: usize = 1_024;
/// Shortest, which is also the usual, and longest limit of the sessions of a role, in seconds.
pub const SESSION_SECONDS: (u32, u32) = (3_600, 43_200);
/// OIDC providers of one account (page of CreateOIDCProvider, as what follows).
pub const OIDC_PROVIDERS: i64 = 100;
/// Client ids of one OIDC provider.
pub const CLIENT_IDS: usize = 50;
/// Fingerprints of one OIDC provider.
pub const FINGERPRINTS: usize = 5;
/// Longest description of an OIDC provider, in characters.
pub const OIDC_DESCRIPTION_CHARS: usize = 256;
/// Longest URL of an issuer, in characters.
pub const ISSUER_CHARS: usize = 255;
/// Longest client id, and longest fingerprint, in characters.
pub const CLIENT_ID_CHARS: usize = 128;
/// Least and greatest age of a token that an OIDC provider may bring, in hours.
pub const ISSUANCE_HOURS: (u32, u32) = (1, 168);
/// The age when nobody says how old: 12 in every sample of the original.
pub const USUAL_ISSUANCE_HOURS: u32 = 12;
