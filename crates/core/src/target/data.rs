//! Names and values that pass between phases and steps.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where in AWS: partition, account and region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// `aws`, `aws-cn`, `aws-us-gov` and others; the second part of every ARN there.
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// Region code, for example `eu-central-1`.
    pub region: String,
}

impl Place {
    /// A place.
    #[must_use]
    pub fn new(partition: impl Into<String>, account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { partition: partition.into(), account: account.into(), region: region.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.account, self.region)
    }
}

/// What is deployed to. Two targets with equal resources must not be deployed at once, unless they only read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// Where.
    pub place: Place,
    /// The kind of target, as [`crate::DeployTarget::kind`].
    pub kind: String,
    /// Names within the place, outermost first: cluster, service.
    pub names: Vec<String>,
    /// Whether it is only looked at. Any number of steps may do that at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Resource {
    /// A resource by its names, outermost first.
    #[must_use]
    pub fn new<S: Into<String>>(
        place: Place,
        kind: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self { place, kind: kind.into(), names, read_only: false }
    }

    /// Says that it is only looked at: the step takes it from nobody.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {}", self.kind, self.names.join("/"), self.place)
    }
}

/// What the effects of one attempt are found again by: `run/step/attempt`, for an undo with `/undo` behind it.
///
/// The life cycle stamps it on a plan before anything is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A token of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nobody has stamped it yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the plan restores instead of changes.
    #[must_use]
    pub fn is_undo(&self) -> bool {
        self.0.ends_with("/undo")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a step hands to later steps: names, ARNs, URLs. Never secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Outputs(BTreeMap<String, String>);

impl Outputs {
    /// No outputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The output of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All outputs in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
