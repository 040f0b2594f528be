//! Key states and the operation × state matrix ("Impact of CMK status on API operations"; keys reference, 6).

use std::fmt;
use std::str::FromStr;

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Usable.
    Enabled,
    /// Kept, not usable.
    Disabled,
    /// Waiting for the end of its deletion window.
    PendingDeletion,
    /// Made for imported material and without any.
    PendingImport,
}

/// Why a state forbids an operation; each has one error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateRefusal {
    /// `Rejected.Disabled`.
    Disabled,
    /// `Rejected.PendingDeletion`.
    PendingDeletion,
    /// `Rejected.PendingImport`.
    PendingImport,
    /// `Rejected.StateModifiedFailed`.
    StateModifiedFailed,
}

impl KeyState {
    /// Every state, in the order of the matrix's columns.
    pub const ALL: [Self; 4] = [Self::Enabled, Self::Disabled, Self::PendingDeletion, Self::PendingImport];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingImport => "PendingImport",
        }
    }

    /// Whether an operation on a key of this state may go on.
    ///
    /// # Errors
    /// The refusal that the matrix names.
    pub fn permits(self, operation: &str) -> Result<(), StateRefusal> {
        let Some((_, row)) = MATRIX.iter().find(|(operations, _)| operations.contains(&operation)) else {
            return Ok(());
        };
        let cell = match self {
            Self::Enabled => row[0],
            Self::Disabled => row[1],
            Self::PendingDeletion => row[2],
            Self::PendingImport => row[3],
        };
        cell.map_or(Ok(()), Err)
    }
}

impl FromStr for KeyState {
    type Err = crate::InvalidId;

    fn from_str(text: &str) -> Result<Self, crate::InvalidId> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(crate::InvalidId)
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

type Row = [Option<StateRefusal>; 4];

const OK: Option<StateRefusal> = None;
const RD: Option<StateRefusal> = Some(StateRefusal::Disabled);
const RP: Option<StateRefusal> = Some(StateRefusal::PendingDeletion);
const RI: Option<StateRefusal> = Some(StateRefusal::PendingImport);
const SM: Option<StateRefusal> = Some(StateRefusal::StateModifiedFailed);

/// Rows: operations; columns: Enabled, Disabled, PendingDeletion, PendingImport. An operation that is in no row is
/// allowed in every state.
pub const MATRIX: &[(&[&str], Row)] = &[
    (
        &[
            "Encrypt",
            "Decrypt",
            "ReEncrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "ExportDataKey",
            "GenerateAndExportDataKey",
            "AdvanceEncrypt",
            "AdvanceDecrypt",
            "AdvanceGenerateDataKey",
            "AsymmetricSign",
            "AsymmetricVerify",
            "AsymmetricEncrypt",
            "AsymmetricDecrypt",
            "GetPublicKey",
            "GenerateMac",
            "VerifyMac",
            "CreateSecret",
            "PutSecretValue",
            "GetSecretValue",
        ],
        [OK, RD, RP, RI],
    ),
    (
        &["UpdateKeyDescription", "TagResource", "UntagResource", "TagResources", "UntagResources", "SetKeyPolicy"],
        [OK, OK, RP, OK],
    ),
    (&["EnableKey", "DisableKey"], [OK, OK, SM, SM]),
    (&["ScheduleKeyDeletion", "CreateAlias", "ImportKeyMaterial"], [OK, OK, SM, OK]),
    (&["CancelKeyDeletion"], [SM, SM, OK, SM]),
    (&["UpdateAlias", "SetDeletionProtection"], [OK, OK, RP, OK]),
    (&["CreateKeyVersion", "UpdateRotationPolicy"], [OK, RD, RP, RI]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_is_in_two_rows() {
        let mut names: Vec<_> = MATRIX.iter().flat_map(|(operations, _)| *operations).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_matrix_answers_for_documented_cells() {
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
        assert_eq!(Enabled.permits("Encrypt"), Ok(()));
        assert_eq!(Disabled.permits("Encrypt"), Err(StateRefusal::Disabled));
        assert_eq!(PendingImport.permits("EnableKey"), Err(StateRefusal::StateModifiedFailed));
        assert_eq!(PendingDeletion.permits("DescribeKey"), Ok(()));
        assert_eq!(PendingDeletion.permits("UntagResources"), Err(StateRefusal::PendingDeletion));
        assert_eq!(Enabled.permits("CancelKeyDeletion"), Err(StateRefusal::StateModifiedFailed));
    }
}
