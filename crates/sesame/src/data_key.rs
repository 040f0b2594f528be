//! `sesame data-key`: adds a version to a managed data key, which no operation of the API does.

use sesame_service::admin::{AdminAnswer, AdminRequest};

use crate::admin;
use crate::cli::DataKeyArguments;
use crate::failure::Failure;

/// Adds the version and answers what to tell the operator.
pub(crate) fn run(arguments: &DataKeyArguments) -> Result<String, Failure> {
    let request = AdminRequest::AddDataKeyVersion { account: arguments.account.clone(), name: arguments.name.clone() };
    let answer = admin::run(&arguments.place, async |admin| admin.ask(&request).await)?;
    let AdminAnswer::DataKeyVersion(made) = answer else { return Err(admin::unexpected()) };
    let (version, name) = (made.version, made.name);
    Ok(format!(
        "version {version} of the data key {name}\nsesame call GetManagedDataKey --DataKeyName {name} --UseLatest true\n"
    ))
}
