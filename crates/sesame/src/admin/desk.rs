//! Where requests of operators are handled: by the service, and in the files of the data folder.

use std::sync::Arc;

use sesame_service::Service;
use sesame_service::admin::{AdminAnswer, AdminRequest, IssuedKey, Order, Refusal, RefusalCode};

use crate::config::Config;
use crate::credentials::{self, Credentials};
use crate::data_folder::{CREDENTIALS, DataFolder};

/// Handles requests of operators.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    service: Arc<Service>,
    folder: Arc<DataFolder>,
    fixed_key: Option<String>,
}

impl Desk {
    pub(crate) fn new(config: &Config, service: Arc<Service>, folder: Arc<DataFolder>) -> Self {
        Self { service, folder, fixed_key: super::fixed_key(config) }
    }

    /// Handles a request of the user `uid` of this machine.
    pub(crate) async fn handle(&self, uid: u32, request: &AdminRequest) -> Result<AdminAnswer, Refusal> {
        let mut answer = self.order(uid, request).await?;
        if let AdminAnswer::Issued(issued) = &mut answer
            && let Err(cause) = self.keep(issued)
        {
            return Err(self.take_back(uid, issued, &cause).await);
        }
        Ok(answer)
    }

    async fn order(&self, uid: u32, request: &AdminRequest) -> Result<AdminAnswer, Refusal> {
        // A file that cannot be read holds nothing for clients either.
        let held = Credentials::read(self.folder.path()).ok().flatten().map(|held| held.access_key_id);
        let (fixed_key, held_key) = (self.fixed_key.as_deref(), held.as_deref());
        self.service.administer(Order { uid, request, fixed_key, held_key }).await
    }

    /// Puts the new access key in the place of the old one in `credentials.env`, when that is where the old one is. The
    /// old one still works then: there is no moment at which the file holds a key that does not.
    fn keep(&self, issued: &mut IssuedKey) -> anyhow::Result<()> {
        if issued.replaced.is_empty() {
            return Ok(());
        }
        let (id, secret) = (&issued.access_key_id, &issued.access_key_secret);
        if credentials::replace_key(&self.folder, &issued.replaced, id, secret)? {
            issued.kept_in = self.folder.file(CREDENTIALS).display().to_string();
        }
        Ok(())
    }

    /// Deletes an access key that nobody was told of.
    async fn take_back(&self, uid: u32, issued: &IssuedKey, cause: &anyhow::Error) -> Refusal {
        let request = AdminRequest::DeleteRootAccessKey {
            account: issued.account.clone(),
            access_key_id: issued.access_key_id.clone(),
            last: false,
        };
        let rest = match self.order(uid, &request).await {
            Ok(_) => "nothing has changed".to_owned(),
            Err(refused) => format!("the access key {} is left over ({refused})", issued.access_key_id),
        };
        Refusal::new(RefusalCode::Unavailable, format!("the new access key cannot be kept ({cause:#}); {rest}"))
    }
}
