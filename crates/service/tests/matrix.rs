//! Every operation that touches a key, in every state of the key.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a call that must succeed fails its test")]

mod world;

use std::collections::BTreeMap;

use sesame_domain::{KeyState, Timestamp};
use sesame_service::registry::ENTRIES;
use sesame_testkit::TestKms;
use world::sample;

/// The page "Impact of CMK status on API operations", and for what it leaves out the keys reference, 6.2. Written down
/// apart from the code, so that neither can change alone.
///
/// Columns: Enabled, Disabled, PendingDeletion, PendingImport. ok: success; RD, RP, RI: `Rejected.Disabled`,
/// `Rejected.PendingDeletion`, `Rejected.PendingImport`; SM: `Rejected.StateModifiedFailed`.
const DOCUMENTED: &str = "
    Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext       | ok RD RP RI
    ExportDataKey GenerateAndExportDataKey AdvanceEncrypt                           | ok RD RP RI
    AsymmetricSign AsymmetricVerify AsymmetricEncrypt AsymmetricDecrypt             | ok RD RP RI
    GetPublicKey GenerateMac VerifyMac                                              | ok RD RP RI
    CreateSecret PutSecretValue GetSecretValue                                      | ok RD RP RI
    DescribeKey ListAliasesByKeyId ListResourceTags DescribeKeyVersion              | ok ok ok ok
    ListKeyVersions DeleteAlias ListTagResources GetKeyPolicy                       | ok ok ok ok
    UpdateKeyDescription TagResource UntagResource TagResources UntagResources      | ok ok RP ok
    SetKeyPolicy                                                                    | ok ok RP ok
    EnableKey DisableKey                                                            | ok ok SM SM
    ScheduleKeyDeletion CreateAlias ImportKeyMaterial                               | ok ok SM ok
    CancelKeyDeletion                                                               | SM SM ok SM
    UpdateAlias SetDeletionProtection                                               | ok ok RP ok
    CreateKeyVersion UpdateRotationPolicy                                           | ok RD RP RI
    GetParametersForImport DeleteKeyMaterial                                        | ok ok ok ok
";

fn documented() -> BTreeMap<&'static str, Vec<&'static str>> {
    let rows = DOCUMENTED.lines().filter_map(|line| line.split_once('|'));
    rows.flat_map(|(operations, cells)| {
        let cells: Vec<_> = cells.split_whitespace().collect();
        assert_eq!(cells.len(), KeyState::ALL.len(), "{operations}");
        operations.split_whitespace().map(move |operation| (operation, cells.clone()))
    })
    .collect()
}

#[test]
fn the_table_in_the_code_says_what_is_documented() {
    for (operation, cells) in documented() {
        for (state, cell) in KeyState::ALL.into_iter().zip(cells) {
            let said = state.permits(operation).map_err(|refusal| sesame_service::KmsError::from(refusal).code.name());
            assert_eq!(said, expected(cell), "{operation} {state}");
        }
    }
    for operation in sesame_domain::state::MATRIX.iter().flat_map(|(operations, _)| *operations) {
        let later = ["AdvanceDecrypt", "AdvanceGenerateDataKey"];
        assert!(documented().contains_key(operation) || later.contains(operation), "{operation} has no row here");
    }
}

#[tokio::test]
async fn every_operation_obeys_the_state_of_its_keys() {
    let documented = documented();
    let kms = TestKms::new().await;
    let mut wrong = Vec::new();
    for entry in ENTRIES {
        let touched = sample(&kms, entry.name, &world::canary(7)).await.keys.len();
        if touched == 0 {
            continue;
        }
        let row = documented.get(entry.name).unwrap_or_else(|| panic!("{} has no row here", entry.name));
        for (state, cell) in KeyState::ALL.into_iter().zip(row) {
            for which in 0..touched {
                let sample = sample(&kms, entry.name, &world::canary(7)).await;
                put_into(&kms, sample.keys.get(which).unwrap(), state).await;
                let said = kms.call(entry.name, &sample.params()).await.map(|_| ()).map_err(|refusal| refusal.code);
                if said != expected(cell) {
                    wrong.push(format!("{} with key {which} {state}: {said:?} is not {cell}", entry.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn expected(cell: &str) -> Result<(), &'static str> {
    match cell {
        "ok" => Ok(()),
        "RD" => Err("Rejected.Disabled"),
        "RP" => Err("Rejected.PendingDeletion"),
        "RI" => Err("Rejected.PendingImport"),
        "SM" => Err("Rejected.StateModifiedFailed"),
        other => panic!("{other}"),
    }
}

/// Writes the state into the database, whatever way a caller would have to it.
async fn put_into(kms: &TestKms, key: &str, state: KeyState) {
    let id: sesame_domain::KeyId = key.parse().unwrap();
    let now = sesame_store::keys::get(&mut kms.store.reader().await.unwrap(), &id).await.unwrap().unwrap().state;
    if now == state {
        return;
    }
    let ends = (state == KeyState::PendingDeletion).then(|| Timestamp::from_millis(4_000_000_000_000));
    kms.store
        .write(move |tx| {
            let id = id.clone();
            Box::pin(async move { sesame_store::keys::set_state(tx, &id, now, state, ends).await })
        })
        .await
        .unwrap();
}
