//! Arguments and rows in the few types that both engines share: TEXT, BIGINT and BLOB (BYTEA).
//!
//! No column is ever NULL: the empty text, 0 and the empty blob say "none".

use sesame_domain::ram::{GroupName, IdentityId, OidcProviderName, PolicyName, PolicyVersionId, RoleName, UserName};
use sesame_domain::secret::{SecretId, SecretName, SecretVersionId, StageLabel};
use sesame_domain::{AccountId, AccountName, AliasName, KeyId, KeyVersionId, Timestamp};
use sqlx::Row as _;
use sqlx::any::{AnyArguments, AnyRow};

use crate::StoreError;

/// The bound values of one statement, in the order of their `$n`.
#[derive(Default)]
pub(crate) struct Args(AnyArguments, usize);

impl Args {
    pub(crate) fn into_values(self) -> AnyArguments {
        self.0
    }

    /// Binds a value.
    pub(crate) fn with(mut self, value: impl Arg) -> Self {
        self.push(value);
        self
    }

    /// Binds a value and returns its number.
    pub(crate) fn push(&mut self, value: impl Arg) -> usize {
        value.add_to(&mut self.0);
        self.1 += 1;
        self.1
    }
}

/// `args![a, b]`: the arguments `$1` and `$2`.
macro_rules! args {
    ($($value:expr),* $(,)?) => {{
        let list = $crate::sql::Args::default();
        $(let list = list.with($value);)*
        list
    }};
}
pub(crate) use args;

/// A value that can be bound.
pub(crate) trait Arg {
    fn add_to(self, list: &mut AnyArguments);
}

fn add<T>(list: &mut AnyArguments, value: T)
where
    T: for<'q> sqlx::Encode<'q, sqlx::Any> + sqlx::Type<sqlx::Any>,
{
    // INVARIANT: the encodings of the Any driver for these types only push onto a vector.
    let _ = sqlx::Arguments::add(list, value);
}

impl Arg for &str {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self.to_owned());
    }
}

impl Arg for &&str {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, (*self).to_owned());
    }
}

impl Arg for &String {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self.clone());
    }
}

impl Arg for String {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self);
    }
}

impl Arg for i64 {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self);
    }
}

impl Arg for bool {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, i64::from(self));
    }
}

impl Arg for Vec<u8> {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self);
    }
}

impl Arg for Timestamp {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self.millis());
    }
}

impl Arg for Option<Timestamp> {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self.map_or(0, Timestamp::millis));
    }
}

impl Arg for PolicyVersionId {
    fn add_to(self, list: &mut AnyArguments) {
        add(list, self.number());
    }
}

macro_rules! text_args {
    ($($name:ty),+) => {$(
        impl Arg for &$name {
            fn add_to(self, list: &mut AnyArguments) {
                add(list, self.as_str().to_owned());
            }
        }
    )+};
}

text_args!(AccountId, AccountName, AliasName, KeyId, KeyVersionId, SecretId, SecretName, SecretVersionId, StageLabel);
text_args!(IdentityId, UserName, GroupName, RoleName, PolicyName, OidcProviderName);

/// Typed reading of a column by position.
pub(crate) trait Columns {
    fn text(&self, column: usize) -> Result<String, StoreError>;
    fn int(&self, column: usize) -> Result<i64, StoreError>;
    fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError>;

    /// A text that is a value of a domain type; `what` names it when it is not.
    fn parsed<T: std::str::FromStr>(&self, column: usize, what: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| StoreError::Corrupt(what))
    }

    fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_millis)
    }

    fn optional_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        self.int(column).map(|millis| (millis != 0).then(|| Timestamp::from_millis(millis)))
    }

    fn flag(&self, column: usize) -> Result<bool, StoreError> {
        self.int(column).map(|value| value != 0)
    }
}

impl Columns for AnyRow {
    fn text(&self, column: usize) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn int(&self, column: usize) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        Ok(self.try_get(column)?)
    }
}
