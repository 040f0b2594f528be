//! The chain: what it proves, and how it goes on after a crash or a full disk.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use sesame_audit::testing::Failing;
use sesame_audit::{AuditLog, Broken, Durability, Follow, Kind, Options, Proof, Records, Trust, files, verify};
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

fn proved(folder: &Path) -> Result<Proof, Broken> {
    verify(folder, &Trust::default())
}

fn events(folder: &Path) -> Vec<String> {
    let mut records = Records::from(folder, 0).unwrap();
    let mut found = Vec::new();
    while let Some(line) = records.next_line().unwrap() {
        if line.kind == Kind::Event {
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
    for durability in [Durability::Process, Durability::Disk] {
        let folder = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let options = Options { durability, ..options(folder.path(), &Arc::default()) };
            let log = AuditLog::open(options).unwrap();
            let tasks: Vec<_> = (0..20)
                .map(|task| {
                    let log = log.clone();
                    tokio::spawn(async move { append(&log, task * 100, 20).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            log.close();
        });
        proved(folder.path()).unwrap();
        assert_eq!(events(folder.path()).len(), 400);
    }
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
}
