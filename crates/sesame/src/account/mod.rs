//! `sesame account`: the accounts of a deployment, and the access keys of accounts themselves.

mod deliver;
mod show;

use std::path::Path;

use sesame_service::admin::{AccountSummary, AdminAnswer, AdminRequest, IssuedKey};

use crate::admin::{self, Admin, unexpected};
use crate::cli::{AccountCommand, AccountFlags, SayFormat};
use crate::failure::Failure;
use crate::print;
use deliver::Delivery;

/// Runs a subcommand.
pub(crate) fn run(command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::Create { name, id, credentials, flags } => {
            let request = AdminRequest::CreateAccount { name: name.clone(), account: id.clone() };
            within(flags, async |admin| issue(admin, &request, credentials.as_deref(), flags).await)
        }
        AccountCommand::CreateRootKey { account, credentials, flags } => {
            let request = AdminRequest::CreateRootAccessKey { account: account.clone() };
            within(flags, async |admin| issue(admin, &request, credentials.as_deref(), flags).await)
        }
        AccountCommand::List { flags } => within(flags, async |admin| {
            let accounts = all(admin).await?;
            print(show::accounts(&accounts, flags.say.output).as_bytes())
        }),
        AccountCommand::Show { account, flags } => {
            let request = AdminRequest::GetAccount { account: account.clone() };
            within(flags, async |admin| match admin.ask(&request).await? {
                AdminAnswer::Account(report) => print(show::account(&report, flags.say.output).as_bytes()),
                _ => Err(unexpected()),
            })
        }
        AccountCommand::Disable { account, flags } => {
            let said = format!("the account {account} is disabled: its next request is refused");
            done(flags, &AdminRequest::DisableAccount { account: account.clone() }, &said)
        }
        AccountCommand::Enable { account, flags } => {
            let said = format!("the account {account} is enabled");
            done(flags, &AdminRequest::EnableAccount { account: account.clone() }, &said)
        }
        AccountCommand::Rename { account, name, flags } => {
            let request = AdminRequest::RenameAccount { account: account.clone(), name: name.clone() };
            done(flags, &request, &format!("the account {account} is called {name}"))
        }
        AccountCommand::RotateRootKey { account, old_key, keep_old, credentials, flags } => {
            let rotation = Rotation { account, old_key: old_key.as_deref(), keep_old: *keep_old };
            within(flags, async |admin| rotate(admin, &rotation, credentials.as_deref(), flags).await)
        }
        AccountCommand::DisableRootKey { account, key, last, flags } => {
            let (access_key_id, last) = (key.clone(), *last);
            let request = AdminRequest::DisableRootAccessKey { account: account.clone(), access_key_id, last };
            done(flags, &request, &format!("the access key {key} is disabled: its next request is refused"))
        }
        AccountCommand::EnableRootKey { account, key, flags } => {
            let request = AdminRequest::EnableRootAccessKey { account: account.clone(), access_key_id: key.clone() };
            done(flags, &request, &format!("the access key {key} is enabled"))
        }
        AccountCommand::DeleteRootKey { account, key, last, flags } => {
            let request = delete(account, key, *last);
            done(flags, &request, &format!("the access key {key} is deleted"))
        }
    }
}

fn within<T>(flags: &AccountFlags, work: impl AsyncFnOnce(&Admin) -> Result<T, Failure>) -> Result<T, Failure> {
    admin::run(&flags.place, work)
}

/// Asks for something that has no other answer than that it is done.
fn done(flags: &AccountFlags, request: &AdminRequest, said: &str) -> Result<(), Failure> {
    within(flags, async |admin| match admin.ask(request).await? {
        AdminAnswer::Done if flags.say.output == SayFormat::Json => print(b"{}\n"),
        AdminAnswer::Done => print(format!("{said}\n").as_bytes()),
        _ => Err(unexpected()),
    })
}

async fn all(admin: &Admin) -> Result<Vec<AccountSummary>, Failure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        match admin.ask(&AdminRequest::ListAccounts { after }).await? {
            AdminAnswer::Accounts { accounts, next } => {
                all.extend(accounts);
                after = next;
            }
            _ => return Err(unexpected()),
        }
        if after.is_none() {
            return Ok(all);
        }
    }
}

async fn issue(
    admin: &Admin,
    request: &AdminRequest,
    file: Option<&Path>,
    flags: &AccountFlags,
) -> Result<(), Failure> {
    let delivery = Delivery::prepare(file, admin.data(), flags.say.output)?;
    if let Some(known) = delivery.known() {
        return Err(Failure::Setup(anyhow::anyhow!(
            "{} holds the access key {known} already; name a file that is not there",
            delivery.file()
        )));
    }
    let issued = issued(admin.ask(request).await?)?;
    delivery.deliver(&issued)
}

/// A rotation as it was asked for.
struct Rotation<'a> {
    account: &'a str,
    old_key: Option<&'a str>,
    keep_old: bool,
}

/// Makes the new key, gives it to the operator, and only then deletes the old one: whatever is cut short, one of the two
/// works and is known.
async fn rotate(
    admin: &Admin,
    rotation: &Rotation<'_>,
    file: Option<&Path>,
    flags: &AccountFlags,
) -> Result<(), Failure> {
    let account = rotation.account;
    let delivery = Delivery::prepare(file, admin.data(), flags.say.output)?;
    let replaced = match (rotation.old_key, delivery.known()) {
        (Some(old), Some(known)) if old != known => {
            return Err(Failure::Setup(anyhow::anyhow!(
                "{} holds the access key {known}, not {old}; name another file",
                delivery.file()
            )));
        }
        (old, known) => old.or(known).map(str::to_owned),
    };
    let request = AdminRequest::RotateRootAccessKey { account: account.to_owned(), replaced };
    let issued = issued(admin.ask(&request).await?)?;
    delivery.deliver(&issued)?;
    let old = &issued.replaced;
    let is_text = flags.say.output == SayFormat::Text;
    if rotation.keep_old {
        let said = format!(
            "the old access key {old} still works; once no client uses it:\n\
             sesame account delete-root-key {account} {old}\n"
        );
        return if is_text { print(said.as_bytes()) } else { Ok(()) };
    }
    let deleted = admin.ask(&delete(account, old, false)).await;
    match deleted {
        Ok(AdminAnswer::Done) if is_text => print(format!("the old access key {old} is deleted\n").as_bytes()),
        Ok(AdminAnswer::Done) => Ok(()),
        Ok(_) => Err(unexpected()),
        Err(failure) => Err(Failure::Setup(anyhow::anyhow!(
            "the new access key works, but the old one, {old}, still does, too: {failure}\n\
             sesame account delete-root-key {account} {old}"
        ))),
    }
}

fn delete(account: &str, key: &str, last: bool) -> AdminRequest {
    AdminRequest::DeleteRootAccessKey { account: account.to_owned(), access_key_id: key.to_owned(), last }
}

fn issued(answer: AdminAnswer) -> Result<IssuedKey, Failure> {
    match answer {
        AdminAnswer::Issued(issued) => Ok(issued),
        _ => Err(unexpected()),
    }
}
