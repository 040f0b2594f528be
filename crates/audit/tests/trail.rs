//! The chain: what it proves, and how it goes on after a crash or a full disk.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use sesame_audit::testing::{Failing, Unmapped};
use sesame_audit::{
    AuditLog, Broken, Durability, Files, Follow, Kind, Options, Proof, Records, Trust, files, staged, verify,
};
use sesame_crypto::{Ed25519, SecretBytes};
use sesame_domain::SystemClock;

fn options(folder: &Path, full: &Arc<AtomicBool>) -> Options {
    Options {
        folder: folder.to_owned(),
        fresh_id: "t-1".into(),
        node: "node-1".into(),
        durability: Durability::Process,
        file_bytes: 4_096,
        retention_days: 0,
        signer: Ed25519::from_seed(&SecretBytes::new(vec![7; 32])).unwrap(),
        round: Duration::from_secs(3_600),
        files: Arc::new(Failing(Arc::clone(full))),
        clock: Arc::new(SystemClock),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

async fn append(log: &AuditLog, from: u64, count: u64) {
    for number in from..from + count {
        log.append(Kind::Event, format!("{{\"n\":{number}}}").as_bytes()).await.unwrap();
    }
}

/// Appends records that may be staged.
async fn append_data(log: &AuditLog, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        log.append(Kind::Data, data(number).as_bytes()).await.unwrap();
    }
}

fn data(number: u64) -> String {
    format!("{{\"data\":{number}}}")
}

fn proved(folder: &Path) -> Result<Proof, Broken> {
    verify(folder, &Trust::default())
}

fn events(folder: &Path) -> Vec<String> {
    bodies(folder, &[Kind::Event])
}

fn bodies(folder: &Path, kinds: &[Kind]) -> Vec<String> {
    let mut records = Records::from(folder, 0).unwrap();
    let mut found = Vec::new();
    while let Some(line) = records.next_line().unwrap() {
        if kinds.contains(&line.kind) {
            found.push(String::from_utf8(line.body.to_vec()).unwrap());
        }
    }
    found
}

/// Three starts, several files each.
fn written(folder: &Path) {
    let never = Arc::default();
    for start in 0..3 {
        runtime().block_on(async {
            let log = AuditLog::open(options(folder, &never)).unwrap();
            append(&log, start * 30, 30).await;
            log.close();
        });
    }
}

#[test]
fn what_was_written_is_proved_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let proof = proved(folder.path()).unwrap();
    assert_eq!((proof.first, proof.signed, proof.unfinished), (1, proof.last, 0));
    assert!(proof.files > 5 && proof.signatures > 6 && proof.notices.is_empty(), "{proof:?}");
    assert_eq!(events(folder.path()), (0..90).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>());
}

#[test]
fn records_of_many_tasks_are_all_kept() {
    let mapped: Arc<dyn Files> = Arc::new(Failing::default());
    for (durability, files) in [
        (Durability::Process, Arc::clone(&mapped)),
        (Durability::Process, Arc::new(Unmapped)),
        (Durability::Disk, mapped),
    ] {
        let folder = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let options = Options { durability, files, ..options(folder.path(), &Arc::default()) };
            let log = AuditLog::open(options).unwrap();
            let tasks: Vec<_> = (0..20)
                .map(|task| {
                    let log = log.clone();
                    tokio::spawn(async move {
                        append(&log, task * 100, 10).await;
                        append_data(&log, task * 100..task * 100 + 100).await;
                        append(&log, task * 100 + 10, 10).await;
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            log.close();
        });
        proved(folder.path()).unwrap();
        assert_eq!(events(folder.path()).len(), 400);
        assert_eq!(bodies(folder.path(), &[Kind::Data]).len(), 2_000);
    }
}

#[test]
fn rounds_at_the_same_time_sign_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(options(folder.path(), &Arc::default())).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                runtime().block_on(async {
                    for round in 0..100 {
                        append(log, thread * 100 + round, 1).await;
                        log.keep();
                    }
                });
            });
        }
    });
    assert_eq!((log.failures(), log.is_up()), (0, true));
    let proof = proved(folder.path()).unwrap();
    assert_eq!((proof.signed, events(folder.path()).len()), (proof.last, 400));
}

