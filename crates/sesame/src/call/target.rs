//! Which server a call goes to, and with whose key.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sesame_crypto::SecretText;

use super::http::{Endpoint, Trust};
use super::sign::Signer;
use crate::cli::CallFlags;
use crate::config::DEFAULT_DATA;
use crate::credentials::Credentials;
use crate::data_folder::{CA_CERTIFICATE, ENDPOINTS, read_if_present};

/// Where a call goes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) signer: Signer,
    pub(super) trust: Trust,
    pub(super) region: Option<String>,
    /// What to say when the server does not know the access key.
    pub(super) hint: String,
}

/// Flags decide over the environment, the environment over the data folder; a data folder named by a flag decides
/// over the environment too, since whoever names it means its server and its key.
pub(super) fn find(flags: &CallFlags) -> Result<Target> {
    let folder = flags.data.clone().or_else(|| variable("SESAME_DATA").map(PathBuf::from));
    let folder = folder.unwrap_or_else(|| DEFAULT_DATA.into());
    let environment = |name: &str| if flags.data.is_some() { None } else { variable(name) };

    let url = match flags.endpoint.clone().or_else(|| environment("SESAME_ENDPOINT")) {
        Some(url) => url,
        None => local_endpoint(&folder)?,
    };
    let given = flags.ca.clone().or_else(|| environment("SESAME_CA").map(PathBuf::from));
    let (signer, hint) = signer(flags, &folder, environment)?;
    let stored_region = Credentials::read(&folder).ok().flatten().map(|stored| stored.region);
    let stored_region = stored_region.filter(|region| !region.is_empty());
    Ok(Target {
        endpoint: Endpoint::parse(&url)?,
        signer,
        trust: given.map_or_else(|| Trust::SystemAnd(folder.join(CA_CERTIFICATE)), Trust::Only),
        region: flags.region.clone().or_else(|| environment("ALIBABA_CLOUD_REGION_ID")).or(stored_region),
        hint,
    })
}

fn signer(flags: &CallFlags, folder: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<(Signer, String)> {
    let id = flags.access_key_id.clone();
    let secret = match &flags.access_key_secret_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => environment("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    };
    let id_of_environment = environment("ALIBABA_CLOUD_ACCESS_KEY_ID");
    let hint = match (&id, &id_of_environment) {
        (None, Some(_)) => format!(
            "the access key came from ALIBABA_CLOUD_ACCESS_KEY_ID; --data {} takes the one of the data folder",
            folder.display()
        ),
        _ => String::new(),
    };
    match (id.or(id_of_environment), secret) {
        (Some(id), Some(secret)) => {
            let token = environment("ALIBABA_CLOUD_SECURITY_TOKEN");
            let signer =
                Signer { access_key_id: id, access_key_secret: SecretText::new(secret), security_token: token };
            Ok((signer, hint))
        }
        (Some(id), None) => bail!(
            "the access key {id} comes without its secret; set ALIBABA_CLOUD_ACCESS_KEY_SECRET or name a file with \
             --access-key-secret-file"
        ),
        (None, Some(_)) => bail!(
            "there is a secret without an access key; set ALIBABA_CLOUD_ACCESS_KEY_ID or name it with --access-key-id"
        ),
        (None, None) => {
            let stored = Credentials::read(folder)?.with_context(|| {
                format!(
                    "no access key: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or name the \
                     data folder of a server with --data ({} has none)",
                    folder.display()
                )
            })?;
            let signer = Signer {
                access_key_id: stored.access_key_id,
                access_key_secret: stored.access_key_secret,
                security_token: None,
            };
            Ok((signer, hint))
        }
    }
}

/// The server of a data folder; plain HTTP first, which is on loopback unless somebody asked for more.
fn local_endpoint(folder: &Path) -> Result<String> {
    let path = folder.join(ENDPOINTS);
    let text = read_if_present(&path)?.with_context(|| {
        format!(
            "no server runs on the data folder {}; start one with `sesame serve`, or name one with --endpoint",
            folder.display()
        )
    })?;
    let endpoints: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
    let url = ["http", "https"].iter().find_map(|scheme| endpoints.get(scheme).and_then(serde_json::Value::as_str));
    url.map(str::to_owned).with_context(|| format!("{} names no address", path.display()))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
