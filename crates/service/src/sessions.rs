//! Sessions of roles: the credentials that STS issues, and the tokens that hold what is known of them. Nothing of a
//! session is stored (access-control reference, 1.4).

use std::sync::Arc;

use sesame_crypto::random::{Random, alphanumeric};
use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::ram::{IdentityId, Role, RoleName, RoleSessionName};
use sesame_domain::{AccountId, Timestamp};
use sesame_policy::{Attachment, Document, Kind, Policy, PolicySet, PolicyType};

use crate::error::Result;
use crate::request::RoleSession;
use crate::tokens::Tokens;

/// What the ids of temporary access keys begin with, and those of no permanent ones.
const PREFIX: &str = "STS.";
const ID_CHARACTERS: usize = 25;
/// 227 bits.
const SECRET_CHARACTERS: usize = 44;
/// What session tokens are sealed for.
const PURPOSE: &str = "sts session";
/// Members of the text in a token; the last one, the session policy, may hold the separator.
const MEMBERS: usize = 10;

/// Whether an access key is a temporary one.
pub(crate) fn is_temporary(access_key_id: &str) -> bool {
    access_key_id.starts_with(PREFIX)
}

/// A session as its token knows it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretText,
    pub(crate) account: AccountId,
    pub(crate) role_id: IdentityId,
    pub(crate) role_name: RoleName,
    pub(crate) name: RoleSessionName,
    /// Who gave it out at the beginning of a chain of roles; empty for nobody.
    pub(crate) source_identity: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The text of the session policy; empty for none.
    pub(crate) policy: String,
}

/// What a new session is to be.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) name: RoleSessionName,
    pub(crate) seconds: u32,
    pub(crate) policy: String,
    pub(crate) source_identity: String,
}

impl Session {
    /// A new session of a role.
    pub(crate) fn begin(random: &dyn Random, role: &Role, terms: Terms, now: Timestamp) -> Result<Self> {
        Ok(Self {
            access_key_id: format!("{PREFIX}{}", alphanumeric(random, ID_CHARACTERS)?),
            secret: SecretText::new(alphanumeric(random, SECRET_CHARACTERS)?),
            account: role.account.clone(),
            role_id: role.id.clone(),
            role_name: role.name.clone(),
            name: terms.name,
            source_identity: terms.source_identity,
            issued_at: now,
            // Clients read whole seconds.
            expires_at: Timestamp::from_seconds(now.seconds() + i64::from(terms.seconds)),
            policy: terms.policy,
        })
    }

    /// The token of the session: below 4 KiB, since a session policy has 2 KiB at most.
    pub(crate) async fn seal(&self, tokens: &Tokens) -> Result<String> {
        let text = self.to_text();
        // EXPOSE: sealed at once.
        tokens.seal(PURPOSE, text.expose().as_bytes()).await
    }

    /// The session of a token; `None` for what is no token of a session.
    pub(crate) async fn open(tokens: &Tokens, token: &str) -> Result<Option<Self>> {
        Ok(tokens.open(PURPOSE, token).await?.and_then(Self::from_text))
    }

    fn to_text(&self) -> SecretText {
        let (issued, expires) = (self.issued_at.millis().to_string(), self.expires_at.millis().to_string());
        let members: [&str; MEMBERS] = [
            &self.access_key_id,
            // EXPOSE: joined into a text that is wiped.
            self.secret.expose(),
            self.account.as_str(),
            self.role_id.as_str(),
            self.role_name.as_str(),
            self.name.as_str(),
            &self.source_identity,
            &issued,
            &expires,
            &self.policy,
        ];
        SecretText::new(members.join("\n"))
    }

    fn from_text(text: SecretBytes) -> Option<Self> {
        let text = SecretText::from_utf8(text).ok()?;
        // EXPOSE: taken apart; the secret goes into a text of its own that is wiped.
        let mut members = text.expose().splitn(MEMBERS, '\n');
        let mut next = || members.next();
        Some(Self {
            access_key_id: next()?.to_owned(),
            secret: SecretText::new(next()?.to_owned()),
            account: next()?.parse().ok()?,
            role_id: next()?.parse().ok()?,
            role_name: next()?.parse().ok()?,
            name: next()?.parse().ok()?,
            source_identity: next()?.to_owned(),
            issued_at: Timestamp::from_millis(next()?.parse().ok()?),
            expires_at: Timestamp::from_millis(next()?.parse().ok()?),
            policy: next()?.to_owned(),
        })
    }

    /// Who acts in the session.
    pub(crate) fn identity(&self) -> RoleSession {
        let policy = (!self.policy.is_empty()).then(|| {
            let source = sesame_policy::Source {
                name: "session".into(),
                policy_type: PolicyType::Session,
                version: "".into(),
                attachment: Attachment::Session(self.name.as_str().into()),
            };
            // It was valid when the session began. Should it not be any more, the set refuses everything.
            let document = Document::parse(Kind::Session, &self.policy);
            let document = document.map(Arc::new).map_err(|malformed| malformed.to_string());
            PolicySet::of_one(Policy { source, document })
        });
        RoleSession {
            role_id: self.role_id.clone(),
            role_name: self.role_name.clone(),
            name: self.name.clone(),
            policy,
            source_identity: self.source_identity.clone(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use sesame_crypto::random::SystemRandom;

    use super::*;

    #[test]
    fn a_session_survives_its_text() {
        let now = Timestamp::from_millis(1_767_323_045_678);
        let role = Role {
            id: IdentityId::from_random([7; 8]),
            account: "1234567890123456".parse().unwrap(),
            name: "app.x-1".parse().unwrap(),
            description: String::new(),
            trust_policy: String::new(),
            max_session_seconds: 3_600,
            created_at: now,
            updated_at: now,
        };
        for policy in ["", "{\n \"Version\": \"1\" }\n\n"] {
            let terms = Terms {
                name: "me@host".parse().unwrap(),
                seconds: 900,
                policy: policy.to_owned(),
                source_identity: "Alice".to_owned(),
            };
            let one = Session::begin(&SystemRandom, &role, terms, now).unwrap();
            assert!(is_temporary(&one.access_key_id) && one.access_key_id.len() == 29);
            let text = SecretBytes::from_slice(one.to_text().expose().as_bytes());
            let other = Session::from_text(text).unwrap();
            assert_eq!(other.to_text(), one.to_text());
            assert_eq!((other.secret, other.policy), (one.secret, policy.to_owned()));
            assert_eq!(other.expires_at, Timestamp::from_seconds(1_767_323_045 + 900));
        }
        assert!(Session::from_text(SecretBytes::from_slice(b"a\nb")).is_none());
        assert!(Session::from_text(SecretBytes::from_slice(&[0xff])).is_none());
    }
}