#[test]
fn what_was_staged_when_the_process_died_is_in_the_chain_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let never = Arc::default();
    for start in 0..3 {
        runtime().block_on(async {
            let log = AuditLog::open(options(folder.path(), &never)).unwrap();
            assert_eq!(staged(folder.path()).unwrap(), 0);
            append_data(&log, start * 10..start * 10 + 5).await;
            log.keep();
            append_data(&log, start * 10 + 5..start * 10 + 10).await;
        });
        // Dropped without an end, as by `kill -9`.
        assert_eq!(staged(folder.path()).unwrap(), 5);
        assert_eq!(bodies(folder.path(), &[Kind::Data]).len() as u64, start * 10 + 5);
        proved(folder.path()).unwrap();
    }
    AuditLog::open(options(folder.path(), &never)).unwrap().close();
    let proof = proved(folder.path()).unwrap();
    assert_eq!(proof.notices.len(), 3, "{proof:?}");
    assert!(proof.notices.iter().all(|notice| notice.contains("\"recovered\",\"records\":5")), "{proof:?}");
    assert_eq!(bodies(folder.path(), &[Kind::Data]), (0..30).map(data).collect::<Vec<_>>());
}

#[test]
fn an_event_is_in_the_chain_at_once_behind_what_was_staged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &Arc::default())).unwrap();
        append_data(&log, 0..3).await;
        append(&log, 0, 1).await;
        append_data(&log, 3..5).await;
        let so_far = bodies(folder.path(), &[Kind::Data, Kind::Event]);
        assert_eq!(so_far, [data(0), data(1), data(2), "{\"n\":0}".to_owned()]);
        // Whoever asks the trail where it ends is told of all records.
        log.head();
        assert_eq!(bodies(folder.path(), &[Kind::Data]).len(), 5);
        log.close();
    });
}

#[test]
fn more_than_can_be_staged_is_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{{\"data\":\"{}\"}}", "x".repeat(3 << 20));
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &Arc::default())).unwrap();
        // 200,000 take 6 MB, of which 2 find room before something is written.
        append_data(&log, 0..200_000).await;
        // A record that no half has room for waits for its write.
        log.append(Kind::Data, long.as_bytes()).await.unwrap();
        assert_eq!(bodies(folder.path(), &[Kind::Data]).len(), 200_001);
    });
    assert_eq!(staged(folder.path()).unwrap(), 0);
    proved(folder.path()).unwrap();
}

#[test]
fn records_that_are_both_staged_and_in_the_chain_are_not_chained_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staged");
    let never = Arc::default();
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &never)).unwrap();
        append_data(&log, 0..5).await;
        log.keep();
        append_data(&log, 5..10).await;
        let before = fs::read(&path).unwrap();
        log.close();
        drop(log);
        // As if the process had died between the write to the chain and the end of it.
        fs::write(&path, before).unwrap();
    });
    assert_eq!(staged(folder.path()).unwrap(), 0);
    AuditLog::open(options(folder.path(), &never)).unwrap().close();
    assert_eq!(bodies(folder.path(), &[Kind::Data]), (0..10).map(data).collect::<Vec<_>>());
    assert!(proved(folder.path()).unwrap().notices.is_empty());
}

