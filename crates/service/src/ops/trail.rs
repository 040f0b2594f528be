//! ActionTrail: the audit trail as its callers see it.

mod lookup_events;

pub(crate) use lookup_events::LookupEvents;
