//! Every registered operation has exactly the parameters of the API's catalogue, and what is missing is on a list that
//! only gets shorter.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sesame_service::params::Kind;
use sesame_service::registry::{ENTRIES, Product};

/// The metadata of RAM marks nothing as required.
const NEEDED: &str = "without it there is nothing to act on";

/// Where we differ from the catalogue on purpose: operation (or `*`), parameter, what differs, why.
const DEVIATIONS: &[(&str, &str, &str, &str)] = &[
    ("*", "GroupName", "required", NEEDED),
    ("*", "NewPassword", "required", NEEDED),
    ("*", "OldPassword", "required", NEEDED),
    ("CreateLoginProfile", "Password", "required", NEEDED),
    ("*", "Status", "required", NEEDED),
    ("*", "UserAccessKeyId", "required", NEEDED),
    ("*", "UserName", "required", NEEDED),
    ("*", "FetchTags", "kind", "declared as text, but its values are true and false"),
    ("BatchGetSecretValue", "SecretsList", "kind", "a list of objects, sent as one JSON text"),
    ("BatchGetSecretValue", "SecretsList", "required", "without it there is nothing to read"),
    ("DeleteSecret", "ForceDeleteWithoutRecovery", "kind", "declared as text, but its values are true and false"),
    ("DeleteSecret", "RecoveryWindowInDays", "kind", "declared as text, but it is a number"),
    ("GetRandomPassword", "PasswordLength", "kind", "declared as text, but it is a number"),
    ("GetRandomPassword", "ExcludeLowercase", "kind", "declared as text, but its values are true and false"),
    ("GetRandomPassword", "ExcludeUppercase", "kind", "declared as text, but its values are true and false"),
    ("GetRandomPassword", "ExcludeNumbers", "kind", "declared as text, but its values are true and false"),
    ("GetRandomPassword", "ExcludePunctuation", "kind", "declared as text, but its values are true and false"),
    ("GetRandomPassword", "RequireEachIncludedType", "kind", "declared as text, but its values are true and false"),
    ("ListSecretVersionIds", "IncludeDeprecated", "kind", "declared as text, but its values are true and false"),
    ("UpdateSecret", "ExtendedConfig", "kind", "an object, read from one JSON text"),
    ("UpdateSecretRotationPolicy", "RotationInterval", "required", "needed only to switch on"),
    ("*", "DryRun", "kind", "declared as text, but its values are true and false"),
    ("CreateCertificate", "ExportablePrivateKey", "kind", "declared as text, but its values are true and false"),
    ("CreateKey", "DKMSInstanceId", "required", "keys outside instances are allowed, as older clients make them"),
    ("CreateKey", "RotationInterval", "required", "needed only with EnableAutomaticRotation"),
    ("ImportKeyMaterial", "KeyMaterialExpireUnix", "required", "the text of the page and older clients leave it out"),
    (
        "SetDeletionProtection",
        "EnableDeletionProtection",
        "required",
        "Terraform leaves it out to change the description",
    ),
    // The clients of RAM and IMS mark nothing as required; the pages of the operations do.
    ("DecodeDiagnosticMessage", "EncodedDiagnosticMessage", "required", "without it there is nothing to explain"),
    ("*", "PolicyName", "required", "names what the call is about"),
    ("*", "RoleName", "required", "names what the call is about"),
    ("*", "VersionId", "required", "names what the call is about"),
    ("*", "PolicyType", "required", "without it, a name may be that of two policies"),
    ("*", "PolicyDocument", "required", "there is no policy without one"),
    ("*", "AssumeRolePolicyDocument", "required", "there is no role without one"),
    ("UpdatePolicyDescription", "NewDescription", "required", "it is all that the call changes; it may be empty"),
    ("*", "OIDCProviderName", "required", "names what the call is about"),
    ("CreateOIDCProvider", "IssuerUrl", "required", "there is no provider without one"),
    ("*", "ClientId", "required", "it is what the call adds or removes"),
    ("*", "Fingerprint", "required", "it is what the call adds or removes"),
];

