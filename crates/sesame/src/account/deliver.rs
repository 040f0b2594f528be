//! How an operator gets a new access key: into a file, or on the standard output; its secret once, and in one place.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;
use sesame_crypto::SecretText;
use sesame_service::admin::IssuedKey;

use crate::cli::SayFormat;
use crate::credentials::Credentials;
use crate::data_folder::{CA_CERTIFICATE, CREDENTIALS};
use crate::failure::Failure;

/// Where a new access key is going to be put.
pub(super) struct Delivery<'a> {
    file: Option<&'a Path>,
    data: &'a Path,
    format: SayFormat,
    known: Option<String>,
}

impl<'a> Delivery<'a> {
    /// Looks at the file before a key is made.
    pub(super) fn prepare(file: Option<&'a Path>, data: &'a Path, format: SayFormat) -> Result<Self> {
        let known = match file {
            Some(path) if path.exists() => Some(known(path)?),
            _ => None,
        };
        if let Some(folder) = file.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty())
            && !folder.is_dir()
        {
            anyhow::bail!("there is no folder {}", folder.display());
        }
        Ok(Self { file, data, format, known })
    }

    /// The access key that the file holds.
    pub(super) fn known(&self) -> Option<&str> {
        self.known.as_deref()
    }

    /// The name of the file.
    pub(super) fn file(&self) -> String {
        self.file.map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Gives the key to the operator. When this fails, nobody knows its secret.
    pub(super) fn deliver(&self, issued: &IssuedKey) -> Result<(), Failure> {
        self.attempt(issued).map_err(|cause| {
            let (account, id) = (&issued.account, &issued.access_key_id);
            Failure::Setup(anyhow::anyhow!(
                "the access key {id} of the account {account} was made, but cannot be handed over: {cause:#}\n\
                 make another with sesame account create-root-key {account}, and delete this one with\n\
                 sesame account delete-root-key {account} {id}"
            ))
        })
    }

    fn attempt(&self, issued: &IssuedKey) -> Result<()> {
        let kept_in = match self.file {
            Some(path) => {
                self.write(path, issued)?;
                path.display().to_string()
            }
            None => issued.kept_in.clone(),
        };
        let text = match self.format {
            SayFormat::Text => text(issued, &kept_in),
            SayFormat::Json => document(issued, &kept_in),
        };
        let mut out = std::io::stdout();
        // EXPOSE: the one time that the operator sees it, unless a file holds it. A reader that has gone away is a
        // failure here: nobody would have the secret.
        out.write_all(text.expose().as_bytes()).and_then(|()| out.flush()).context("cannot print")
    }

    fn write(&self, path: &Path, issued: &IssuedKey) -> Result<()> {
        // What this machine's clients need besides; whoever cannot read the data folder leaves it away.
        let here = Credentials::read(self.data).ok().flatten();
        let (endpoint, region) = here.map(|here| (here.endpoint, here.region)).unwrap_or_default();
        let ca: Option<PathBuf> = std::path::absolute(self.data.join(CA_CERTIFICATE)).ok().filter(|path| path.exists());
        let credentials = Credentials {
            access_key_id: issued.access_key_id.clone(),
            // EXPOSE: into the file.
            access_key_secret: SecretText::new(issued.access_key_secret.expose().to_owned()),
            endpoint,
            region,
        };
        credentials.write_to(path, ca.as_deref())
    }
}

fn known(path: &Path) -> Result<String> {
    let credentials = Credentials::read_file(path)?;
    let known = credentials.map(|known| known.access_key_id);
    known.with_context(|| format!("{} is there and no file like {CREDENTIALS}; name another", path.display()))
}

fn text(issued: &IssuedKey, kept_in: &str) -> SecretText {
    let IssuedKey { account, access_key_id, .. } = issued;
    let head = format!("account            {account}\naccess key id      {access_key_id}\n");
    if kept_in.is_empty() {
        // EXPOSE: into the text that is printed once.
        let secret = issued.access_key_secret.expose();
        return SecretText::new(format!("{head}access key secret  {secret}\nThe secret is not shown again.\n"));
    }
    SecretText::new(format!("{head}access key secret  in {kept_in}\n"))
}

fn document(issued: &IssuedKey, kept_in: &str) -> SecretText {
    let IssuedKey { account, access_key_id, replaced, .. } = issued;
    let mut document = json!({"Account": account, "AccessKeyId": access_key_id});
    if let Some(members) = document.as_object_mut() {
        if !replaced.is_empty() {
            members.insert("Replaced".into(), json!(replaced));
        }
        if kept_in.is_empty() {
            // EXPOSE: as above.
            members.insert("AccessKeySecret".into(), json!(issued.access_key_secret.expose()));
        } else {
            members.insert("KeptIn".into(), json!(kept_in));
        }
    }
    SecretText::new(format!("{document:#}\n"))
}
