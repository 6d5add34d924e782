//! What is deployed: an application revision, as CodeDeploy names it.

use landfall_core::Cause;
use serde_json::{Value, json};

/// How the files of a revision in S3 are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BundleType {
    /// A zip archive.
    Zip,
    /// A tar archive.
    Tar,
    /// A tar archive, compressed by gzip.
    Tgz,
}

impl BundleType {
    /// The type that a key's ending tells: `.zip`, `.tar`, `.tgz` or `.tar.gz`.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        let key = key.to_ascii_lowercase();
        let ends = |ending: &str| key.ends_with(ending);
        match () {
            () if ends(".zip") => Some(Self::Zip),
            () if ends(".tar") => Some(Self::Tar),
            () if ends(".tgz") || ends(".tar.gz") => Some(Self::Tgz),
            () => None,
        }
    }

    /// The type of this name, as the API writes it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Zip, Self::Tar, Self::Tgz].into_iter().find(|kind| kind.as_str() == name)
    }

    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Tgz => "tgz",
        }
    }
}

/// An application revision.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revision {
    /// An archive in S3.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
        /// How it is packed; none: as the key's ending tells.
        bundle_type: Option<BundleType>,
        /// The object's eTag. With it the agents refuse an object that was changed after it was pushed.
        etag: Option<String>,
        /// The object's version; without it the newest one is fetched.
        version: Option<String>,
    },
    /// A commit on GitHub.
    GitHub {
        /// `owner/name`.
        repository: String,
        /// The commit's full id.
        commit: String,
    },
}

impl Revision {
    /// An archive in S3, packed as its key's ending tells.
    pub fn s3(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self::S3 { bucket: bucket.into(), key: key.into(), bundle_type: None, etag: None, version: None }
    }

    /// A commit on GitHub.
    pub fn github(repository: impl Into<String>, commit: impl Into<String>) -> Self {
        Self::GitHub { repository: repository.into(), commit: commit.into() }
    }

    /// Reads `s3://bucket/key`.
    ///
    /// # Errors
    /// The problem, for the field `s3 location`.
    pub fn parse(text: &str) -> Result<Self, Box<Cause>> {
        let parts = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        match parts {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self::s3(bucket, key)),
            _ => {
                let message =
                    format!("`{text}` is no address of an object in S3: those look like s3://bucket/key");
                Err(Box::new(Cause::invalid("s3 location", message)))
            }
        }
    }

    /// Pins the object's eTag. Nothing happens to a revision of GitHub, which the commit pins.
    #[must_use]
    pub fn with_etag(mut self, wanted: impl Into<String>) -> Self {
        if let Self::S3 { etag, .. } = &mut self {
            *etag = Some(wanted.into());
        }
        self
    }

    /// Pins the object's version. Nothing happens to a revision of GitHub.
    #[must_use]
    pub fn with_version(mut self, wanted: impl Into<String>) -> Self {
        if let Self::S3 { version, .. } = &mut self {
            *version = Some(wanted.into());
        }
        self
    }

    /// Says how the archive is packed. Nothing happens to a revision of GitHub.
    #[must_use]
    pub fn with_bundle_type(mut self, wanted: BundleType) -> Self {
        if let Self::S3 { bundle_type, .. } = &mut self {
            *bundle_type = Some(wanted);
        }
        self
    }

    /// As a `RevisionLocation` of the API.
    pub(crate) fn location(&self) -> Value {
        match self {
            Self::S3 { bucket, key, bundle_type, etag, version } => {
                let kind = bundle_type.or_else(|| BundleType::of_key(key));
                let mut location = json!({ "bucket": bucket, "key": key });
                let members = [
                    ("bundleType", kind.map(|kind| kind.as_str().to_owned())),
                    ("version", version.clone()),
                    // S3 quotes eTags; `aws deploy push` tells them without, and so does the user guide.
                    ("eTag", etag.as_ref().map(|etag| etag.trim_matches('"').to_owned())),
                ];
                for (name, value) in members {
                    if let Some(value) = value {
                        location[name] = json!(value);
                    }
                }
                json!({ "revisionType": "S3", "s3Location": location })
            }
            Self::GitHub { repository, commit } => json!({
                "revisionType": "GitHub",
                "gitHubLocation": { "repository": repository, "commitId": commit }
            }),
        }
    }
}

