//! `sesame audit`: the audit trail of a data folder, read beside the server.

pub(crate) mod mask_key;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use sesame_audit::{Kind, Records, Trust, verify};
use sesame_crypto::digest::{sha256, to_hex};
use sesame_crypto::{HmacHash, HmacKey, SecretBytes};
use sesame_domain::Timestamp;
use sesame_seal::FileSeal;
use sesame_service::audit::{Mask, event_id, expand};

use crate::cli::{AuditCommand, TrailArguments};
use crate::config::DEFAULT_DATA;

/// Runs a subcommand.
pub(crate) fn run(command: &AuditCommand) -> Result<()> {
    match command {
        AuditCommand::Verify { trail, public_key, known } => {
            prove(&folder(trail), public_key.as_deref(), known.as_deref())
        }
        AuditCommand::Export { trail, from, to, conditions } => {
            let time = |text: &Option<String>| text.as_deref().map(Timestamp::parse).transpose();
            let (from, to) = (time(from)?, time(to)?);
            let conditions = conditions
                .iter()
                .map(|text| text.split_once('=').with_context(|| format!("--where takes member=value, not {text}")));
            let conditions: Vec<_> = conditions.collect::<Result<_>>()?;
            print_events(&folder(trail), |_, event| {
                let at = member(event, "eventTime").and_then(|text| Timestamp::parse(&text).ok());
                let in_time = from.is_none_or(|from| at >= Some(from)) && to.is_none_or(|to| at < Some(to));
                in_time && conditions.iter().all(|(name, value)| member(event, name).as_deref() == Some(*value))
            })
        }
        AuditCommand::FindValue { trail, file, root_key } => {
            let folder = folder(trail);
            let root_key = root_key.clone().unwrap_or_else(|| data(trail).join("root.key"));
            let key = mask_key::read(&folder, &FileSeal::open(&root_key)?)?;
            // EXPOSE: the state of the HMAC is derived from the key, the mask of the value from the value.
            let mask = Mask::new(HmacKey::new(HmacHash::Sha256, key.expose()), true);
            let masked = mask.hashed(value(file)?.expose());
            print_events(&folder, |body, _| contains(body, masked.as_bytes()))
        }
    }
}

fn data(trail: &TrailArguments) -> PathBuf {
    trail.data.clone().unwrap_or_else(|| DEFAULT_DATA.into())
}

fn folder(trail: &TrailArguments) -> PathBuf {
    trail.folder.clone().unwrap_or_else(|| data(trail).join("audit"))
}

fn prove(folder: &Path, public_key: Option<&Path>, known: Option<&str>) -> Result<()> {
    let public_key = match public_key {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let key = Trust::parse_public_key(&text);
            Some(key.with_context(|| format!("{} is no Ed25519 public key in PEM form", path.display()))?)
        }
        None => None,
    };
    let known = match known {
        Some(text) => {
            let parsed = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.to_owned())));
            Some(parsed.context("--known takes number:hash")?)
        }
        None => None,
    };
    let is_own_key = public_key.is_none();
    let proof = verify(folder, &Trust { public_key, known })?;
    let mut out = format!(
        "The audit trail is whole: records {} to {} in {} files, {} signatures.\n",
        proof.first, proof.last, proof.files, proof.signatures
    );
    out.push_str(&format!("Newest record      {}:{}\n", proof.last, proof.hash));
    out.push_str(&format!("Signed up to       {}\n", proof.signed));
    out.push_str(&format!("Public key SHA-256 {}\n", to_hex(&sha256(&proof.public_key))));
    if is_own_key {
        out.push_str("The public key came from the folder itself; compare it with one that you keep elsewhere.\n");
    }
    if proof.unfinished > 0 {
        out.push_str(&format!(
            "The last {} bytes are a record that is being written, or was when the server was killed.\n",
            proof.unfinished
        ));
    }
    if let Some(waiting) = waiting(folder)? {
        out.push_str(&waiting);
    }
    for notice in &proof.notices {
        out.push_str(&format!("Notice: {notice}\n"));
    }
    std::io::stdout().write_all(out.as_bytes()).context("cannot print")
}

fn print_events(folder: &Path, wanted: impl Fn(&[u8], &Value) -> bool) -> Result<()> {
    if sesame_audit::files(folder)?.is_empty() {
        bail!("{} holds no audit trail", folder.display());
    }
    let mut records = Records::from(folder, 0)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    while let Some(line) = records.next_line()? {
        if !matches!(line.kind, Kind::Event | Kind::Data) {
            continue;
        }
        let event = expand(line.body, &event_id(line.hash), None)
            .with_context(|| format!("record {} is no event", line.seq))?;
        if wanted(line.body, &event) {
            match writeln!(out, "{event}") {
                // A reader that has gone away, such as `head`, is no failure.
                Err(gone) if gone.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
    }
    match out.flush() {
        Err(gone) if gone.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
        flushed => flushed?,
    }
    if let Some(waiting) = waiting(folder)? {
        eprint!("{waiting}");
    }
    Ok(())
}

/// A remark about records that have been answered for and are not in the chain yet.
fn waiting(folder: &Path) -> Result<Option<String>> {
    Ok(match sesame_audit::staged(folder)? {
        0 => None,
        records => Some(format!(
            "{records} newer records are staged: the server chains them within half a second, or when it starts again.\n"
        )),
    })
}

/// A member by its path, as text.
fn member(event: &Value, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(event, |value, name| value.get(name))?;
    Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
}

fn value(file: &Path) -> Result<SecretBytes> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    // The line end that editors and shells leave is not part of the value.
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(SecretBytes::new(bytes))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}
