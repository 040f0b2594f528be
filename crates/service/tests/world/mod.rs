//! A call of every registered operation that succeeds, for tests that go through all of them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a fixture that cannot be made fails its test")]

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame_crypto::{EncryptionAlgorithm, KeySpec, PublicKey, SystemRandom, UnlockedKey};
use sesame_service::registry::{self, Product};
use sesame_testkit::TestKms;

/// A call, and the keys that it touches.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) params: Vec<(&'static str, String)>,
    /// Each of them decides by its state what becomes of the call.
    pub(crate) keys: Vec<String>,
}

impl Sample {
    fn new<const N: usize>(keys: &[&str], params: [(&'static str, &str); N]) -> Self {
        let params = params.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Self { params, keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    pub(crate) fn params(&self) -> Vec<(&str, &str)> {
        self.params.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

/// Bytes that nothing else has, for each number others.
pub(crate) fn canary(number: u8) -> [u8; 32] {
    std::array::from_fn(|at| number.wrapping_mul(151) ^ u8::try_from(at * 7).unwrap() ^ 0x5a)
}

pub(crate) fn text(answer: &Value, member: &str) -> String {
    answer.pointer(&format!("/{member}")).and_then(Value::as_str).unwrap().to_owned()
}

/// The first version of a key.
pub(crate) async fn first_version(kms: &TestKms, key: &str) -> String {
    let mut conn = kms.store.reader().await.unwrap();
    let key = sesame_store::keys::get(&mut conn, &key.parse().unwrap()).await.unwrap().unwrap();
    key.primary_version.to_string()
}

async fn alias(kms: &TestKms, key: &str) -> String {
    let name = format!("alias/{}", key.replace('-', "_"));
    kms.call("CreateAlias", &[("AliasName", &name), ("KeyId", key)]).await.unwrap();
    name
}

async fn blob(kms: &TestKms, key: &str, plaintext: &str) -> String {
    text(&kms.call("Encrypt", &[("KeyId", key), ("Plaintext", plaintext)]).await.unwrap(), "CiphertextBlob")
}

/// A certificate of its own, used where that needs it, and a call that succeeds with it.
async fn certificate(kms: &TestKms, operation: &str, secret: &str) -> Sample {
    let [subject, spec] = [("Subject", "CN=a,OU=b,O=c,C=CN"), ("KeySpec", "EC_SM2")];
    let create = Sample::new(&[], [subject, spec]);
    if operation == "CreateCertificate" {
        return create;
    }
    let made = kms.call("CreateCertificate", &create.params()).await.unwrap();
    let id = text(&made, "CertificateId");
    let named = ("CertificateId", id.as_str());
    if matches!(operation, "DescribeCertificate" | "GetCertificate" | "DeleteCertificate") {
        return Sample::new(&[], [named]);
    }
    let issued = sesame_testkit::openssl::issue(kms.folder(), &text(&made, "Csr"));
    let upload = Sample::new(&[], [named, ("Certificate", &issued)]);
    if operation == "UploadCertificate" {
        return upload;
    }
    kms.call("UploadCertificate", &upload.params()).await.unwrap();
    let (signing, encrypting) = (("Algorithm", "SM2DSA"), ("Algorithm", "SM2PKE"));
    match operation {
        "UpdateCertificateStatus" => Sample::new(&[], [named, ("Status", "INACTIVE")]),
        "CertificatePrivateKeySign" => Sample::new(&[], [named, signing, ("Message", secret)]),
        "CertificatePublicKeyVerify" => {
            Sample::new(&[], [named, signing, ("Message", secret), ("SignatureValue", "AAAA")])
        }
        _ => {
            let encrypt = Sample::new(&[], [named, encrypting, ("Plaintext", secret)]);
            if operation == "CertificatePublicKeyEncrypt" {
                return encrypt;
            }
            let blob =
                text(&kms.call("CertificatePublicKeyEncrypt", &encrypt.params()).await.unwrap(), "CiphertextBlob");
            Sample::new(&[], [named, encrypting, ("CiphertextBlob", &blob)])
        }
    }
}

/// Fresh names for identities and policies.
fn fresh(what: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A user, a group, an access key or a login of its own, used where that needs it, and a call that succeeds with it.
async fn identity(kms: &TestKms, operation: &str, secret: &str) -> Option<Sample> {
    let (user, group) = (fresh("user"), fresh("group"));
    let (user, group) = (("UserName", user.as_str()), ("GroupName", group.as_str()));
    let password = ("Password", secret);
    match operation {
        "CreateUser" => return Some(Sample::new(&[], [user, ("DisplayName", "A User"), ("Email", "a@b.example")])),
        "CreateGroup" => return Some(Sample::new(&[], [group])),
        "ListUsers"
        | "ListGroups"
        | "GetPasswordPolicy"
        | "SetPasswordPolicy"
        | "GetSecurityPreference"
        | "SetSecurityPreference" => return Some(Sample::default()),
        _ => {}
    }
    let make = async |operation: &str, params: &[(&str, &str)]| kms.call(operation, params).await.unwrap();
    make("CreateUser", &[user]).await;
    Some(match operation {
        "GetUser" | "UpdateUser" | "DeleteUser" | "ListAccessKeys" | "ListGroupsForUser" | "CreateAccessKey" => {
            Sample::new(&[], [user])
        }
        "UpdateAccessKey" | "DeleteAccessKey" | "GetAccessKeyLastUsed" => {
            let made = make("CreateAccessKey", &[user]).await;
            let id = text(&made, "AccessKey/AccessKeyId");
            let id = ("UserAccessKeyId", id.as_str());
            match operation {
                "UpdateAccessKey" => Sample::new(&[], [user, id, ("Status", "Inactive")]),
                _ => Sample::new(&[], [user, id]),
            }
        }
        "GetGroup" | "UpdateGroup" | "DeleteGroup" | "ListUsersForGroup" => {
            make("CreateGroup", &[group]).await;
            Sample::new(&[], [group])
        }
        "AddUserToGroup" | "RemoveUserFromGroup" => {
            make("CreateGroup", &[group]).await;
            if operation == "RemoveUserFromGroup" {
                make("AddUserToGroup", &[user, group]).await;
            }
            Sample::new(&[], [user, group])
        }
        "CreateLoginProfile" => Sample::new(&[], [user, password]),
        "GetLoginProfile" | "UpdateLoginProfile" | "DeleteLoginProfile" => {
            make("CreateLoginProfile", &[user, ("Password", "some password")]).await;
            match operation {
                "UpdateLoginProfile" => Sample::new(&[], [user, password]),
                _ => Sample::new(&[], [user]),
            }
        }
        // Its caller is a user, which no sample is: it is refused, and tried in tests/ram.
        "ChangePassword" => Sample::new(&[], [("OldPassword", secret), ("NewPassword", secret)]),
        _ => return None,
    })
}

/// Who may assume the roles of samples.
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"RAM":["acs:ram::1234567890123456:root"]}}]}"#;

/// What the policies of samples allow.
const DOCUMENT: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#;

/// A policy of its own, attached where that needs it, and a call that succeeds with it.
async fn policy(kms: &TestKms, operation: &str) -> Sample {
    let name = fresh("policy");
    let [policy, document, custom] =
        [("PolicyName", name.as_str()), ("PolicyDocument", DOCUMENT), ("PolicyType", "Custom")];
    let create = Sample::new(&[], [policy, document]);
    if operation == "CreatePolicy" {
        return create;
    }
    kms.call("CreatePolicy", &create.params()).await.unwrap();
    let kind = ["User", "Group", "Role"].into_iter().find(|kind| operation.ends_with(kind));
    let holder = match kind {
        Some("User") => {
            kms.call("CreateUser", &[("UserName", &name)]).await.unwrap();
            ("UserName", name.as_str())
        }
        Some("Group") => {
            kms.call("CreateGroup", &[("GroupName", &name)]).await.unwrap();
            ("GroupName", name.as_str())
        }
        Some(_) => {
            let make = [("RoleName", name.as_str()), ("AssumeRolePolicyDocument", TRUST)];
            kms.call("CreateRole", &make).await.unwrap();
            ("RoleName", name.as_str())
        }
        None => ("", ""),
    };
    match operation {
        "ListPolicies" => Sample::default(),
        "DeletePolicy" => Sample::new(&[], [policy]),
        "UpdatePolicyDescription" => Sample::new(&[], [policy, ("NewDescription", "new")]),
        "CreatePolicyVersion" => create,
        "GetPolicyVersion" => Sample::new(&[], [policy, custom, ("VersionId", "v1")]),
        "DeletePolicyVersion" | "SetDefaultPolicyVersion" => {
            kms.call("CreatePolicyVersion", &create.params()).await.unwrap();
            Sample::new(&[], [policy, ("VersionId", "v2")])
        }
        _ if operation.starts_with("ListPoliciesFor") => Sample::new(&[], [holder]),
        _ if operation.starts_with("AttachPolicyTo") => Sample::new(&[], [policy, custom, holder]),
        _ if operation.starts_with("DetachPolicyFrom") => {
            let attach = operation.replace("DetachPolicyFrom", "AttachPolicyTo");
            kms.call(&attach, &[policy, custom, holder]).await.unwrap();
            Sample::new(&[], [policy, custom, holder])
        }
        _ => Sample::new(&[], [policy, custom]),
    }
}

/// A role of its own, and a call that succeeds with it.
async fn role(kms: &TestKms, operation: &str) -> Sample {
    let name = fresh("role");
    let create = Sample::new(&[], [("RoleName", &name), ("AssumeRolePolicyDocument", TRUST)]);
    match operation {
        "CreateRole" => return create,
        "ListRoles" => return Sample::default(),
        _ => {}
    }
    kms.call("CreateRole", &create.params()).await.unwrap();
    Sample::new(&[], [("RoleName", &name)])
}

/// An OIDC provider of its own, and a call that succeeds with it.
async fn oidc_provider(kms: &TestKms, operation: &str) -> Sample {
    let name = fresh("provider");
    let issuer = format!("https://{name}.example");
    let provider = ("OIDCProviderName", name.as_str());
    let create = Sample::new(&[], [provider, ("IssuerUrl", &issuer), ("ClientIds", "one")]);
    match operation {
        "CreateOIDCProvider" => return create,
        "ListOIDCProviders" => return Sample::default(),
        _ => {}
    }
    kms.call("CreateOIDCProvider", &create.params()).await.unwrap();
    match operation {
        _ if operation.contains("ClientId") => Sample::new(&[], [provider, ("ClientId", "two")]),
        _ if operation.contains("Fingerprint") => Sample::new(&[], [provider, ("Fingerprint", "ab12")]),
        _ => Sample::new(&[], [provider]),
    }
}

/// A fresh key of its own and a call that succeeds with it; what must stay secret in it is made of `canary`, 32 bytes.
pub(crate) async fn sample(kms: &TestKms, operation: &str, canary: &[u8; 32]) -> Sample {
    let secret = STANDARD.encode(canary);
    let secret = secret.as_str();
    let key = async |spec: &str| kms.key(&[("KeySpec", spec)]).await;
    let cipher = async |spec: &str| kms.key(&[("KeySpec", spec), ("KeyUsage", "ENCRYPT/DECRYPT")]).await;
    let aes = async || key("Aliyun_AES_256").await;
    let public = || {
        let (pair, _) = UnlockedKey::generate(KeySpec::EcSm2, &SystemRandom).unwrap();
        STANDARD.encode(pair.public_key_der().unwrap())
    };
    match registry::lookup(operation).map(|entry| entry.product) {
        Some(Product::Ims) => return oidc_provider(kms, operation).await,
        Some(Product::Ram) if operation.contains("Polic") && !operation.contains("PasswordPolicy") => {
            return policy(kms, operation).await;
        }
        Some(Product::Ram) if operation.contains("Role") => return role(kms, operation).await,
        Some(Product::Ram) => {
            if let Some(sample) = identity(kms, operation, secret).await {
                return sample;
            }
        }
        _ => {}
    }
    match operation {
        "DescribeAccountKmsStatus"
        | "LookupEvents"
        | "DescribeRegions"
        | "OpenKmsService"
        | "CreateKey"
        | "ListKeys"
        | "ListAliases"
        | "GetChallenge" => Sample::default(),
        "DecodeDiagnosticMessage" => {
            let policy = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["kms:Encrypt"],
                "Resource":["*"],"Principal":{"RAM":["acs:ram::1234567890123456:root"]}}]}"#;
            let key = kms.key(&[("Policy", policy)]).await;
            let refused = kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", secret)]).await.unwrap_err();
            let message = refused.denied.unwrap().encoded_diagnostic_message;
            Sample::new(&[], [("EncodedDiagnosticMessage", &message)])
        }
        "GetManagedDataKey" | "ListManagedDataKeyVersions" => {
            let account = "1234567890123456".parse().unwrap();
            kms.service.add_managed_data_key_version(&account, "app").await.unwrap();
            Sample::new(&[], [("DataKeyName", "app")])
        }
        "CreateSecret" => {
            let key = aes().await;
            let name = format!("of-{key}");
            let [key_id, data] = [("EncryptionKeyId", key.as_str()), ("SecretData", secret)];
            Sample::new(&[&key], [("SecretName", &name), ("VersionId", "1"), key_id, data])
        }
        "DescribeSecret"
        | "ListSecrets"
        | "UpdateSecret"
        | "DeleteSecret"
        | "RestoreSecret"
        | "PutSecretValue"
        | "GetSecretValue"
        | "BatchGetSecretValue"
        | "ListSecretVersionIds"
        | "UpdateSecretVersionStage"
        | "GetSecretPolicy"
        | "SetSecretPolicy" => {
            let key = aes().await;
            let of_key = format!("of-{key}");
            let name = ("SecretName", of_key.as_str());
            let make = [name, ("VersionId", "1"), ("SecretData", secret), ("EncryptionKeyId", &key)];
            kms.call("CreateSecret", &make).await.unwrap();
            match operation {
                "ListSecrets" => Sample::default(),
                "BatchGetSecretValue" => {
                    Sample::new(&[], [("SecretsList", &format!(r#"[{{"SecretName":"{of_key}"}}]"#))])
                }
                "RestoreSecret" => {
                    kms.call("DeleteSecret", &[name]).await.unwrap();
                    Sample::new(&[], [name])
                }
                "GetSecretValue" => Sample::new(&[&key], [name]),
                "PutSecretValue" => Sample::new(&[&key], [name, ("VersionId", "2"), ("SecretData", secret)]),
                "UpdateSecretVersionStage" => Sample::new(&[], [name, ("VersionStage", "x"), ("MoveToVersion", "1")]),
                "SetSecretPolicy" => {
                    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:*"],
                        "Resource":["*"],"Principal":{"RAM":["acs:ram::1234567890123456:*"]}}]}"#;
                    Sample::new(&[], [name, ("Policy", policy)])
                }
                _ => Sample::new(&[], [name]),
            }
        }
        "UpdateSecretRotationPolicy" | "RotateSecret" => {
            let name = format!("of-{}", aes().await);
            let name = ("SecretName", name.as_str());
            let config = r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#;
            let data = format!(r#"{{"Accounts":[{{"AccountName":"a","AccountPassword":"{secret}"}}]}}"#);
            let [kind, config, data] = [("SecretType", "Rds"), ("ExtendedConfig", config), ("SecretData", &*data)];
            kms.call("CreateSecret", &[name, ("VersionId", "1"), kind, config, data]).await.unwrap();
            match operation {
                "RotateSecret" => Sample::new(&[], [name, ("VersionId", "1")]),
                _ => Sample::new(&[], [name, ("EnableAutomaticRotation", "false")]),
            }
        }
        "GetRandomPassword" => Sample::default(),
        "DescribeKey"
        | "EnableKey"
        | "DisableKey"
        | "CancelKeyDeletion"
        | "ListAliasesByKeyId"
        | "ListResourceTags"
        | "ListKeyVersions"
        | "CreateKeyVersion"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key)])
        }
        "ScheduleKeyDeletion" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("PendingWindowInDays", "7")])
        }
        "SetDeletionProtection" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("EnableDeletionProtection", "true")])
        }
        "UpdateKeyDescription" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("Description", "new")])
        }
        "UpdateRotationPolicy" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("EnableAutomaticRotation", "false")])
        }
        "DescribeKeyVersion" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("KeyVersionId", &first_version(kms, &key).await)])
        }
        "Encrypt" | "AdvanceEncrypt" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("Plaintext", secret)])
        }
        "Decrypt" => {
            let key = aes().await;
            Sample::new(&[&key], [("CiphertextBlob", &blob(kms, &key, secret).await)])
        }
        "ReEncrypt" => {
            let (from, to) = (aes().await, aes().await);
            let blob = blob(kms, &from, secret).await;
            Sample::new(&[&from, &to], [("CiphertextBlob", &blob), ("DestinationKeyId", &to)])
        }
        "ExportDataKey" => {
            let key = aes().await;
            let (blob, public) = (blob(kms, &key, secret).await, public());
            let wrapping = [("WrappingKeySpec", "EC_SM2"), ("WrappingAlgorithm", "SM2PKE")];
            let [spec, algorithm] = wrapping;
            Sample::new(&[&key], [("CiphertextBlob", &blob), ("PublicKeyBlob", &public), spec, algorithm])
        }
        "GenerateAndExportDataKey" => {
            let (key, public) = (aes().await, public());
            let wrapping = [("WrappingKeySpec", "EC_SM2"), ("WrappingAlgorithm", "SM2PKE")];
            let [spec, algorithm] = wrapping;
            Sample::new(&[&key], [("KeyId", &key), ("PublicKeyBlob", &public), spec, algorithm])
        }
        "GetPublicKey" | "AsymmetricSign" | "AsymmetricVerify" => {
            let key = key("EC_P256").await;
            let version = first_version(kms, &key).await;
            let named = [("KeyId", key.as_str()), ("KeyVersionId", version.as_str())];
            let [id, version] = named;
            let signed = [("Algorithm", "ECDSA_SHA_256"), ("Digest", secret)];
            let [algorithm, digest] = signed;
            match operation {
                "GetPublicKey" => Sample::new(&[&key], named),
                "AsymmetricSign" => Sample::new(&[&key], [id, version, algorithm, digest]),
                _ => Sample::new(&[&key], [id, version, algorithm, digest, ("Value", "AAAA")]),
            }
        }
        "AsymmetricEncrypt" | "AsymmetricDecrypt" => {
            let key = cipher("EC_P256").await;
            let version = first_version(kms, &key).await;
            let [id, version, algorithm] =
                [("KeyId", key.as_str()), ("KeyVersionId", version.as_str()), ("Algorithm", "ECIES_DH_SHA_1_XOR_HMAC")];
            let encrypt = Sample::new(&[&key], [id, version, algorithm, ("Plaintext", secret)]);
            if operation == "AsymmetricEncrypt" {
                return encrypt;
            }
            let blob = text(&kms.call("AsymmetricEncrypt", &encrypt.params()).await.unwrap(), "CiphertextBlob");
            Sample::new(&[&key], [id, version, algorithm, ("CiphertextBlob", &blob)])
        }
        "GenerateMac" | "VerifyMac" => {
            let key = key("HMAC_SHA_256").await;
            let [id, algorithm, message] =
                [("KeyId", key.as_str()), ("Algorithm", "HMAC_SHA_256"), ("Message", secret)];
            match operation {
                "GenerateMac" => Sample::new(&[&key], [id, algorithm, message]),
                _ => Sample::new(&[&key], [id, algorithm, message, ("Mac", "AAAA")]),
            }
        }
        "CreateAlias" => {
            let key = aes().await;
            let name = format!("alias/{}", key.replace('-', "_"));
            Sample::new(&[&key], [("AliasName", &name), ("KeyId", &key)])
        }
        "UpdateAlias" => {
            let (from, to) = (aes().await, aes().await);
            Sample::new(&[&to], [("AliasName", &alias(kms, &from).await), ("KeyId", &to)])
        }
        "DeleteAlias" => {
            let key = aes().await;
            Sample::new(&[&key], [("AliasName", &alias(kms, &key).await)])
        }
        "TagResource" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#)])
        }
        "UntagResource" => {
            let key = aes().await;
            Sample::new(&[&key], [("KeyId", &key), ("TagKeys", r#"["k"]"#)])
        }
        "TagResources" | "UntagResources" | "ListTagResources" => {
            let key = aes().await;
            let [region, kind, id] =
                [("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("ResourceId.1", key.as_str())];
            match operation {
                "TagResources" => Sample::new(&[&key], [region, kind, id, ("Tag.1.Key", "k"), ("Tag.1.Value", "v")]),
                "UntagResources" => Sample::new(&[&key], [region, kind, id, ("TagKey.1", "k")]),
                _ => Sample::new(&[&key], [region, kind, id]),
            }
        }
        "SetKeyPolicy" | "GetKeyPolicy" => {
            let key = aes().await;
            let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:*"],"Resource":["*"],
                "Principal":{"RAM":["acs:ram::1234567890123456:*"]}}]}"#;
            let set = Sample::new(&[&key], [("KeyId", &key), ("Policy", policy)]);
            if operation == "SetKeyPolicy" {
                return set;
            }
            kms.call("SetKeyPolicy", &set.params()).await.unwrap();
            Sample::new(&[&key], [("KeyId", &key)])
        }
        "GetParametersForImport" | "ImportKeyMaterial" | "DeleteKeyMaterial" => {
            let key = kms.key(&[("Origin", "EXTERNAL")]).await;
            let parameters =
                Sample::new(&[&key], [("KeyId", &key), ("WrappingAlgorithm", "SM2PKE"), ("WrappingKeySpec", "EC_SM2")]);
            match operation {
                "GetParametersForImport" => return parameters,
                "DeleteKeyMaterial" => return Sample::new(&[&key], [("KeyId", &key)]),
                _ => {}
            }
            let answer = kms.call("GetParametersForImport", &parameters.params()).await.unwrap();
            let public = PublicKey::from_spki_der(&STANDARD.decode(text(&answer, "PublicKey")).unwrap()).unwrap();
            let wrapped = STANDARD.encode(public.encrypt(EncryptionAlgorithm::Sm2Pke, canary).unwrap());
            let token = text(&answer, "ImportToken");
            Sample::new(&[&key], [("KeyId", &key), ("EncryptedKeyMaterial", &wrapped), ("ImportToken", &token)])
        }
        "GetCallerIdentity" => Sample::default(),
        // These two succeed for a user and for the holder of a token; see tests/sts.rs.
        "AssumeRole" | "AssumeRoleWithOIDC" => {
            let [role, name] = [("RoleArn", "acs:ram::1234567890123456:role/app"), ("RoleSessionName", "me")];
            if operation == "AssumeRole" {
                return Sample::new(&[], [role, name]);
            }
            let provider = ("OIDCProviderArn", "acs:ram::1234567890123456:oidc-provider/k8s");
            Sample::new(&[], [role, name, provider, ("OIDCToken", secret)])
        }
        name if name.contains("Certificate") => certificate(kms, name, secret).await,
        other => panic!("tests/world has no sample of {other} yet: give it one, and a row in tests/matrix.rs"),
    }
}
