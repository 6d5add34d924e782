//! A role to assume, and what is passed to STS with its session: an external id, session policies, session tags, a
//! source identity.

mod checks;
mod policy;

use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use landfall_core::Result;

pub(crate) use checks::{check_chain, check_policies, check_role};
pub(crate) use policy::{document, of_flags};

/// A role to assume with the credentials so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedRole {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
    pub(crate) policies: SessionPolicies,
    pub(crate) tags: Vec<SessionTag>,
    pub(crate) source_identity: Option<String>,
}

/// A pair of strings that policies can ask for in `aws:PrincipalTag/KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionTag {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) transitive: bool,
}

/// What a session may do at most: the intersection of this and the role's own policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SessionPolicies {
    pub(crate) inline: Option<InlinePolicy>,
    pub(crate) arns: Vec<String>,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InlinePolicy {
    pub(crate) text: String,
    /// The file it came from.
    pub(crate) file: Option<String>,
}

impl AssumedRole {
    /// The role of this ARN.
    #[must_use]
    pub fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            external_id: None,
            policies: SessionPolicies::default(),
            tags: Vec::new(),
            source_identity: None,
        }
    }

    /// The identifier that the role's trust policy asks for in `sts:ExternalId`: 2 to 1,224 characters.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// A session tag, which policies can ask for in `aws:PrincipalTag/KEY`: a key of 1 to 128 characters, a value of at
    /// most 256, and at most 50 of them. Both the caller and the role's trust policy must allow `sts:TagSession`.
    #[must_use]
    pub fn session_tag(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_tag(key.into(), value.into(), false)
    }

    /// A session tag that the roles assumed after this one inherit (`TransitiveTagKeys`). They cannot set it again, and
    /// their trust policies must allow `sts:TagSession` as well.
    #[must_use]
    pub fn transitive_session_tag(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_tag(key.into(), value.into(), true)
    }

    fn with_tag(mut self, key: String, value: String, transitive: bool) -> Self {
        self.tags.push(SessionTag { key, value, transitive });
        self
    }

    /// A policy document in JSON that narrows what the session may do; it can allow nothing that the role does not. It is
    /// sent without the white space between its parts, and together with the ARNs of [`Self::session_policy_arn`] has at
    /// most 2,048 characters then. A second call replaces the first.
    #[must_use]
    pub fn session_policy(mut self, document: impl Into<String>) -> Self {
        self.policies.inline = Some(InlinePolicy { text: document.into(), file: None });
        self
    }

    /// A managed policy that narrows what the session may do: one of AWS, or of the role's own account. At most 10.
    #[must_use]
    pub fn session_policy_arn(mut self, arn: impl Into<String>) -> Self {
        self.policies.arns.push(arn.into());
        self
    }

    /// Who stands behind the session, for CloudTrail and `aws:SourceIdentity`: 2 to 64 characters. It stays the same along
    /// a chain and cannot be changed by a later role; caller and trust policy must allow `sts:SetSourceIdentity`.
    #[must_use]
    pub fn source_identity(mut self, name: impl Into<String>) -> Self {
        self.source_identity = Some(name.into());
        self
    }

    /// The role's ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The tags for a request, if there are any.
    pub(crate) fn tags_for_request(&self) -> Result<Option<Vec<Tag>>> {
        let tags = self.tags.iter().map(|tag| Tag::builder().key(&tag.key).value(&tag.value).build());
        let tags: Result<Vec<Tag>, _> = tags.collect();
        let tags = tags.map_err(|error| {
            landfall_core::Error::internal("the session tags cannot be sent").with_source(&error)
        })?;
        Ok(Some(tags).filter(|tags| !tags.is_empty()))
    }

    /// The keys of the tags that later roles inherit, if there are any.
    pub(crate) fn transitive_keys(&self) -> Option<Vec<String>> {
        let keys = self.tags.iter().filter(|tag| tag.transitive).map(|tag| tag.key.clone());
        Some(keys.collect::<Vec<_>>()).filter(|keys| !keys.is_empty())
    }
}

impl SessionPolicies {
    /// The document for a request, if there is one.
    pub(crate) fn document(&self) -> Option<String> {
        self.inline.as_ref().map(|inline| document(&inline.text))
    }

    /// The managed policies for a request, if there are any.
    pub(crate) fn arns_for_request(&self) -> Option<Vec<PolicyDescriptorType>> {
        let arns = self.arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
        Some(arns.collect::<Vec<_>>()).filter(|arns| !arns.is_empty())
    }
}