/// The catalogue of a product, and its operations that are not built yet.
fn catalogue(product: Product) -> (BTreeMap<String, Value>, &'static str) {
    let (catalogue, to_come) = match product {
        Product::Kms => (include_str!("../../../api/operations.json"), include_str!("../../../api/to-come.txt")),
        Product::Actiontrail => {
            (include_str!("../../../api/actiontrail.json"), include_str!("../../../api/actiontrail-to-come.txt"))
        }
        Product::Ram => (include_str!("../../../api/ram.json"), include_str!("../../../api/ram-to-come.txt")),
        Product::Sts => (include_str!("../../../api/sts.json"), include_str!("../../../api/sts-to-come.txt")),
        Product::Ims => (include_str!("../../../api/ims.json"), include_str!("../../../api/ims-to-come.txt")),
    };
    (serde_json::from_str(catalogue).unwrap(), to_come)
}

fn deviates(operation: &str, parameter: &str, what: &str) -> bool {
    DEVIATIONS.iter().any(|(o, p, w, _)| (*o == "*" || *o == operation) && *p == parameter && *w == what)
}

fn fits(kind: Kind, declared: &Value) -> bool {
    match (kind, declared.as_str()) {
        (Kind::Text | Kind::Base64 | Kind::Json, Some("string")) => true,
        (Kind::Json, Some("json-object" | "json-array")) => true,
        (Kind::Integer, Some("integer" | "long")) => true,
        (Kind::Boolean, Some("boolean")) => true,
        (Kind::List, None) => declared.pointer("/list").is_some_and(Value::is_string),
        (Kind::TagList, None) => declared.pointer("/list/object/Key").is_some(),
        _ => false,
    }
}

#[test]
fn every_registered_operation_has_the_parameters_of_the_catalogue() {
    let mut differences = Vec::new();
    for entry in ENTRIES {
        let (catalogue, _) = catalogue(entry.product);
        let declared = catalogue.get(entry.name).unwrap_or_else(|| panic!("{} is not in the catalogue", entry.name));
        let declared: BTreeMap<_, _> = declared["request"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| (parameter["name"].as_str().unwrap(), parameter))
            .collect();
        let ours: BTreeMap<_, _> = entry.parameters.iter().map(|spec| (spec.name, spec)).collect();
        for name in declared.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
            let at = format!("{}.{name}", entry.name);
            match (declared.get(name), ours.get(name)) {
                (Some(declared), Some(ours)) => {
                    if declared["required"].as_bool().is_some_and(|required| required != ours.required)
                        && !deviates(entry.name, name, "required")
                    {
                        differences.push(format!("{at}: required mark"));
                    }
                    if !fits(ours.kind, &declared["type"]) && !deviates(entry.name, name, "kind") {
                        differences.push(format!("{at}: {:?} is not {}", ours.kind, declared["type"]));
                    }
                }
                (Some(_), None) if !deviates(entry.name, name, "missing") => differences.push(format!("{at}: missing")),
                (None, Some(_)) => differences.push(format!("{at}: not in the catalogue")),
                _ => {}
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn the_list_of_operations_to_come_names_exactly_what_is_missing() {
    for product in Product::ALL {
        let (catalogue, to_come) = catalogue(*product);
        let registered: BTreeSet<_> =
            ENTRIES.iter().filter(|entry| entry.product == *product).map(|entry| entry.name.to_owned()).collect();
        let missing: BTreeSet<_> = catalogue.into_keys().filter(|name| !registered.contains(name)).collect();
        let listed: BTreeSet<_> =
            to_come.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect();
        assert_eq!(listed, missing, "{product:?}: take an operation off its list when it is built");
    }
}

#[test]
fn every_operation_and_every_parameter_is_described() {
    for entry in ENTRIES {
        assert!(entry.summary.ends_with('.'), "{}", entry.name);
        for parameter in entry.parameters {
            assert!(!parameter.summary.is_empty(), "{}.{}", entry.name, parameter.name);
        }
    }
}