/// A revision in words: `s3://bucket/key (version v, eTag e)`.
pub(crate) fn in_words(location: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(s3) = location.get("s3Location") {
        let mut words = format!(
            "s3://{}/{}",
            s3["bucket"].as_str().unwrap_or_default(),
            s3["key"].as_str().unwrap_or_default()
        );
        let pins = [("version", text(&s3["version"])), ("eTag", text(&s3["eTag"]))];
        let pins: Vec<String> =
            pins.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect();
        if !pins.is_empty() {
            words.push_str(&format!(" ({})", pins.join(", ")));
        }
        return words;
    }
    if let Some(git) = location.get("gitHubLocation") {
        return format!(
            "{} at {}",
            git["repository"].as_str().unwrap_or_default(),
            git["commitId"].as_str().unwrap_or_default()
        );
    }
    match text(&location["revisionType"]) {
        Some(kind) => format!("a revision of type {kind}"),
        None => "no revision".to_owned(),
    }
}

/// Whether a revision is the wanted one, by everything that pins the wanted one. An object in S3 that neither version nor
/// eTag pins may have other content each time, so it is never the same.
pub(crate) fn is_pinned_to(wanted: &Value, found: &Value) -> bool {
    let (Some(mut wanted), Some(found)) =
        (wanted.get("s3Location").cloned(), found.get("s3Location").cloned())
    else {
        return wanted.get("gitHubLocation").is_some_and(|git| found.get("gitHubLocation") == Some(git));
    };
    let pins = ["version", "eTag"].iter().filter(|pin| wanted.get(**pin).is_some()).count();
    let Some(members) = wanted.as_object_mut() else { return false };
    pins > 0 && members.iter().all(|(name, value)| plain(found.get(name)) == plain(Some(value)))
}

/// Whether two revisions name the same thing as far as both say.
pub(crate) fn is_same(left: &Value, right: &Value) -> bool {
    let (Some(left), Some(right)) = (left.get("s3Location"), right.get("s3Location")) else {
        return left == right;
    };
    ["bucket", "key", "version", "eTag"].iter().all(|name| {
        let (left, right) = (plain(left.get(name)), plain(right.get(name)));
        left == right || left.is_none() || right.is_none()
    })
}

/// S3 writes an eTag with quotation marks, CodeDeploy without.
fn plain(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(|text| text.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{BundleType, Revision, in_words, is_pinned_to, is_same};

    #[test]
    fn the_type_of_an_archive_is_told_by_its_ending() {
        assert_eq!(BundleType::of_key("web/1.ZIP"), Some(BundleType::Zip));
        assert_eq!(BundleType::of_key("web/1.tar.gz"), Some(BundleType::Tgz));
        assert_eq!(BundleType::of_key("web/1.tar"), Some(BundleType::Tar));
        assert_eq!(BundleType::of_key("web/1"), None);
    }

    #[test]
    fn an_address_is_read_and_written_with_its_pins() {
        let revision =
            Revision::parse("s3://demo-bucket/web/1.zip").unwrap().with_etag("\"e1\"").with_version("v1");
        let location = revision.location();
        assert_eq!(location["s3Location"]["bundleType"], json!("zip"));
        assert_eq!(in_words(&location), "s3://demo-bucket/web/1.zip (version v1, eTag e1)");
        for bad in ["", "demo-bucket/key", "s3://", "s3://bucket", "s3://bucket/", "s3:///key"] {
            assert!(Revision::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_is_pinned_can_be_the_same_content() {
        let open = Revision::s3("b", "k.zip").location();
        let pinned = Revision::s3("b", "k.zip").with_etag("\"e1\"").location();
        let found = Revision::s3("b", "k.zip").with_etag("e1").with_version("v1").location();
        assert!(!is_pinned_to(&open, &open), "an open key may hold something else today");
        assert!(is_pinned_to(&pinned, &found));
        assert!(!is_pinned_to(&Revision::s3("b", "k.zip").with_etag("e2").location(), &found));
        assert!(is_same(&open, &found) && !is_same(&Revision::s3("b", "other.zip").location(), &found));
        let commit = Revision::github("demo/web", "c1").location();
        assert!(
            is_pinned_to(&commit, &commit)
                && !is_pinned_to(&commit, &Revision::github("demo/web", "c2").location())
        );
    }
}
