//! Types and pure rules.
