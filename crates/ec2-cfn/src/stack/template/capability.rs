//! Which capabilities a template needs, and because of which resources.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>, `Capabilities`.

use std::fmt;
use std::str::FromStr;

use landfall_core::{Error, Result};

use super::{Node, Template};

/// A permission that a stack is explicitly given to make what could widen the permissions of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// `CAPABILITY_IAM`: IAM resources with names that CloudFormation makes.
    Iam,
    /// `CAPABILITY_NAMED_IAM`: IAM resources with names of their own. Allows what [`Capability::Iam`] allows.
    NamedIam,
    /// `CAPABILITY_AUTO_EXPAND`: macros, those of nested stacks included.
    AutoExpand,
}

impl Capability {
    /// AWS's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iam => "CAPABILITY_IAM",
            Self::NamedIam => "CAPABILITY_NAMED_IAM",
            Self::AutoExpand => "CAPABILITY_AUTO_EXPAND",
        }
    }

    /// Whether a stack that was given `given` may do what this capability is for.
    pub(crate) fn is_within(self, given: &[Self]) -> bool {
        given.contains(&self) || (self == Self::Iam && given.contains(&Self::NamedIam))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Capability {
    type Err = Error;

    /// AWS's name, with or without `CAPABILITY_`.
    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix("CAPABILITY_").unwrap_or(text) {
            "IAM" => Ok(Self::Iam),
            "NAMED_IAM" => Ok(Self::NamedIam),
            "AUTO_EXPAND" => Ok(Self::AutoExpand),
            _ => Err(Error::invalid(format!("`{text}` is no capability of CloudFormation"))
                .with_hint("there are CAPABILITY_IAM, CAPABILITY_NAMED_IAM and CAPABILITY_AUTO_EXPAND")),
        }
    }
}

/// A capability and the things that need it, each as `Resources.Role` or the name of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) capability: Capability,
    pub(crate) by: Vec<String>,
}

/// The IAM types that need an acknowledgement, each with the property that gives it a name of its own.
const IAM_TYPES: [(&str, &str); 8] = [
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
    ("AWS::IAM::UserToGroupAddition", ""),
];

/// The capabilities that a template needs as far as its own text tells. A nested stack's template is not looked into:
/// that it may hold macros is taken for granted, as CAPABILITY_AUTO_EXPAND allows nothing else.
pub(crate) fn needed(template: &Template) -> Vec<Needed> {
    let mut found: Vec<Needed> = Vec::new();
    for resource in template.resources() {
        let field = format!("Resources.{} ({})", resource.id, resource.kind);
        if let Some((_, name)) = IAM_TYPES.iter().find(|(kind, _)| *kind == resource.kind) {
            let properties = resource.node.member("Properties");
            let named = !name.is_empty() && properties.and_then(|node| node.member(name)).is_some();
            add(&mut found, if named { Capability::NamedIam } else { Capability::Iam }, field);
        } else if resource.kind == "AWS::CloudFormation::Stack"
            || resource.kind == "AWS::Serverless::Application"
        {
            add(&mut found, Capability::AutoExpand, field);
        }
    }
    if template.resources().iter().any(|resource| is_serverless_function(resource.kind, resource.node)) {
        // The transform makes a role for a function that names none.
        add(&mut found, Capability::Iam, "AWS::Serverless-2016-10-31".to_owned());
    }
    for name in template.transforms() {
        add(&mut found, Capability::AutoExpand, name);
    }
    found.sort_by_key(|needed| needed.capability);
    found
}

fn is_serverless_function(kind: &str, node: &Node) -> bool {
    kind == "AWS::Serverless::Function"
        && node.member("Properties").and_then(|node| node.member("Role")).is_none()
}

fn add(found: &mut Vec<Needed>, capability: Capability, by: String) {
    match found.iter_mut().find(|needed| needed.capability == capability) {
        Some(needed) if needed.by.contains(&by) => {}
        Some(needed) => needed.by.push(by),
        None => found.push(Needed { capability, by: vec![by] }),
    }
}