#[test]
fn staged_records_outlive_a_full_disk_and_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &full)).unwrap();
        append_data(&log, 0..5).await;
        full.store(true, Ordering::SeqCst);
        log.keep();
        assert!(log.ready().is_err());
        // What was being executed then is on record as well.
        append_data(&log, 5..6).await;
        full.store(false, Ordering::SeqCst);
        log.keep();
        log.ready().unwrap();
        assert_eq!(bodies(folder.path(), &[Kind::Data]), (0..6).map(data).collect::<Vec<_>>());
        append_data(&log, 6..8).await;
        full.store(true, Ordering::SeqCst);
        log.keep();
        append_data(&log, 8..10).await;
    });
    assert_eq!(staged(folder.path()).unwrap(), 4);
    full.store(false, Ordering::SeqCst);
    AuditLog::open(options(folder.path(), &full)).unwrap().close();
    proved(folder.path()).unwrap();
    assert_eq!(bodies(folder.path(), &[Kind::Data]), (0..10).map(data).collect::<Vec<_>>());
}

#[test]
fn a_file_of_staged_records_that_is_taken_away_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let never = Arc::default();
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &never)).unwrap();
        append_data(&log, 0..3).await;
        fs::remove_file(folder.path().join("staged")).unwrap();
        append_data(&log, 3..6).await;
        log.keep();
        assert_eq!(bodies(folder.path(), &[Kind::Data]).len(), 6);
        append_data(&log, 6..9).await;
    });
    assert_eq!(staged(folder.path()).unwrap(), 3);
    AuditLog::open(options(folder.path(), &never)).unwrap().close();
    assert_eq!(bodies(folder.path(), &[Kind::Data]), (0..9).map(data).collect::<Vec<_>>());
}

#[test]
fn staged_records_of_an_unknown_format_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staged");
    let never = Arc::default();
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &never)).unwrap();
        append_data(&log, 0..1).await;
    });
    let mut bytes = fs::read(&path).unwrap();
    (bytes[0], bytes[64]) = (2, 2);
    fs::write(&path, bytes).unwrap();
    let refused = AuditLog::open(options(folder.path(), &never)).unwrap_err();
    assert!(refused.to_string().contains("format"), "{refused}");
}

#[test]
fn a_torn_tail_is_declared_by_the_next_file() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let (_, last) = files(folder.path()).unwrap().pop().unwrap();
    let whole = fs::read(&last).unwrap();
    fs::write(&last, [&whole[..], b"{\"seq\":9999,\"pr"].concat()).unwrap();
    assert_eq!(proved(folder.path()).unwrap().unfinished, 15);

    written(folder.path());
    let proof = proved(folder.path()).unwrap();
    assert_eq!(proof.notices.len(), 1, "{proof:?}");
    assert_eq!(events(folder.path()).len(), 180);
    // Nobody may tidy up.
    fs::write(&last, whole).unwrap();
    assert!(proved(folder.path()).is_err());
}

#[test]
fn a_full_disk_refuses_and_then_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &full)).unwrap();
        append(&log, 0, 3).await;
        full.store(true, Ordering::SeqCst);
        assert!(log.append(Kind::Event, b"{\"n\":3}").await.is_err());
        assert!(log.ready().is_err() && log.ready().is_err() && !log.is_up());
        log.keep();
        assert!(log.ready().is_err());
        full.store(false, Ordering::SeqCst);
        log.keep();
        log.ready().unwrap();
        append(&log, 4, 1).await;
        log.close();
    });
    let proof = proved(folder.path()).unwrap();
    let notice = &proof.notices[0];
    assert!(notice.contains("\"refusedCalls\":3") && notice.contains("\"lateRecords\":1"), "{notice}");
    assert_eq!(events(folder.path()), (0..5).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_taken_away_is_noticed_at_once_and_by_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let log = AuditLog::open(options(folder.path(), &Arc::default())).unwrap();
        append(&log, 0, 3).await;
        fs::remove_file(&files(folder.path()).unwrap()[0].1).unwrap();
        log.keep();
        append(&log, 3, 3).await;
        log.close();
    });
    assert!(proved(folder.path()).is_err());
    let mut records = Records::from(folder.path(), 0).unwrap();
    let mut text = String::new();
    while let Some(line) = records.next_line().unwrap() {
        text.push_str(&String::from_utf8_lossy(line.body));
    }
    assert!(text.contains("disturbed"), "{text}");
}

