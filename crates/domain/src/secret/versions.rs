//! Versions and stage labels: the algorithm of the secrets reference, section 7, as pure functions.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::DataType;
use crate::{InvalidId, Timestamp};

/// Most versions of a generic secret; the oldest one without a label makes room.
pub const MAX_VERSIONS: usize = 10;
/// Most labels on all versions of a secret together.
pub const MAX_LABELS: usize = 8;

const VERSION_CHARS: usize = 64;
const LABEL_CHARS: usize = 64;

/// The id of a version, unique in its secret: 1 to 64 printable characters without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretVersionId(Box<str>);

/// A stage label: `ACSCurrent`, `ACSPrevious`, or a custom one of 1 to 64 printable characters without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageLabel(Box<str>);

macro_rules! text {
    ($name:ident, $max:expr) => {
        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let printable = |c: char| !c.is_whitespace() && !c.is_control();
                if !text.is_empty() && text.chars().count() <= $max && text.chars().all(printable) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId)
                }
            }
        }

        crate::shown::shown!($name);
    };
}

text!(SecretVersionId, VERSION_CHARS);
text!(StageLabel, LABEL_CHARS);

const CURRENT: &str = "ACSCurrent";

impl Borrow<str> for StageLabel {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl StageLabel {
    /// `ACSCurrent`: on exactly one version, always.
    pub fn current() -> Self {
        Self(CURRENT.into())
    }

    /// `ACSPrevious`: on the version that was current before.
    pub fn previous() -> Self {
        Self("ACSPrevious".into())
    }

    /// Whether this is `ACSCurrent` or `ACSPrevious`.
    pub fn is_built_in(&self) -> bool {
        matches!(&*self.0, CURRENT | "ACSPrevious")
    }
}

/// A version, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    /// The id.
    pub id: SecretVersionId,
    /// Counts the versions of a secret in the order they were made; never used again, unlike an id.
    pub number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its value is.
    pub data_type: DataType,
}

/// Which versions stay when a new one comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The newest ten, and those with a label: a generic secret.
    Newest,
    /// Those with a label: a managed secret.
    Labelled,
}

/// Why labels cannot be set so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageRefusal {
    /// A version that the caller names does not exist.
    #[error("there is no such version")]
    NoSuchVersion,
    /// `RemoveFromVersion` does not carry the label.
    #[error("the version does not carry the label")]
    WrongHolder,
    /// `ACSCurrent` and `ACSPrevious` can be moved, not removed.
    #[error("ACSCurrent and ACSPrevious can be moved to another version, but not removed")]
    BuiltIn,
    /// More labels than a secret can have.
    #[error("a secret can have 8 stage labels at most")]
    TooManyLabels,
}

/// Why no version was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectRefusal {
    /// There is no such version, or no version carries the label.
    #[error("there is no such version")]
    NotFound,
    /// The version exists, but does not carry the label.
    #[error("the version does not carry the label")]
    Mismatch,
}

/// The versions of a secret, the oldest first, and what their labels point at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    list: Vec<SecretVersion>,
    stages: BTreeMap<StageLabel, SecretVersionId>,
}

impl Versions {
    /// From storage; versions in any order.
    pub fn new(mut list: Vec<SecretVersion>, stages: BTreeMap<StageLabel, SecretVersionId>) -> Self {
        list.sort_by_key(|version| version.number);
        Self { list, stages }
    }

    /// The versions, the oldest first.
    pub fn list(&self) -> &[SecretVersion] {
        &self.list
    }

    /// The labels, with the version that each one marks.
    pub fn stages(&self) -> &BTreeMap<StageLabel, SecretVersionId> {
        &self.stages
    }

    /// A version by its id.
    pub fn get(&self, id: &SecretVersionId) -> Option<&SecretVersion> {
        self.list.iter().find(|version| version.id == *id)
    }

    /// A version by its number.
    pub fn numbered(&self, number: i64) -> Option<&SecretVersion> {
        self.list.iter().find(|version| version.number == number)
    }

    /// The version that a label marks.
    pub fn marked(&self, label: &StageLabel) -> Option<&SecretVersion> {
        self.stages.get(label).and_then(|id| self.get(id))
    }

    /// The labels of a version.
    pub fn labels_of<'v>(&'v self, id: &'v SecretVersionId) -> impl Iterator<Item = &'v StageLabel> {
        self.stages.iter().filter(move |(_, holder)| *holder == id).map(|(label, _)| label)
    }

    /// The number of the next version.
    pub fn next_number(&self) -> i64 {
        self.list.last().map_or(1, |version| version.number + 1)
    }

