//! One module per table: functions that take a connection or a transaction and values of the domain.

pub mod access_keys;
pub mod accounts;
pub mod aliases;
pub mod audit_events;
pub mod certificates;
pub mod import_tokens;
pub(crate) mod key_list;
pub mod key_policies;
pub mod key_uses;
pub mod key_versions;
pub mod keys;
pub mod managed_data_keys;
pub mod meta;
pub mod ram_access_keys;
pub mod ram_grants;
pub mod ram_groups;
pub mod ram_logins;
pub mod ram_memberships;
pub mod ram_roles;
pub mod ram_settings;
pub mod ram_users;
pub(crate) mod secret_list;
pub mod secret_rotations;
pub mod secrets;
pub mod server_keys;
pub mod tags;
