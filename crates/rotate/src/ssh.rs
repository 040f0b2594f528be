//! Hosts, over SSH.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::client::{self, Handle};
use russh::keys::{PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelMsg, Disconnect};
use sesame_crypto::secret::SecretText;
use sesame_crypto::{KeySpec, SystemRandom, UnlockedKey};
use sesame_service::connector::{Change, Credential, Login, Outcome};
use sesame_service::rotator::{FailureReason, RotationFailure};

use crate::{As, Instance, account, aside, plain, refused};

/// Accepts the host keys that the operator has named, and no other.
struct Known(Vec<PublicKey>);

impl client::Handler for Known {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        Ok(self.0.iter().any(|known| known.key_data() == key.key_data()))
    }
}

/// A new RSA key pair, the private key in PEM form (PKCS#8).
pub(crate) async fn key_pair() -> Outcome<Credential> {
    let made = aside::compute(|| {
        let (_, material) = UnlockedKey::generate(KeySpec::Rsa2048, &SystemRandom).ok()?;
        // EXPOSE: written in PEM form.
        let lines = SecretText::new(STANDARD.encode(material.expose()));
        let private = SecretText::new(pem(&lines));
        // EXPOSE: the public key is taken from it.
        let key = decode_secret_key(private.expose(), None).ok()?;
        Some(Credential::KeyPair { public: key.public_key().to_openssh().ok()?, private })
    });
    let failed = || RotationFailure::new(FailureReason::Internal, "no key pair could be made");
    made.await.flatten().ok_or_else(failed)
}

fn pem(base64: &SecretText) -> String {
    const LINE: usize = 64;
    // Long enough from the beginning, so that no copy stays behind.
    let mut out = String::with_capacity(base64.len() + base64.len() / LINE + 64);
    out.push_str("-----BEGIN PRIVATE KEY-----\n");
    // EXPOSE: written in PEM form.
    let mut rest = base64.expose();
    while let Some((line, more)) = rest.split_at_checked(LINE.min(rest.len())).filter(|(line, _)| !line.is_empty()) {
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str("-----END PRIVATE KEY-----\n");
    out
}

async fn connect(instance: &Instance, login: &Login, who: As) -> Outcome<Handle<Known>> {
    let known: Result<Vec<_>, _> = instance.host_keys.iter().map(|key| PublicKey::from_openssh(key)).collect();
    let known = known
        .map_err(|_| RotationFailure::new(FailureReason::NotConfigured, "a host key of the instance cannot be read"))?;
    let config = client::Config { inactivity_timeout: Some(Duration::from_secs(25)), ..client::Config::default() };
    let place = (instance.host.clone(), instance.port);
    // The session then does its cryptography there, too.
    let session = aside::run(client::connect(Arc::new(config), place, Known(known))).await;
    let session = session.ok_or_else(|| who.unreachable("the client broke off"))?;
    let mut session = session.map_err(|error| match error {
        russh::Error::UnknownKey => who.unreachable("the host shows a key that is not configured"),
        russh::Error::IO(io) => who.unreachable(io.kind()),
        _ => who.unreachable("the connection failed"),
    })?;
    let broken = |_| who.unreachable("the connection failed");
    let answer = match &login.credential {
        // EXPOSE: the client proves the login to the host.
        Credential::Password(password) => {
            session.authenticate_password(&login.name, password.expose()).await.map_err(broken)?
        }
        Credential::KeyPair { private, .. } => {
            let key = decode_secret_key(private.expose(), None);
            let key = key.map_err(|_| who.refused("the private key cannot be read"))?;
            let hash = session.best_supported_rsa_hash().await.map_err(broken)?.flatten();
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
            session.authenticate_publickey(&login.name, key).await.map_err(broken)?
        }
        Credential::AccessKey(_) => return Err(who.refused("a host takes no access key")),
    };
    if answer.success() { Ok(session) } else { Err(who.refused("the host refused the login")) }
}

/// Runs a command that reads `input`.
async fn run(session: &Handle<Known>, command: &str, input: &SecretText) -> Outcome<()> {
    const DOING: &str = "setting the credential";
    let broken = |_| RotationFailure::new(FailureReason::Unreachable, format!("{DOING}: the connection failed"));
    let mut channel = session.channel_open_session().await.map_err(broken)?;
    channel.exec(true, command).await.map_err(broken)?;
    // EXPOSE: the input of the command; it is not on its command line, which others could see.
    channel.data(input.expose().as_bytes()).await.map_err(broken)?;
    channel.eof().await.map_err(broken)?;
    let mut status = None;
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::ExitStatus { exit_status } = message {
            status = Some(exit_status);
        }
    }
    match status {
        Some(0) => Ok(()),
        Some(status) => Err(refused(format!("{DOING}: the command ended with status {status}"))),
        None => Err(refused(format!("{DOING}: the command ended without a status"))),
    }
}