    /// The version that GetSecretValue reads: by id, by label, by both when they agree, and the current one by default.
    ///
    /// # Errors
    /// [`SelectRefusal`].
    pub fn select(
        &self,
        id: Option<&SecretVersionId>,
        label: Option<&StageLabel>,
    ) -> Result<&SecretVersion, SelectRefusal> {
        let Some(id) = id else {
            let marked = self.stages.get(label.map_or(CURRENT, StageLabel::as_str));
            return marked.and_then(|id| self.get(id)).ok_or(SelectRefusal::NotFound);
        };
        let version = self.get(id).ok_or(SelectRefusal::NotFound)?;
        match label {
            Some(label) if self.stages.get(label) != Some(id) => Err(SelectRefusal::Mismatch),
            _ => Ok(version),
        }
    }

    /// Adds a version with labels (none means `ACSCurrent`) and answers the versions that made room for it. The caller
    /// has made sure that the id is not taken.
    ///
    /// # Errors
    /// [`StageRefusal::TooManyLabels`]; nothing is changed then.
    pub fn put(
        &mut self,
        new: SecretVersion,
        labels: &BTreeSet<StageLabel>,
        keep: Keep,
    ) -> Result<Vec<SecretVersion>, StageRefusal> {
        let (current, previous) = (StageLabel::current(), StageLabel::previous());
        let mut stages = self.stages.clone();
        let becomes_current = labels.is_empty() || labels.contains(&current);
        if becomes_current && let Some(replaced) = stages.insert(current.clone(), new.id.clone()) {
            stages.insert(previous, replaced);
        }
        for label in labels.iter().filter(|label| **label != current) {
            stages.insert(label.clone(), new.id.clone());
        }
        if stages.len() > MAX_LABELS {
            return Err(StageRefusal::TooManyLabels);
        }
        self.stages = stages;
        self.list.push(new);
        self.list.sort_by_key(|version| version.number);
        Ok(self.evict(keep))
    }

    /// Takes away the label `ACSPrevious`, and answers the versions that have no label any more: of a managed secret, whose
    /// previous credential has ceased to work.
    pub fn retire_previous(&mut self) -> Vec<SecretVersion> {
        self.stages.remove(&StageLabel::previous());
        self.evict(Keep::Labelled)
    }

    fn evict(&mut self, keep: Keep) -> Vec<SecretVersion> {
        let mut surplus = match keep {
            Keep::Newest => self.list.len().saturating_sub(MAX_VERSIONS),
            Keep::Labelled => self.list.len(),
        };
        let marked: BTreeSet<_> = self.stages.values().cloned().collect();
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for version in std::mem::take(&mut self.list) {
            if surplus > 0 && !marked.contains(&version.id) {
                surplus -= 1;
                go.push(version);
            } else {
                stay.push(version);
            }
        }
        self.list = stay;
        go
    }

