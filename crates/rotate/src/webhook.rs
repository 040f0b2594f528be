//! Programs that rotate generic secrets: they are asked over HTTPS, change what has to be changed, and store the new
//! value themselves with `PutSecretValue`. No value is sent to them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use sesame_crypto::digest::to_hex;
use sesame_crypto::secret::SecretText;
use sesame_crypto::{HmacHash, HmacKey};
use sesame_domain::AccountId;
use sesame_domain::secret::{SecretName, SecretType};
use sesame_service::connector::{Ask, Change, Connector, Login, Outcome};
use sesame_service::rotator::{FailureReason, RotationFailure, RotationTarget};
use tokio::task::JoinSet;

use crate::{As, BoxFuture, account, refused, tls};

/// Who is asked to rotate some generic secrets.
#[derive(Debug)]
pub struct Webhook {
    /// The account whose secrets these are.
    pub account: AccountId,
    /// The name of a secret, or the beginning of names and `*`.
    pub secrets: String,
    /// Where to ask: `https://host[:port]/path`.
    pub url: Uri,
    /// The CA of its certificate, in PEM form.
    pub ca: Vec<u8>,
    /// The secret, of the same account, whose value signs what is sent.
    pub signing_secret: SecretName,
}

impl Webhook {
    fn is_for(&self, target: &RotationTarget) -> bool {
        let name = target.name.as_str();
        let named = self.secrets.strip_suffix('*').map_or(self.secrets == name, |start| name.starts_with(start));
        named && target.kind == SecretType::Generic && target.account == self.account
    }
}

/// Every webhook; the first one that is for a secret is asked.
#[derive(Debug, Default)]
pub struct Webhooks(Vec<Webhook>);

impl Webhooks {
    /// From the configuration.
    pub fn new(webhooks: Vec<Webhook>) -> Self {
        Self(webhooks)
    }

    fn of(&self, target: &RotationTarget) -> Option<&Webhook> {
        self.0.iter().find(|webhook| webhook.is_for(target))
    }
}

impl Connector for Webhooks {
    fn reaches(&self, target: &RotationTarget) -> bool {
        self.of(target).is_some()
    }

    fn administrator(&self, target: &RotationTarget) -> Option<SecretName> {
        self.of(target).map(|webhook| webhook.signing_secret.clone())
    }

    fn make<'a>(&'a self, _: &'a RotationTarget, _: &'a Login) -> BoxFuture<'a, Outcome<Login>> {
        Box::pin(async { Err(account("a webhook makes no credentials")) })
    }

    fn set<'a>(&'a self, _: &'a RotationTarget, _: &'a Change<'a>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async { Err(account("a webhook takes no credentials")) })
    }

    fn prove<'a>(&'a self, _: &'a RotationTarget, _: &'a Login) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async { Err(account("a webhook proves no credentials")) })
    }

    fn ask<'a>(&'a self, target: &'a RotationTarget, ask: &'a Ask<'a>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let unknown =
                || RotationFailure::new(FailureReason::NotConfigured, "no webhook is configured for the secret");
            let webhook = self.of(target).ok_or_else(unknown)?;
            let key = ask.key.ok_or_else(unknown)?;
            send(webhook, target, ask, key).await
        })
    }
}

async fn send(webhook: &Webhook, target: &RotationTarget, ask: &Ask<'_>, key: &SecretText) -> Outcome<()> {
    let body = serde_json::json!({
        "event": "Secret:RotateSecret",
        "account": target.account.as_str(),
        "secretName": target.name.as_str(),
        "secretArn": ask.arn,
        "versionId": ask.version.as_str(),
        "time": ask.at.to_string(),
    });
    let body = body.to_string();
    let stamp = ask.at.seconds().to_string();
    // EXPOSE: signs.
    let signature =
        HmacKey::new(HmacHash::Sha256, key.expose().as_bytes()).sign(&[stamp.as_bytes(), b".", body.as_bytes()]);
    let authority = webhook.url.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let path = webhook.url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "sesame")
        .header("x-sesame-timestamp", stamp)
        .header("x-sesame-signature", format!("sha256={}", to_hex(signature.as_bytes())))
        .body(Full::new(Bytes::from(body)));
    let request = request.map_err(|_| refused("asking the webhook: its URL cannot be sent"))?;
    let who = As::Webhook;
    let port = webhook.url.port_u16().unwrap_or(443);
    let stream = tls::connect_to(webhook.url.host().unwrap_or_default(), port, Some(&webhook.ca), who).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| who.unreachable("no HTTP"))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        let _ = connection.await;
    });
    let answer = sender.send_request(request).await.map_err(|_| who.unreachable("it gave no answer"))?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(refused(format!("asking the webhook: it answered {}", status.as_u16())))
    }
}