pub(crate) async fn set(instance: &Instance, administrator: Option<&Login>, change: &Change<'_>) -> Outcome<()> {
    let user = user(&change.login.name)?;
    let none = || RotationFailure::new(FailureReason::Administrator, "only an administrator can set a password");
    let session = match (administrator, change.current) {
        (Some(administrator), _) => connect(instance, administrator, As::Administrator).await?,
        (None, Some(current)) => match connect(instance, current, As::Current).await {
            Ok(session) => session,
            // Set already, before a crash.
            Err(refused) => connect(instance, change.login, As::New).await.map_err(|_| refused)?,
        },
        (None, None) => return Err(none()),
    };
    let sudo = if administrator.is_some() && instance.sudo { "sudo -n " } else { "" };
    match &change.login.credential {
        Credential::Password(_) if administrator.is_none() => return Err(none()),
        Credential::Password(password) => {
            // EXPOSE: written into the input of chpasswd.
            let line = SecretText::new(format!("{user}:{}\n", plain(password.expose())?));
            run(&session, &format!("{sudo}chpasswd"), &line).await?;
        }
        Credential::KeyPair { public, .. } => {
            let retired = change.retired.and_then(|login| match &login.credential {
                Credential::KeyPair { public, .. } => Some(public.as_str()),
                Credential::Password(_) | Credential::AccessKey(_) => None,
            });
            let script = script(&instance.authorized_keys, public, retired)?;
            let command = match administrator {
                Some(_) if instance.sudo => format!("sudo -n -H -u {user} sh -s"),
                Some(_) => format!("runuser -l {user} -s /bin/sh -c 'sh -s'"),
                None => "sh -s".to_owned(),
            };
            run(&session, &command, &SecretText::new(script)).await?;
        }
        Credential::AccessKey(_) => return Err(account("a host takes no access key")),
    }
    let _ = session.disconnect(Disconnect::ByApplication, "", "").await;
    Ok(())
}

/// Adds the line of a public key to the file, once, and takes another out. The file is replaced as a whole.
fn script(file: &str, public: &str, retired: Option<&str>) -> Outcome<String> {
    let file = if file.starts_with('/') { shell(file)? } else { format!("\"$HOME\"/{}", shell(file)?) };
    let (new, blob) = (shell(public.trim())?, shell(key_of(public))?);
    let drop = match retired.map(key_of).filter(|retired| !retired.is_empty() && *retired != key_of(public)) {
        Some(retired) => format!("{{ grep -vF -- {} \"$f\" || [ $? -eq 1 ]; }}", shell(retired)?),
        None => "cat \"$f\"".to_owned(),
    };
    Ok(format!(
        "set -eu\numask 077\nf={file}\nmkdir -p \"$(dirname \"$f\")\"\n[ -e \"$f\" ] || : >\"$f\"\nt=\"$f.sesame.$$\"\n\
         trap 'rm -f \"$t\"' EXIT\n{drop} >\"$t\"\ngrep -qF -- {blob} \"$t\" || printf '%s\\n' {new} >>\"$t\"\n\
         mv -f \"$t\" \"$f\"\n"
    ))
}

/// Type and content of a public key, without the remark behind them.
fn key_of(line: &str) -> &str {
    let end = line.match_indices(' ').nth(1).map_or(line.len(), |(at, _)| at);
    line.get(..end).unwrap_or(line).trim()
}

/// A word of a shell.
fn shell(text: &str) -> Outcome<String> {
    Ok(format!("'{}'", plain(text)?.replace('\'', "'\\''")))
}

/// The name of a user as every system takes it, so that it needs no quotes.
fn user(name: &str) -> Outcome<&str> {
    let right = !name.is_empty()
        && !name.starts_with('-')
        && name.len() <= 32
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if right { Ok(name) } else { Err(account("the name of the user has characters that no host allows")) }
}

pub(crate) async fn prove(instance: &Instance, login: &Login) -> Outcome<()> {
    let session = connect(instance, login, As::New).await?;
    let _ = session.disconnect(Disconnect::ByApplication, "", "").await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_key_or_a_path_reaches_the_shell() {
        let script = script("a'b", "ssh-rsa AAAA x'; rm -rf /", Some("ssh-rsa BBBB old")).unwrap();
        assert!(script.contains(r#"f="$HOME"/'a'\''b'"#), "{script}");
        assert!(script.contains(r"'ssh-rsa AAAA x'\''; rm -rf /'"), "{script}");
        assert!(script.contains("grep -vF -- 'ssh-rsa BBBB'"), "{script}");
        assert!(user("root").is_ok());
        for wrong in ["", "-x", "a b", "a;b", "a:b", "a\nb"] {
            assert!(user(wrong).is_err(), "{wrong}");
        }
    }
}
