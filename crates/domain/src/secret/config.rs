//! `ExtendedConfig` of managed secrets (secrets reference, 6.1).

use serde_json::{Map, Value};

use super::{CONFIG_CHARS, CUSTOM_DATA_PAIRS, SecretType};

/// Why a text is not the extended configuration of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Not a JSON object.
    #[error("it must be a JSON object")]
    NotAnObject,
    /// Too long.
    #[error("it may have {CONFIG_CHARS} characters at most")]
    TooLong,
    /// A member is missing, or not a text.
    #[error("it needs the text {0}")]
    Missing(&'static str),
    /// A member has a value that the type does not allow.
    #[error("{0} must be {1}")]
    Unsuitable(&'static str, String),
    /// The custom data are not pairs of texts, or too many.
    #[error("CustomData must be a JSON object of texts with 10 members at most")]
    CustomData,
}

/// The extended configuration of a managed secret, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedConfig {
    kind: SecretType,
    members: Map<String, Value>,
}

impl ManagedConfig {
    /// Reads and checks the configuration of a new secret.
    ///
    /// # Errors
    /// [`InvalidConfig`].
    pub fn parse(kind: SecretType, text: &str) -> Result<Self, InvalidConfig> {
        if text.chars().count() > CONFIG_CHARS {
            return Err(InvalidConfig::TooLong);
        }
        let mut members: Map<String, Value> = serde_json::from_str(text).map_err(|_| InvalidConfig::NotAnObject)?;
        match members.get("CustomData") {
            Some(Value::Object(data)) => checked_custom_data(data)?,
            None | Some(Value::Null) => _ = members.insert("CustomData".to_owned(), Value::Object(Map::new())),
            Some(_) => return Err(InvalidConfig::CustomData),
        }
        let config = Self { kind, members };
        let (sub_types, needed): (&[&str], &[&'static str]) = match kind {
            SecretType::Generic => (&[], &[]),
            SecretType::Rds => (&["SingleUser", "DoubleUsers"], &["DBInstanceId"]),
            SecretType::Redis => {
                (&["DoubleUsers"], &["InstanceId", "RegionId", "AccountName", "CloneAccountName", "AccountPrivilege"])
            }
            SecretType::PolarDb => {
                (&["DoubleUsers"], &["RegionId", "DBClusterId", "DBType", "AccountName", "CloneAccountName"])
            }
            SecretType::RamCredentials => (&["RamUserAccessKey"], &["UserName"]),
            SecretType::Ecs => (&["Password", "SSHKey"], &["RegionId", "InstanceId"]),
        };
        config.one_of("SecretSubType", sub_types)?;
        for name in needed {
            config.text(name).ok_or(InvalidConfig::Missing(name))?;
        }
        if kind == SecretType::PolarDb {
            config.one_of("DBType", &["MySQL", "PostgreSQL"])?;
        }
        if let Some((account, clone)) = config.accounts()
            && clone.strip_suffix("_clone") != Some(account)
        {
            return Err(InvalidConfig::Unsuitable("CloneAccountName", format!("{account}_clone")));
        }
        Ok(config)
    }

    /// The same with other custom data.
    ///
    /// # Errors
    /// [`InvalidConfig::TooLong`], [`InvalidConfig::CustomData`].
    pub fn with_custom_data(mut self, data: Map<String, Value>) -> Result<Self, InvalidConfig> {
        checked_custom_data(&data)?;
        self.members.insert("CustomData".to_owned(), Value::Object(data));
        if self.to_text().chars().count() > CONFIG_CHARS { Err(InvalidConfig::TooLong) } else { Ok(self) }
    }

    /// The configuration as JSON text.
    pub fn to_text(&self) -> String {
        Value::Object(self.members.clone()).to_string()
    }

    /// A member that is a text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// `SecretSubType`.
    pub fn sub_type(&self) -> &str {
        self.text("SecretSubType").unwrap_or_default()
    }

    /// What the credential opens: the id of an RDS, Redis or ECS instance or of a PolarDB cluster, or the name of a
    /// RAM user.
    pub fn target(&self) -> &str {
        let name = match self.kind {
            SecretType::Generic => return "",
            SecretType::Rds => "DBInstanceId",
            SecretType::Redis | SecretType::Ecs => "InstanceId",
            SecretType::PolarDb => "DBClusterId",
            SecretType::RamCredentials => "UserName",
        };
        self.text(name).unwrap_or_default()
    }

    /// The two accounts of a Redis or PolarDB secret.
    pub fn accounts(&self) -> Option<(&str, &str)> {
        self.text("AccountName").zip(self.text("CloneAccountName"))
    }

    fn one_of(&self, name: &'static str, values: &[&str]) -> Result<(), InvalidConfig> {
        match self.text(name) {
            _ if values.is_empty() => Ok(()),
            None => Err(InvalidConfig::Missing(name)),
            Some(value) if values.contains(&value) => Ok(()),
            Some(_) => Err(InvalidConfig::Unsuitable(name, values.join(" or "))),
        }
    }
}

/// Reads custom data: a JSON object of texts.
///
/// # Errors
/// [`InvalidConfig::CustomData`].
pub fn custom_data(text: &str) -> Result<Map<String, Value>, InvalidConfig> {
    let data = serde_json::from_str(text).map_err(|_| InvalidConfig::CustomData)?;
    checked_custom_data(&data)?;
    Ok(data)
}

fn checked_custom_data(data: &Map<String, Value>) -> Result<(), InvalidConfig> {
    let right = data.len() <= CUSTOM_DATA_PAIRS && data.values().all(Value::is_string);
    if right { Ok(()) } else { Err(InvalidConfig::CustomData) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RDS: &str = r#"{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1","CustomData":{"Port":"3306"}}"#;

    #[test]
    fn each_type_has_its_members() {
        let redis = r#"{"SecretSubType":"DoubleUsers","InstanceId":"r-1","RegionId":"cn-hangzhou","AccountName":"u",
            "CloneAccountName":"u_clone","AccountPrivilege":"RoleReadWrite"}"#;
        let polar = r#"{"SecretSubType":"DoubleUsers","RegionId":"cn-hangzhou","DBClusterId":"pc-1","DBType":"MySQL",
            "AccountName":"u","CloneAccountName":"u_clone"}"#;
        for (kind, text, target) in [
            (SecretType::Rds, RDS, "rm-1"),
            (SecretType::Redis, redis, "r-1"),
            (SecretType::PolarDb, polar, "pc-1"),
            (SecretType::RamCredentials, r#"{"SecretSubType":"RamUserAccessKey","UserName":"bob"}"#, "bob"),
            (SecretType::Ecs, r#"{"SecretSubType":"SSHKey","RegionId":"cn","InstanceId":"i-1","CommandId":""}"#, "i-1"),
        ] {
            assert_eq!(ManagedConfig::parse(kind, text).unwrap().target(), target, "{kind}");
        }
    }

    #[test]
    fn what_does_not_fit_the_type_is_named() {
        let refusal = |kind, text: &str| ManagedConfig::parse(kind, text).unwrap_err().to_string();
        assert_eq!(refusal(SecretType::Rds, "[]"), "it must be a JSON object");
        assert_eq!(refusal(SecretType::Rds, "{}"), "it needs the text SecretSubType");
        assert_eq!(refusal(SecretType::Rds, r#"{"SecretSubType":"SingleUser"}"#), "it needs the text DBInstanceId");
        let dual = r#"{"SecretSubType":"DualUser","DBInstanceId":"x"}"#;
        assert_eq!(refusal(SecretType::Rds, dual), "SecretSubType must be SingleUser or DoubleUsers");
        let long = RDS.replace("rm-1", &"x".repeat(1_024));
        assert_eq!(refusal(SecretType::Rds, &long), "it may have 1024 characters at most");
        assert!(refusal(SecretType::Rds, &RDS.replace("\"3306\"", "3306")).starts_with("CustomData"));
    }

    #[test]
    fn custom_data_are_replaced_as_a_whole() {
        let config = ManagedConfig::parse(SecretType::Rds, RDS).unwrap();
        let data = custom_data(r#"{"DBName":"app1"}"#).unwrap();
        let text = config.clone().with_custom_data(data).unwrap().to_text();
        assert!(text.contains(r#""CustomData":{"DBName":"app1"}"#), "{text}");
        let many = (0..11).map(|at| (at.to_string(), Value::from("x"))).collect();
        assert_eq!(config.clone().with_custom_data(many), Err(InvalidConfig::CustomData));
        let long = [("x".to_owned(), Value::from("y".repeat(1_000)))].into_iter().collect();
        assert_eq!(config.with_custom_data(long), Err(InvalidConfig::TooLong));
    }
}