fn followed(follow: &mut Follow, through: u64) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(line) = follow.next_line(through).unwrap() {
        if line.kind == Kind::Event {
            found.push(String::from_utf8(line.body.to_vec()).unwrap());
        }
    }
    found
}

#[test]
fn a_trail_is_followed_across_files_and_failures_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let mut follow = Follow::after(folder.path(), 0);
    let mut seen = Vec::new();
    runtime().block_on(async {
        for start in 0..3 {
            let log = AuditLog::open(options(folder.path(), &full)).unwrap();
            for step in 0..4 {
                append(&log, start * 100 + step * 10, 10).await;
                if step == 1 {
                    // Half of a write reaches the file, and is taken back.
                    full.store(true, Ordering::SeqCst);
                    let late = format!("{{\"n\":{}}}", start * 100 + 99);
                    assert!(log.append(Kind::Event, late.as_bytes()).await.is_err());
                    seen.extend(followed(&mut follow, log.head()));
                    full.store(false, Ordering::SeqCst);
                    log.keep();
                }
                if step != 2 {
                    seen.extend(followed(&mut follow, log.head()));
                    assert_eq!(follow.position(), log.head());
                }
            }
            log.close();
        }
    });
    assert_eq!(seen, events(folder.path()));
    assert_eq!(seen.len(), 123);
    // From the middle, as after a restart.
    let mut follow = Follow::after(folder.path(), proved(folder.path()).unwrap().last / 2);
    let rest = followed(&mut follow, u64::MAX);
    assert!(rest.len() > 40 && seen.ends_with(&rest), "{}", rest.len());
}

#[test]
fn who_wants_only_events_passes_over_what_lies_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let events_now = |follow: &mut Follow, log: &AuditLog| {
        let (through, mut found) = (log.head(), Vec::new());
        while let Some(line) = follow.next_event(log, through).unwrap() {
            if line.kind == Kind::Event {
                found.push(String::from_utf8(line.body.to_vec()).unwrap());
            }
        }
        assert_eq!(follow.position(), through);
        found
    };
    let mut seen = Vec::new();
    runtime().block_on(async {
        // What an earlier start wrote is not remembered: it is read through.
        for _ in 0..2 {
            let log = AuditLog::open(options(folder.path(), &full)).unwrap();
            let mut follow = Follow::after(folder.path(), 0);
            seen = events_now(&mut follow, &log);
            for step in 0..30 {
                append(&log, step * 10, step % 3).await;
                for _ in 0..20 {
                    log.append(Kind::Data, b"{\"data\":true}").await.unwrap();
                }
                if step == 15 {
                    full.store(true, Ordering::SeqCst);
                    assert!(log.append(Kind::Event, b"{\"n\":999}").await.is_err());
                    full.store(false, Ordering::SeqCst);
                    log.keep();
                }
                if step % 4 == 0 {
                    seen.extend(events_now(&mut follow, &log));
                }
            }
            seen.extend(events_now(&mut follow, &log));
            log.close();
        }
    });
    assert_eq!(seen, events(folder.path()));
    assert_eq!(seen.len(), 62);
}

#[test]
fn a_trail_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let never = Arc::default();
    let log = AuditLog::open(options(folder.path(), &never)).unwrap();
    assert!(AuditLog::open(options(folder.path(), &never)).is_err());
    drop(log);
}

#[test]
fn another_key_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let trust = Trust { public_key: Some([9; 32]), known: None };
    assert!(verify(folder.path(), &trust).is_err());
    let known = Some((3, "0".repeat(64)));
    assert!(verify(folder.path(), &Trust { public_key: None, known }).is_err());
}

