//! The error codes of the API: one table, from which code, status and default message are taken.

use std::borrow::Cow;
use std::fmt;

use crate::denial::AccessDeniedDetail;
use sesame_crypto::error::CryptoError;
use sesame_domain::StateRefusal;
use sesame_store::StoreError;

macro_rules! codes {
    ($($name:ident = $code:literal, $status:literal, $message:literal;)+) => {
        /// An error code of the API, as callers match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $message] $name),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// The message when nothing more can be said.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message),+ }
            }
        }
    };
}

// Codes, statuses and messages: gateway reference, section 5, keys reference, section 13, and for RAM the page of its
// errors. Statuses that no page gives are our choice: DryRunOperationError and ValidationError 400, AccessDeniedError 403,
// RequestEntityTooLarge 413. So are these codes of RAM, made like their neighbours: the ranges but MinimumPasswordLength,
// the formats of Marker and LoginNetworkMasks, NewPassword, OldPassword and Status.
codes! {
    MissingAction = "MissingAction", 400, "Action is mandatory for this action.";
    MissingVersion = "MissingVersion", 400, "Version is mandatory for this action.";
    MissingAccessKeyId = "MissingAccessKeyId", 400, "AccessKeyId is mandatory for this action.";
    MissingSignature = "MissingSignature", 400, "Signature is mandatory for this action.";
    MissingSignatureMethod = "MissingSignatureMethod", 400, "SignatureMethod is mandatory for this action.";
    MissingSignatureVersion = "MissingSignatureVersion", 400, "SignatureVersion is mandatory for this action.";
    MissingSecurityToken = "MissingSecurityToken", 400, "SecurityToken is mandatory for this action.";
    InvalidActionNotFound = "InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method.";
    InvalidApiNotFound = "InvalidApi.NotFound", 404, "Specified api is not found, please check your url and method.";
    InvalidVersion = "InvalidVersion", 400, "Specified parameter Version is not valid.";
    InvalidSignatureVersion = "InvalidSignatureVersion", 400, "Specified parameter SignatureVersion is not valid.";
    InvalidSignatureMethod = "InvalidSignatureMethod", 400, "Specified signature method is not valid.";
    InvalidAccessKeyIdNotFound = "InvalidAccessKeyId.NotFound", 404, "The AccessKey ID provided does not exist in our records.";
    InvalidAccessKeyIdInactive = "InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.";
    IncompleteSignature = "IncompleteSignature", 400, "The request signature does not conform to Aliyun standards.";
    SignatureDoesNotMatch = "SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation.";
    SignatureNonceUsed = "SignatureNonceUsed", 400, "Specified signature nonce was used already.";
    IllegalTimestamp = "IllegalTimestamp", 400, "The input parameter \"Timestamp\" that is mandatory for processing this request is not supplied.";
    InvalidTimeStampFormat = "InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted.";
    InvalidTimeStampExpired = "InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.";
    InvalidSecurityTokenExpired = "InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired.";
    InvalidSecurityTokenMalformed = "InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed.";
    InvalidSecurityTokenMismatch = "InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey.";
    UnsupportedHttpMethod = "UnsupportedHTTPMethod", 403, "This http method is not supported.";
    ContentMd5NotMatched = "ContentMD5NotMatched", 400, "The Content-MD5 of the request does not match its body.";
    RequestEntityTooLarge = "RequestEntityTooLarge", 413, "The request is larger than this server accepts.";
    ParseRequestParameter = "ParseRequestParameterException", 400, "Server parse parameters exception. Please check your input params.";
    MissingParameter = "MissingParameter", 400, "The parameter needed but no provided.";
    InvalidParameter = "InvalidParameter", 400, "The specified parameter is not valid.";
    InvalidParameterCombination = "InvalidParameterCombination", 400, "The end time must not be earlier than the start time.";
    InvalidParameterEndTime = "InvalidParameterEndTime", 400, "The end time must have the form 2026-01-02T03:04:05Z.";
    InvalidParameterStartTime = "InvalidParameterStartTime", 400, "The start time must have the form 2026-01-02T03:04:05Z.";
    InvalidQueryParameter = "InvalidQueryParameter", 400, "The specified query parameter is not valid.";
    InvalidParameterTagKey = "InvalidParameter.TagKey", 400, "The specified parameter is not valid.";
    InvalidParameterTagValue = "InvalidParameter.TagValue", 400, "The specified parameter is not valid.";
    DuplicateTagKey = "Duplicate.TagKey", 400, "The specified tagKey is duplicate.";
    InvalidResourceIdNotFound = "InvalidResourceId.NotFound", 404, "The specified ResourceId is not found.";
    KeyNotFound = "Forbidden.KeyNotFound", 404, "The specified Key is not found.";
    KeyVersionNotFound = "Forbidden.KeyVersionNotFound", 404, "The specified Key version is not found.";
    AliasNotFound = "Forbidden.AliasNotFound", 404, "The specified Alias is not found.";
    ResourceNotFound = "Forbidden.ResourceNotFound", 404, "Resource not found.";
    CertificateNotFound = "Certificate.NotFound", 404, "The specified certificate is not found.";
    NoPermission = "Forbidden.NoPermission", 403, "This operation is forbidden by permission system.";
    NoPermissionAsBadRequest = "Forbidden.NoPermission", 400, "This operation is forbidden by permission system.";
    NotAuthorized = "NoPermission", 403, "You are not authorized to do this action. You should be authorized by RAM.";
    DiagnosisNotFound = "EntityNotExist", 404, "The encoded diagnostic message is none of this account: pass it on as it was received.";
    DiagnosisExpired = "EncodedMessageExpire", 400, "The encoded diagnostic message is older than a day: repeat the call that was refused to get a new one.";
    // STS (access-control reference, 1.8); the codes that begin with AuthenticationFail, their statuses, and those of
    // SourceIdentity and OIDCProviderArn are our choice.
    InvalidRoleArn = "InvalidParameter.RoleArn", 400, "The parameter RoleArn is wrongly formed.";
    InvalidRoleSessionName = "InvalidParameter.RoleSessionName", 400, "The parameter RoleSessionName is wrongly formed.";
    InvalidDurationSeconds = "InvalidParameter.DurationSeconds", 400, "The Min/Max value of DurationSeconds is 15min/1hr.";
    InvalidExternalId = "InvalidParameter.ExternalId", 400, "The parameter ExternalId is wrongly formed.";
    InvalidSourceIdentity = "InvalidParameter.SourceIdentity", 400, "The parameter SourceIdentity is wrongly formed.";
    InvalidOidcProviderArn = "InvalidParameter.OIDCProviderArn", 400, "The parameter OIDCProviderArn is wrongly formed.";
    InvalidPolicyGrammar = "InvalidParameter.PolicyGrammar", 400, "The parameter Policy has not passed grammar check.";
    InvalidPolicySize = "InvalidParameter.PolicySize", 400, "The size of Policy must be smaller than 2048 bytes.";
    OidcTokenInvalid = "AuthenticationFail.OIDCToken.Invalid", 400, "The OIDC token is not valid.";
    OidcTokenExpired = "AuthenticationFail.OIDCToken.Expired", 400, "The OIDC token is expired.";
    OidcNoPermission = "AuthenticationFail.NoPermission", 400, "The trust policy of the role does not admit the holder of this OIDC token.";
    DkmsInstanceNotFound = "Forbidden.DKMSInstanceNotFound", 403, "The specified DKMS Instance is not found.";
    KeyPolicyUnsupported = "Forbidden.KeyPolicyUnSupported", 400, "The specified key does not support key policy.";
    Opened = "Forbidden.Opened", 400, "Your kms service has been opened.";
    AliasAlreadyExists = "AliasAlreadyExists", 400, "AliasName Already Exists.";
    InvalidKeyMaterial = "InvalidKeyMaterial", 400, "key material is invalid.";
    InvalidImportToken = "InvalidImportToken", 400, "import token is invalid.";
    ExpiredImportToken = "ExpiredImportToken", 400, "import token is expired.";
    UnsupportedOrigin = "Unsupported.Origin", 400, "This key origin is not valid for this api.";
    UnsupportedAlias = "Unsupported.Alias", 400, "Alias is not valid for this api.";
    UnsupportedOperation = "UnsupportedOperation", 400, "This action is not supported.";
    RejectedUnsupportedOperation = "Rejected.UnsupportedOperation", 400, "Unsupported operation.";
    LimitExceeded = "Rejected.LimitExceeded", 400, "The request was rejected because user create resource limit was exceeded.";
    ResourceExist = "Rejected.ResourceExist", 409, "The resource already exists.";
    ResourceInDeleteWindow = "Rejected.ResourceInDeleteWindow", 409, "The secret is planned to be deleted.";
    ResourceInUse = "Rejected.ResourceInUse", 409, "restore normal secret";
    Disabled = "Rejected.Disabled", 409, "The request was rejected because the key state is Disabled.";
    PendingDeletion = "Rejected.PendingDeletion", 409, "The request was rejected because the key state is PendingDeletion.";
    PendingImport = "Rejected.PendingImport", 409, "The request was rejected because the key state is PendingImport.";
    StateModifiedFailed = "Rejected.StateModifiedFailed", 409, "Keystate modified failed.";
    Throttling = "Rejected.Throttling", 429, "QPS Limit Exceeded";
    ThrottlingUser = "Throttling.User", 400, "Request was denied due to user flow control.";
    // RAM and IMS (access-control reference, 1.9). Of what the original answers for OIDC providers, only
    // EntityNotExist.OIDCProvider and EntityAlreadyExists.OIDCProvider.Url are known; the other codes are made like them.
    InvalidPolicyType = "InvalidParameter.PolicyType", 400, "The parameter - \"PolicyType\" is incorrect.";
    InvalidPolicyNameCharacters = "InvalidParameter.PolicyName.InvalidChars", 400, "The parameter - \"PolicyName\" contains invalid chars.";
    InvalidPolicyNameLength = "InvalidParameter.PolicyName.Length", 400, "The parameter - \"PolicyName\" beyond the length limit.";
    InvalidPolicyDocumentLength = "InvalidParameter.PolicyDocument.Length", 400, "The parameter - \"PolicyDocument\" beyond the length limit.";
    InvalidVersionIdFormat = "InvalidParameter.VersionId.Format", 400, "The format of the parameter - \"VersionId\" is incorrect.";
    InvalidDescriptionLength = "InvalidParameter.Description.Length", 400, "The parameter - \"Description\" beyond the length limit.";
    InvalidNewDescriptionLength = "InvalidParameter.NewDescription.Length", 400, "The parameter - \"NewDescription\" beyond the length limit.";
    InvalidRoleNameCharacters = "InvalidParameter.RoleName.InvalidChars", 400, "The parameter - \"RoleName\" contains invalid chars.";
    InvalidRoleNameLength = "InvalidParameter.RoleName.Length", 400, "The parameter - \"RoleName\" beyond the length limit.";
    InvalidOidcProviderNameCharacters = "InvalidParameter.OIDCProviderName.InvalidChars", 400, "The parameter - \"OIDCProviderName\" contains invalid chars.";
    InvalidOidcProviderNameLength = "InvalidParameter.OIDCProviderName.Length", 400, "The parameter - \"OIDCProviderName\" beyond the length limit.";
    InvalidIssuerUrlFormat = "InvalidParameter.IssuerUrl.Format", 400, "The format of the parameter - \"IssuerUrl\" is incorrect.";
    InvalidIssuerUrlLength = "InvalidParameter.IssuerUrl.Length", 400, "The parameter - \"IssuerUrl\" beyond the length limit.";
    MalformedPolicyDocument = "MalformedPolicyDocument", 400, "The policy document is not valid.";
    RoleNotExist = "EntityNotExist.Role", 404, "The role does not exist.";
    PolicyNotExist = "EntityNotExist.Policy", 404, "The policy does not exist.";
    PolicyVersionNotExist = "EntityNotExist.Policy.Version", 404, "The policy version does not exist.";
    UserPolicyNotExist = "EntityNotExist.User.Policy", 404, "The indicate policy of the user does not exist.";
    GroupPolicyNotExist = "EntityNotExist.Group.Policy", 404, "The indicate policy attached to the group does not exist.";
    RolePolicyNotExist = "EntityNotExist.Role.Policy", 404, "The indicate policy attached to the role does not exist.";
    ResourceGroupNotExist = "EntityNotExist.ResourceGroup", 404, "This server has no resource groups: leave ResourceGroupId out.";
    OidcProviderNotExist = "EntityNotExist.OIDCProvider", 404, "The OIDC provider does not exist.";
    RoleAlreadyExists = "EntityAlreadyExists.Role", 409, "The role does already EXIST.";
    PolicyAlreadyExists = "EntityAlreadyExists.Policy", 409, "The policy does already EXIST.";
    UserPolicyAlreadyExists = "EntityAlreadyExists.User.Policy", 409, "The user has already been attached this policy.";
    GroupPolicyAlreadyExists = "EntityAlreadyExists.Group.Policy", 409, "The group has already been attached this policy.";
    RolePolicyAlreadyExists = "EntityAlreadyExists.Role.Policy", 409, "The role has already been attached this policy.";
    OidcProviderAlreadyExists = "EntityAlreadyExists.OIDCProvider", 409, "The OIDC provider does already EXIST.";
    OidcProviderUrlAlreadyExists = "EntityAlreadyExists.OIDCProvider.Url", 409, "Another OIDC provider of the account has this issuer URL.";
    DeleteConflictPolicyUser = "DeleteConflict.Policy.User", 409, "The policy CAN NOT been attached to any user while deleting the policy.";
    DeleteConflictPolicyGroup = "DeleteConflict.Policy.Group", 409, "The policy CAN NOT been attached to any group while deleting the policy.";
    DeleteConflictPolicyRole = "DeleteConflict.Policy.Role", 409, "The policy CAN NOT been attached to any role while deleting the policy.";
    DeleteConflictPolicyVersion = "DeleteConflict.Policy.Version", 409, "The policy CAN NOT has any version except the default version: delete them first, or give CascadingDelete=true.";
    DeleteConflictPolicyVersionDefault = "DeleteConflict.Policy.Version.Default", 409, "The default policy version CAN NOT been deleted directly: make another version the default first.";
    DeleteConflictRolePolicy = "DeleteConflict.Role.Policy", 409, "The role CAN NOT has any attached policy while deleting the role.";
    LimitExceededRole = "LimitExceeded.Role", 409, "The count of roles beyond the current limits.";
    LimitExceededPolicy = "LimitExceeded.Policy", 409, "The count of policy beyond the current limits.";
    LimitExceededPolicyVersion = "LimitExceeded.Policy.Version", 409, "The count of policy version beyond the current limits: delete a version, or give RotateStrategy.";
    LimitExceededUserPolicy = "LimitExceeded.User.Policy", 409, "The policy count of the user attached policies beyond the current limits.";
    LimitExceededGroupPolicy = "LimitExceeded.Group.Policy", 409, "The policy count of the group beyond the current limits.";
    LimitExceededRolePolicy = "LimitExceeded.Role.Policy", 409, "The count of policies attached to the role beyond the current limits.";
    LimitExceededOidcProvider = "LimitExceeded.OIDCProvider", 409, "The count of OIDC providers beyond the current limits.";
    LimitExceededOidcProviderClientId = "LimitExceeded.OIDCProvider.ClientId", 409, "The count of client IDs beyond the current limits.";
    LimitExceededOidcProviderFingerprint = "LimitExceeded.OIDCProvider.Fingerprint", 409, "The count of fingerprints beyond the current limits.";
    DryRunOperation = "DryRunOperationError", 400, "The request would have succeeded, but the DryRun parameter was used.";
    Validation = "ValidationError", 400, "The request would have failed: a parameter or a resource is not valid.";
    AccessDenied = "AccessDeniedError", 403, "The request would have failed: the caller lacks permission.";
    InvalidUserNameCharacters = "InvalidParameter.UserName.InvalidChars", 400, "The parameter - \"UserName\" contains invalid chars.";
    InvalidUserNameLength = "InvalidParameter.UserName.Length", 400, "The parameter - \"UserName\" beyond the length limit.";
    InvalidNewUserNameCharacters = "InvalidParameter.NewUserName.InvalidChars", 400, "The parameter - \"NewUserName\" contains invalid chars.";
    InvalidNewUserNameLength = "InvalidParameter.NewUserName.Length", 400, "The parameter - \"NewUserName\" beyond the length limit.";
    InvalidDisplayNameCharacters = "InvalidParameter.DisplayName.InvalidChars", 400, "The parameter - \"DisplayName\" contains invalid chars.";
    InvalidDisplayNameLength = "InvalidParameter.DisplayName.Length", 400, "The parameter - \"DisplayName\" beyond the length limit.";
    InvalidNewDisplayNameCharacters = "InvalidParameter.NewDisplayName.InvalidChars", 400, "The parameter - \"NewDisplayName\" contains invalid chars.";
    InvalidNewDisplayNameLength = "InvalidParameter.NewDisplayName.Length", 400, "The parameter - \"NewDisplayName\" beyond the length limit.";
    InvalidGroupNameCharacters = "InvalidParameter.GroupName.InvalidChars", 400, "The parameter - \"GroupName\" contains invalid chars.";
    InvalidGroupNameLength = "InvalidParameter.GroupName.Length", 400, "The parameter - \"GroupName\" beyond the length limit.";
    InvalidNewGroupNameCharacters = "InvalidParameter.NewGroupName.InvalidChars", 400, "The parameter - \"NewGroupName\" contains invalid chars.";
    InvalidNewGroupNameLength = "InvalidParameter.NewGroupName.Length", 400, "The parameter - \"NewGroupName\" beyond the length limit.";
    InvalidCommentsLength = "InvalidParameter.Comments.Length", 400, "The parameter - \"Comments\" beyond the length limit.";
    InvalidNewCommentsLength = "InvalidParameter.NewComments.Length", 400, "The parameter - \"NewComments\" beyond the length limit.";
    InvalidMobilePhoneFormat = "InvalidParameter.MobilePhone.Format", 400, "The format of the parameter - \"MobilePhone\" is incorrect.";
    InvalidNewMobilePhoneFormat = "InvalidParameter.NewMobilePhone.Format", 400, "The format of the parameter - \"NewMobilePhone\" is incorrect.";
    InvalidEmailFormat = "InvalidParameter.Email.Format", 400, "The format of the parameter - \"Email\" is incorrect.";
    InvalidNewEmailFormat = "InvalidParameter.NewEmail.Format", 400, "The format of the parameter - \"NewEmail\" is incorrect.";
    InvalidLoginNetworkMasksFormat = "InvalidParameter.LoginNetworkMasks.Format", 400, "The format of the parameter - \"LoginNetworkMasks\" is incorrect.";
    InvalidMarkerFormat = "InvalidParameter.Marker.Format", 400, "The format of the parameter - \"Marker\" is incorrect.";
    InvalidMinimumPasswordLengthRange = "InvalidParameter.MinimumPasswordLength.Range", 400, "The parameter - \"MinimumPasswordLength\" is out of its range.";
    InvalidMaxPasswordAgeRange = "InvalidParameter.MaxPasswordAge.Range", 400, "The parameter - \"MaxPasswordAge\" is out of its range.";
    InvalidPasswordReusePreventionRange = "InvalidParameter.PasswordReusePrevention.Range", 400, "The parameter - \"PasswordReusePrevention\" is out of its range.";
    InvalidMaxLoginAttempsRange = "InvalidParameter.MaxLoginAttemps.Range", 400, "The parameter - \"MaxLoginAttemps\" is out of its range.";
    InvalidLoginSessionDurationRange = "InvalidParameter.LoginSessionDuration.Range", 400, "The parameter - \"LoginSessionDuration\" is out of its range.";
    InvalidMaxItemsRange = "InvalidParameter.MaxItems.Range", 400, "The parameter - \"MaxItems\" is out of its range.";
    PasswordTooWeak = "InvalidParameter.Password.TooWeak", 400, "The parameter - \"Password\" is not compliant with the password policy.";
    NewPasswordTooWeak = "InvalidParameter.NewPassword.TooWeak", 400, "The parameter - \"NewPassword\" is not compliant with the password policy.";
    InvalidOldPassword = "InvalidParameter.OldPassword", 400, "The parameter - \"OldPassword\" is incorrect.";
    InvalidStatus = "InvalidParameter.Status", 400, "The parameter - \"Status\" is incorrect.";
    UserNotExist = "EntityNotExist.User", 404, "The user does not exist.";
    UserAccessKeyNotExist = "EntityNotExist.User.AccessKey", 404, "The user access key does not exist.";
    UserLoginProfileNotExist = "EntityNotExist.User.LoginProfile", 404, "The user login profile does not exist.";
    UserGroupNotExist = "EntityNotExist.User.Group", 404, "The user has not joined the group.";
    GroupNotExist = "EntityNotExist.Group", 404, "The group does not exist.";
    UserAlreadyExists = "EntityAlreadyExists.User", 409, "The user does already EXIST.";
    UserLoginProfileAlreadyExists = "EntityAlreadyExists.User.LoginProfile", 409, "The user login profile does already EXIST.";
    UserGroupAlreadyExists = "EntityAlreadyExists.User.Group", 409, "The user has already joined the group.";
    GroupAlreadyExists = "EntityAlreadyExists.Group", 409, "The group does already EXIST.";
    DeleteConflictUserGroup = "DeleteConflict.User.Group", 409, "The user CAN NOT be in any group while deleting the user.";
    DeleteConflictUserAccessKey = "DeleteConflict.User.AccessKey", 409, "The user CAN NOT has any access key while deleting the user.";
    DeleteConflictUserLoginProfile = "DeleteConflict.User.LoginProfile", 409, "The user CAN NOT has any login profile while deleting the user.";
    DeleteConflictUserPolicy = "DeleteConflict.User.Policy", 409, "The user CAN NOT has any attached policy while deleting the user.";
    DeleteConflictGroupUser = "DeleteConflict.Group.User", 409, "The group CAN NOT has any user member while deleting the group.";
    DeleteConflictGroupPolicy = "DeleteConflict.Group.Policy", 409, "The entity CAN NOT has any attached policy while deleting the group.";
    LimitExceededUser = "LimitExceeded.User", 409, "The count of users beyond the current limits.";
    LimitExceededUserAccessKey = "LimitExceeded.User.AccessKey", 409, "The access key count of the user access keys beyond the current limits.";
    LimitExceededUserGroup = "LimitExceeded.User.Group", 409, "The count of groups the target user joined beyond the current limits.";
    LimitExceededGroup = "LimitExceeded.Group", 409, "The count of groups beyond the current limits.";
    InternalFailure = "InternalFailure", 500, "Internal Failure.";
    ServiceUnavailableTemporary = "ServiceUnavailableTemporary", 503, "Service Unavailable Temporary.";
}

