//! The proof that a trail is whole.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::ed25519;

use crate::chain::Torn;
use crate::line::{Kind, Line, NOTHING};
use crate::read::files;
use crate::{HEAD, PUBLIC_KEY};

/// What a trail is checked against.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The public key, when the auditor has it from elsewhere; else the one in the folder.
    pub public_key: Option<[u8; 32]>,
    /// A record that the auditor knows of from elsewhere: its number and hash in hex.
    pub known: Option<(u64, String)>,
}

/// What was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Files read.
    pub files: usize,
    /// The number of the first record that is left.
    pub first: u64,
    /// The number of the last record.
    pub last: u64,
    /// The hash of the last record, in hex.
    pub hash: String,
    /// The last record that a signature covers.
    pub signed: u64,
    /// Signatures checked.
    pub signatures: usize,
    /// Bytes at the end of the last file that are no record yet: a server that was killed, or one that is writing.
    pub unfinished: u64,
    /// Remarks that the trail makes about itself.
    pub notices: Vec<String>,
    /// The public key that the signatures were made with.
    pub public_key: [u8; 32],
}

/// The first thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The trail is not whole.
    #[error("record {seq} is broken ({place}): {reason}")]
    At {
        /// The number that the record has, or would have.
        seq: u64,
        /// File and line.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read.
    #[error("the audit trail cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is nothing to verify, or nothing to verify it with.
    #[error("{0}")]
    Missing(String),
}

/// The text that a checkpoint signs.
pub(crate) fn signed_text(node: &str, seq: u64, hash: &str, time: &str) -> String {
    format!("sesame-audit-checkpoint-v1\n{node}\n{seq}\n{hash}\n{time}\n")
}

#[derive(serde::Deserialize)]
struct Signed {
    node: String,
    seq: u64,
    hash: String,
    time: String,
    signature: String,
}