/// All lines of all files: which file, and the line with its end.
fn lines(folder: &Path) -> Vec<(usize, Vec<u8>)> {
    let files = files(folder).unwrap();
    let content = files.iter().enumerate().flat_map(|(at, (_, path))| {
        let bytes = fs::read(path).unwrap();
        bytes.split_inclusive(|byte| *byte == b'\n').map(|line| (at, line.to_vec())).collect::<Vec<_>>()
    });
    content.collect()
}

fn store(folder: &Path, lines: &[(usize, Vec<u8>)]) {
    for (at, (_, path)) in files(folder).unwrap().iter().enumerate() {
        let bytes: Vec<u8> = lines.iter().filter(|(file, _)| *file == at).flat_map(|(_, line)| line.clone()).collect();
        fs::write(path, bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_done_to_one_record_is_detected(how in 0..7_usize, pick in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let mut all = lines(folder.path());
        let at = pick.index(all.len());
        match how {
            0 => { // change a byte
                let line = &mut all[at].1;
                let byte = other.index(line.len());
                line[byte] ^= 1;
            }
            1 => drop(all.remove(at)), // delete
            2 => { // reorder
                let to = other.index(all.len());
                prop_assume!(all[at].1 != all[to].1);
                let (a, b) = (all[at].1.clone(), all[to].1.clone());
                all[at].1 = b;
                all[to].1 = a;
            }
            3 => { // cut within
                let line = &mut all[at].1;
                let length = other.index(line.len());
                line.truncate(length);
            }
            4 => all.truncate(at), // cut everything from here on
            5 => { // say it twice
                let line = all[at].clone();
                all.insert(at, line);
            }
            _ => { // change it and make its own hash right again
                let text = String::from_utf8(all[at].1.clone()).unwrap();
                let (hashed, _) = text.rsplit_once(",\"hash\":").unwrap();
                let hashed = hashed.replacen('}', " }", 1);
                let hash = sesame_crypto::digest::to_hex(&sesame_crypto::digest::sha256(hashed.as_bytes()));
                all[at].1 = format!("{hashed},\"hash\":\"{hash}\"}}\n").into_bytes();
            }
        }
        store(folder.path(), &all);
        let outcome = proved(folder.path());
        // The last byte of the last line is its end; without it the record is unfinished, which is said.
        prop_assert!(outcome.is_err(), "{how} at {at} of {}: {outcome:?}", all.len());
    }

    /// As after a loss of power, when a part of the file is older than the rest, or never came to the disk.
    #[test]
    fn of_a_damaged_file_only_whole_records_are_taken(
        turns in 0..3_u64,
        records in 1..40_u64,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<Option<prop::sample::Index>>(),
    ) {
        const USED: usize = 8_192;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("staged");
        let never = Arc::default();
        runtime().block_on(async {
            let log = AuditLog::open(options(folder.path(), &never)).unwrap();
            for turn in 0..turns {
                append_data(&log, turn * 100..turn * 100 + 50).await;
                log.keep();
            }
            append_data(&log, 1_000..1_000 + records).await;
        });
        let mut bytes = fs::read(&path).unwrap();
        for (at, byte) in damage {
            // Generation and length of both halves, and where their records begin.
            let places = [8..16, 24..32, 72..80, 88..96, 4_096..USED, (4_096 + (2 << 20))..(2 << 20) + USED];
            let places: Vec<usize> = places.into_iter().flatten().collect();
            let at = places[at.index(places.len())];
            bytes[at] = byte;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(USED));
        }
        fs::write(&path, bytes).unwrap();
        AuditLog::open(options(folder.path(), &never)).unwrap().close();
        prop_assert_eq!(staged(folder.path()).unwrap(), 0);
        prop_assert!(proved(folder.path()).is_ok());
        let found = bodies(folder.path(), &[Kind::Data]);
        let all: Vec<_> = (0..turns).flat_map(|turn| turn * 100..turn * 100 + 50).chain(1_000..1_000 + records).map(data).collect();
        prop_assert!(all.starts_with(&found) && found.len() as u64 >= turns * 50, "{:?}", found);
    }
}