/// A failure of a call: what the caller is told, and apart from it what the log is told.
#[derive(Debug)]
pub struct KmsError {
    /// The code.
    pub code: Code,
    /// The message for the caller; never holds anything secret or internal.
    pub message: Cow<'static, str>,
    /// When the caller may try again, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// Which permission was refused, when one was.
    pub denied: Option<Box<AccessDeniedDetail>>,
    /// The cause, for the log only.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong with a parameter of RAM; its code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has a character that is not allowed.
    Characters,
    /// It is too short or too long.
    Length,
    /// It has another form.
    Format,
    /// The number is too small or too large.
    Range,
    /// The password does not have what the policy demands.
    TooWeak,
    /// It is none of the words that it can be, or not what it must be equal to.
    Value,
}

impl Fault {
    fn suffix(self) -> &'static str {
        match self {
            Self::Characters => ".InvalidChars",
            Self::Length => ".Length",
            Self::Format => ".Format",
            Self::Range => ".Range",
            Self::TooWeak => ".TooWeak",
            Self::Value => "",
        }
    }
}

/// What an operation or a step before it returns.
pub type Result<T> = std::result::Result<T, KmsError>;

impl KmsError {
    /// The code with a message of our own.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..code.into() }
    }

    /// `MissingParameter` that names the parameter.
    pub fn missing(parameter: &str) -> Self {
        Self::new(Code::MissingParameter, format!("The parameter \"{parameter}\" is needed but not provided."))
    }

    /// `InvalidParameter` that names the parameter and says what would be right.
    pub fn invalid(parameter: &str, what_is_right: impl fmt::Display) -> Self {
        Self::new(
            Code::InvalidParameter,
            format!("The specified parameter \"{parameter}\" is not valid: {what_is_right}."),
        )
    }

    /// `InvalidParameter.<parameter>.<fault>` that says what would be right. A parameter that has no code of its own is
    /// refused as everywhere else.
    pub(crate) fn faulty(parameter: &str, fault: Fault, what_is_right: impl fmt::Display) -> Self {
        let name = format!("InvalidParameter.{parameter}{}", fault.suffix());
        match Code::ALL.iter().find(|code| code.name() == name) {
            Some(code) => Self::new(*code, format!("{}: {what_is_right}.", code.message().trim_end_matches('.'))),
            None => Self::invalid(parameter, what_is_right),
        }
    }

    /// `InternalFailure` whose cause goes to the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..Code::InternalFailure.into() }
    }
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for KmsError {}

impl From<Code> for KmsError {
    fn from(code: Code) -> Self {
        Self { code, message: Cow::Borrowed(code.message()), retry_after_ms: None, denied: None, cause: None }
    }
}

impl From<StateRefusal> for KmsError {
    fn from(refusal: StateRefusal) -> Self {
        match refusal {
            StateRefusal::Disabled => Code::Disabled,
            StateRefusal::PendingDeletion => Code::PendingDeletion,
            StateRefusal::PendingImport => Code::PendingImport,
            StateRefusal::StateModifiedFailed => Code::StateModifiedFailed,
        }
        .into()
    }
}

impl From<StoreError> for KmsError {
    fn from(error: StoreError) -> Self {
        let code = if error.is_temporary() { Code::ServiceUnavailableTemporary } else { Code::InternalFailure };
        Self { cause: Some(Box::new(error)), ..code.into() }
    }
}

impl From<CryptoError> for KmsError {
    /// A cryptographic failure that an operation did not expect: the operation maps those that a caller can cause.
    fn from(error: CryptoError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table_once() {
        // One code has two statuses (access-control reference, 5.2).
        let mut names: Vec<_> = Code::ALL.iter().map(|code| (code.name(), code.status())).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