impl Signed {
    fn is_genuine(&self, key: &[u8]) -> bool {
        let text = signed_text(&self.node, self.seq, &self.hash, &self.time);
        STANDARD.decode(&self.signature).is_ok_and(|signature| ed25519::verify(key, text.as_bytes(), &signature))
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileHead {
    format: u32,
    number: u64,
    public_key: String,
    torn: Vec<Torn>,
}

/// Checks every record of a folder: numbers, hashes, links between files, signatures, and that nothing is missing at
/// either end.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(folder: &Path, trust: &Trust) -> Result<Proof, Broken> {
    for _ in 0..RETRIES {
        match prove(folder, trust) {
            // A server that is running may have removed an old file after it was listed.
            Err(Broken::Io(gone)) if gone.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
    }
    prove(folder, trust)
}

/// How often a trail is looked at again when a file of it has gone meanwhile.
const RETRIES: u32 = 3;

fn prove(folder: &Path, trust: &Trust) -> Result<Proof, Broken> {
    // The head first: a server that is running goes on writing behind it.
    let head = read_head(folder)?;
    let key = match trust.public_key {
        Some(key) => key,
        None => read_public_key(folder)?,
    };
    let mut walk = Walk::new(key, trust.known.clone(), head.as_ref().map(|head| (head.seq, head.hash.clone())));
    let files = files(folder)?;
    if files.is_empty() {
        return Err(Broken::Missing(format!("{} holds no audit trail", folder.display())));
    }
    for (at, (number, path)) in files.iter().enumerate() {
        walk.file(*number, &fs::read(path)?, at + 1 == files.len())?;
    }
    walk.end(head, files.len())
}

struct Walk {
    key: [u8; 32],
    marks: Vec<(u64, String, &'static str)>,
    place: String,
    previous: Option<u64>,
    first_file: u64,
    first: u64,
    seq: u64,
    hash: [u8; 64],
    signed: u64,
    signatures: usize,
    /// What the next file has to declare.
    torn: Vec<Torn>,
    /// Why the last file ends before its end: right when the next file declares what is left of it.
    stopped: Option<Broken>,
    unfinished: u64,
    notices: Vec<String>,
    removed_through: BTreeSet<u64>,
    read: u64,
}

impl Walk {
    fn new(key: [u8; 32], known: Option<(u64, String)>, head: Option<(u64, String)>) -> Self {
        let known = known.map(|(seq, hash)| (seq, hash, "the record that you know"));
        let head = head.map(|(seq, hash)| (seq, hash, HEAD));
        Self {
            key,
            marks: known.into_iter().chain(head).collect(),
            place: String::new(),
            previous: None,
            first_file: 0,
            first: 0,
            seq: 0,
            hash: NOTHING,
            signed: 0,
            signatures: 0,
            torn: Vec::new(),
            stopped: None,
            unfinished: 0,
            notices: Vec::new(),
            removed_through: BTreeSet::new(),
            read: 0,
        }
    }

    fn broken(&self, reason: impl Into<String>) -> Broken {
        Broken::At { seq: self.seq + 1, place: self.place.clone(), reason: reason.into() }
    }

    fn file(&mut self, number: u64, bytes: &[u8], is_last: bool) -> Result<(), Broken> {
        self.place = format!("file {number}, line 1");
        match self.previous {
            Some(previous) if number != previous + 1 => {
                return Err(self.broken(format!("file {} is missing", previous + 1)));
            }
            None => self.first_file = number,
            _ => {}
        }
        self.previous = Some(number);
        let mut valid = 0;
        for (at, piece) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            self.place = format!("file {number}, line {}", at + 1);
            let Some(line) = piece.strip_suffix(b"\n") else { break };
            match self.line(line, number, at == 0) {
                Ok(()) => valid += piece.len(),
                // A crash may leave such bytes at the end of a file. Then the next file has to say so.
                Err(refused) if is_last => return Err(refused),
                Err(refused) => {
                    self.stopped.get_or_insert(refused);
                    break;
                }
            }
        }
        match Torn::after(number, bytes, valid) {
            Some(torn) if is_last => self.unfinished = torn.bytes,
            Some(torn) => self.torn.push(torn),
            None => {}
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], number: u64, is_head: bool) -> Result<(), Broken> {
        let Some(line) = Line::parse(line) else { return Err(self.broken("it is no record")) };
        if self.read == 0 {
            // The oldest file that is left may have others before it that retention removed.
            self.first = line.seq;
            self.seq = line.seq.saturating_sub(1);
            self.hash = line.prev.try_into().unwrap_or(NOTHING);
            if line.seq == 1 && self.hash != NOTHING {
                return Err(self.broken("the first record names one before it"));
            }
        }
        if line.seq != self.seq + 1 {
            return Err(self.broken(format!("record {} stands in its place", line.seq)));
        }
        if line.prev != self.hash {
            return Err(self.broken("it does not name the hash of the record before it"));
        }
        if !line.is_intact() {
            return Err(self.broken("its hash is not that of its text"));
        }
        if is_head != (line.kind == Kind::File) {
            return Err(self.broken("a file begins with the record that describes it, and has it nowhere else"));
        }
        match line.kind {
            Kind::File => self.head_of_file(line.body, number)?,
            Kind::Checkpoint => self.checkpoint(line.body)?,
            Kind::Notice => self.notice(line.body),
            Kind::Event | Kind::Data => {}
        }
        for (seq, hash, name) in &self.marks {
            if *seq == line.seq && hash.as_bytes() != line.hash {
                return Err(self.broken(format!("{name} has another hash for it")));
            }
        }
        self.read += 1;
        self.seq = line.seq;
        self.hash = line.hash.try_into().unwrap_or(NOTHING);
        Ok(())
    }

    fn head_of_file(&mut self, body: &[u8], number: u64) -> Result<(), Broken> {
        let Ok(head) = serde_json::from_slice::<FileHead>(body) else {
            return Err(self.broken("the description of its file cannot be read"));
        };
        if head.format != 1 || head.number != number {
            return Err(self.broken(format!("it describes file {}", head.number)));
        }
        if STANDARD.decode(&head.public_key).ok().as_deref() != Some(&self.key[..]) {
            return Err(self.broken("its file is signed with another key"));
        }
        let stopped = self.stopped.take();
        if head.torn != self.torn {
            if let Some(stopped) = stopped {
                return Err(stopped);
            }
            return Err(self.broken("the files before it do not end as it says: bytes were changed or removed"));
        }
        for torn in self.torn.drain(..) {
            self.notices.push(format!(
                "file {} ends with {} bytes that are no record, as a crash leaves them",
                torn.file, torn.bytes
            ));
        }
        Ok(())
    }

    fn checkpoint(&mut self, body: &[u8]) -> Result<(), Broken> {
        let signed = serde_json::from_slice::<Signed>(body).ok();
        let signed = signed.filter(|signed| signed.seq == self.seq && signed.hash.as_bytes() == self.hash);
        let Some(signed) = signed else { return Err(self.broken("it signs other records than those before it")) };
        if !signed.is_genuine(&self.key) {
            return Err(self.broken("its signature is not genuine"));
        }
        self.signed = self.seq;
        self.signatures += 1;
        Ok(())
    }

    fn notice(&mut self, body: &[u8]) {
        let Ok(notice) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        if let Some(file) = notice.get("removedThroughFile").and_then(serde_json::Value::as_u64) {
            self.removed_through.insert(file);
        }
        let what = notice.get("notice").and_then(serde_json::Value::as_str).unwrap_or_default();
        if !matches!(what, "started" | "stopped" | "retention") {
            self.notices.push(format!("record {}: {notice}", self.seq + 1));
        }
    }

    fn end(mut self, head: Option<Signed>, files: usize) -> Result<Proof, Broken> {
        let Some(head) = head else {
            return Err(Broken::Missing(format!("{HEAD} is missing: the end of the trail cannot be proved")));
        };
        if !head.is_genuine(&self.key) {
            return Err(Broken::Missing(format!("the signature of {HEAD} is not genuine")));
        }
        for (seq, _, name) in &self.marks {
            if *seq > self.seq {
                self.place = "the end of the trail".to_owned();
                return Err(self.broken(format!("{name} says that there are records up to {seq}")));
            }
        }
        if let Some(stopped) = self.stopped {
            return Err(stopped);
        }
        if !self.torn.is_empty() {
            return Err(self.broken("the end of a file is no record, and no later file says why"));
        }
        if self.first > 1 && !self.removed_through.contains(&(self.first_file - 1)) {
            let reason = "the files before it are missing, and the trail does not say that they were removed";
            return Err(Broken::At {
                seq: self.first.saturating_sub(1),
                place: format!("file {}", self.first_file - 1),
                reason: reason.to_owned(),
            });
        }
        Ok(Proof {
            files,
            first: self.first,
            last: self.seq,
            hash: String::from_utf8_lossy(&self.hash).into_owned(),
            signed: self.signed.max(head.seq),
            signatures: self.signatures + 1,
            unfinished: self.unfinished,
            notices: self.notices,
            public_key: self.key,
        })
    }
}

fn read_head(folder: &Path) -> Result<Option<Signed>, Broken> {
    match fs::read(folder.join(HEAD)) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|_| Broken::Missing(format!("{HEAD} is damaged")))
        }
        Err(refused) if refused.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(refused) => Err(refused.into()),
    }
}

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key as PEM.
pub(crate) fn pem(key: &[u8; 32]) -> String {
    let der = [&SPKI[..], &key[..]].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

impl Trust {
    /// Reads a public key in PEM form.
    pub fn parse_public_key(pem: &str) -> Option<[u8; 32]> {
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(base64).ok()?.strip_prefix(&SPKI)?.try_into().ok()
    }
}

fn read_public_key(folder: &Path) -> Result<[u8; 32], Broken> {
    let path = folder.join(PUBLIC_KEY);
    let text =
        fs::read_to_string(&path).map_err(|refused| Broken::Missing(format!("{}: {refused}", path.display())))?;
    Trust::parse_public_key(&text)
        .ok_or_else(|| Broken::Missing(format!("{} is no Ed25519 public key", path.display())))
}