    /// Puts a label on `to`, takes it from `from`, or moves it. A version that stops being current becomes the
    /// previous one. At least one of the two is given.
    ///
    /// # Errors
    /// [`StageRefusal`]; nothing is changed then.
    pub fn move_stage(
        &mut self,
        label: &StageLabel,
        to: Option<&SecretVersionId>,
        from: Option<&SecretVersionId>,
    ) -> Result<(), StageRefusal> {
        if [to, from].into_iter().flatten().any(|id| self.get(id).is_none()) {
            return Err(StageRefusal::NoSuchVersion);
        }
        let holder = self.stages.get(label).cloned();
        if from.is_some_and(|from| holder.as_ref() != Some(from)) {
            return Err(StageRefusal::WrongHolder);
        }
        let Some(to) = to else {
            if label.is_built_in() {
                return Err(StageRefusal::BuiltIn);
            }
            self.stages.remove(label);
            return Ok(());
        };
        if holder.as_ref() == Some(to) {
            return Ok(());
        }
        if holder.is_none() && self.stages.len() >= MAX_LABELS {
            return Err(StageRefusal::TooManyLabels);
        }
        self.stages.insert(label.clone(), to.clone());
        if *label == StageLabel::current()
            && let Some(replaced) = holder
        {
            self.stages.insert(StageLabel::previous(), replaced);
            if self.stages.len() > MAX_LABELS {
                // The label of the version before would be one too many: undo.
                if let Some(replaced) = self.stages.remove(&StageLabel::previous()) {
                    self.stages.insert(label.clone(), replaced);
                }
                return Err(StageRefusal::TooManyLabels);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> SecretVersionId {
        text.parse().unwrap()
    }

    fn label(text: &str) -> StageLabel {
        text.parse().unwrap()
    }

    fn labels(names: &[&str]) -> BTreeSet<StageLabel> {
        names.iter().map(|name| label(name)).collect()
    }

    fn put(versions: &mut Versions, name: &str, names: &[&str]) -> Result<Vec<String>, StageRefusal> {
        let number = versions.next_number();
        let new = SecretVersion { id: id(name), number, created_at: Timestamp::default(), data_type: DataType::Text };
        let gone = versions.put(new, &labels(names), Keep::Newest)?;
        Ok(gone.into_iter().map(|version| version.id.to_string()).collect())
    }

    fn shown(versions: &Versions) -> String {
        versions.stages().iter().map(|(label, id)| format!("{label}={id}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_new_version_becomes_current_and_the_old_one_previous() {
        let mut versions = Versions::default();
        put(&mut versions, "1", &[]).unwrap();
        assert_eq!(shown(&versions), "ACSCurrent=1");
        put(&mut versions, "2", &["ACSCurrent", "x"]).unwrap();
        assert_eq!(shown(&versions), "ACSCurrent=2 ACSPrevious=1 x=2");
        put(&mut versions, "3", &["x"]).unwrap();
        assert_eq!(shown(&versions), "ACSCurrent=2 ACSPrevious=1 x=3");
        put(&mut versions, "4", &["ACSPrevious"]).unwrap();
        assert_eq!(shown(&versions), "ACSCurrent=2 ACSPrevious=4 x=3");
        put(&mut versions, "5", &["ACSCurrent", "ACSPrevious"]).unwrap();
        assert_eq!(shown(&versions), "ACSCurrent=5 ACSPrevious=5 x=3");
    }

    #[test]
    fn the_eleventh_version_takes_the_place_of_the_oldest_without_a_label() {
        let mut versions = Versions::default();
        put(&mut versions, "1", &["ACSCurrent", "keep"]).unwrap();
        for number in 2..=10 {
            assert_eq!(put(&mut versions, &number.to_string(), &[]).unwrap(), Vec::<String>::new());
        }
        assert_eq!(put(&mut versions, "11", &[]).unwrap(), ["2"]);
        assert_eq!(versions.list().len(), 10);
        assert!(versions.get(&id("1")).is_some());
    }

    #[test]
    fn a_ninth_label_is_refused_and_changes_nothing() {
        let mut versions = Versions::default();
        put(&mut versions, "1", &["ACSCurrent", "a", "b", "c", "d", "e", "f"]).unwrap();
        let before = versions.clone();
        assert_eq!(put(&mut versions, "2", &["ACSCurrent", "g"]), Err(StageRefusal::TooManyLabels));
        assert_eq!(versions, before);
        put(&mut versions, "2", &["g"]).unwrap();
        let before = versions.clone();
        assert_eq!(versions.move_stage(&label("h"), Some(&id("2")), None), Err(StageRefusal::TooManyLabels));
        assert_eq!(
            versions.move_stage(&StageLabel::current(), Some(&id("2")), None),
            Err(StageRefusal::TooManyLabels),
            "ACSPrevious would be the ninth"
        );
        assert_eq!(versions, before);
    }

    #[test]
    fn labels_are_added_moved_and_removed() {
        let mut versions = Versions::default();
        put(&mut versions, "1", &[]).unwrap();
        put(&mut versions, "2", &[]).unwrap();
        put(&mut versions, "3", &["x"]).unwrap();
        let (one, two, three) = (id("1"), id("2"), id("3"));
        let mut moved = |name: &str, to: Option<&SecretVersionId>, from: Option<&SecretVersionId>| {
            versions.move_stage(&label(name), to, from).map(|()| shown(&versions))
        };
        assert_eq!(moved("ACSCurrent", Some(&three), None).unwrap(), "ACSCurrent=3 ACSPrevious=2 x=3");
        assert_eq!(moved("ACSCurrent", Some(&two), Some(&three)).unwrap(), "ACSCurrent=2 ACSPrevious=3 x=3");
        assert_eq!(moved("x", Some(&one), Some(&three)).unwrap(), "ACSCurrent=2 ACSPrevious=3 x=1");
        assert_eq!(moved("x", Some(&one), None).unwrap(), "ACSCurrent=2 ACSPrevious=3 x=1");
        assert_eq!(moved("y", Some(&one), None).unwrap(), "ACSCurrent=2 ACSPrevious=3 x=1 y=1");
        assert_eq!(moved("y", None, Some(&one)).unwrap(), "ACSCurrent=2 ACSPrevious=3 x=1");
        assert_eq!(moved("ACSPrevious", Some(&one), None).unwrap(), "ACSCurrent=2 ACSPrevious=1 x=1");
        assert_eq!(moved("x", None, Some(&two)), Err(StageRefusal::WrongHolder));
        assert_eq!(moved("z", None, Some(&two)), Err(StageRefusal::WrongHolder));
        assert_eq!(moved("ACSCurrent", None, Some(&two)), Err(StageRefusal::BuiltIn));
        assert_eq!(moved("x", Some(&id("9")), None), Err(StageRefusal::NoSuchVersion));
        assert_eq!(moved("x", Some(&one), Some(&id("9"))), Err(StageRefusal::NoSuchVersion));
    }

    #[test]
    fn a_version_is_selected_by_id_and_label() {
        let mut versions = Versions::default();
        put(&mut versions, "1", &[]).unwrap();
        put(&mut versions, "2", &[]).unwrap();
        let of = |id: Option<&str>, name: Option<&str>| {
            let (id, name) = (id.map(self::id), name.map(label));
            versions.select(id.as_ref(), name.as_ref()).map(|version| version.id.to_string())
        };
        assert_eq!(of(None, None).unwrap(), "2");
        assert_eq!(of(None, Some("ACSPrevious")).unwrap(), "1");
        assert_eq!(of(Some("1"), None).unwrap(), "1");
        assert_eq!(of(Some("1"), Some("ACSPrevious")).unwrap(), "1");
        assert_eq!(of(Some("1"), Some("ACSCurrent")), Err(SelectRefusal::Mismatch));
        assert_eq!(of(None, Some("x")), Err(SelectRefusal::NotFound));
        assert_eq!(of(Some("3"), Some("ACSCurrent")), Err(SelectRefusal::NotFound));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(Vec<usize>),
        Move(usize, Option<usize>, Option<usize>),
    }

    const NAMES: [&str; 10] = ["ACSCurrent", "ACSPrevious", "a", "b", "c", "d", "e", "f", "g", "h"];

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            proptest::collection::vec(0..NAMES.len(), 0..4).prop_map(Step::Put),
            (0..NAMES.len(), proptest::option::of(0..14_usize), proptest::option::of(0..14_usize))
                .prop_map(|(label, to, from)| Step::Move(label, to, from)),
        ]
    }

    proptest! {
        /// The invariants of the secrets reference, 7.1, after any sequence of calls.
        #[test]
        fn the_invariants_hold(steps in proptest::collection::vec(step(), 1..60), managed: bool) {
            let keep = if managed { Keep::Labelled } else { Keep::Newest };
            let mut versions = Versions::default();
            put(&mut versions, "v0", &[]).unwrap();
            for (at, step) in steps.into_iter().enumerate() {
                let before = versions.clone();
                let refused = match step {
                    Step::Put(names) => {
                        let names: BTreeSet<_> = names.into_iter().map(|at| label(NAMES[at])).collect();
                        let new = SecretVersion {
                            id: id(&format!("n{at}")),
                            number: versions.next_number(),
                            created_at: Timestamp::default(),
                            data_type: DataType::Text,
                        };
                        let current = versions.marked(&StageLabel::current()).unwrap().id.clone();
                        let becomes = names.is_empty() || names.contains(&StageLabel::current());
                        let put = versions.put(new, &names, keep);
                        if put.is_ok() && becomes && !names.contains(&StageLabel::previous()) {
                            prop_assert_eq!(&versions.marked(&StageLabel::previous()).unwrap().id, &current);
                        }
                        put.is_err()
                    }
                    Step::Move(name, to, from) => {
                        let pick = |at: usize| versions.list().get(at).map_or_else(|| id("none"), |v| v.id.clone());
                        let (to, from) = (to.map(pick), from.map(pick));
                        versions.move_stage(&label(NAMES[name]), to.as_ref(), from.as_ref()).is_err()
                    }
                };
                if refused {
                    prop_assert_eq!(&versions, &before);
                }
                prop_assert!(versions.marked(&StageLabel::current()).is_some());
                prop_assert!(versions.stages().len() <= MAX_LABELS);
                prop_assert!(versions.stages().values().all(|holder| versions.get(holder).is_some()));
                prop_assert!(versions.list().len() <= MAX_VERSIONS);
                prop_assert!(versions.list().is_sorted_by(|a, b| a.number < b.number));
            }
        }
    }
}
