//! What the agents on instances do with a revision in S3: they fetch it, compare its eTag, unpack it, and look for its
//! application specification.
//!
//! Wordings are those of S3 (which the agent passes on), of the agent (aws/aws-codedeploy-agent) and of "Troubleshoot
//! EC2/On-Premises deployment issues" in the user guide.

use bytes::Bytes;
use serde_json::Value;

use super::{CodeDeploy, archive};
use crate::iam::wildcard_match;
use crate::{Denial, HookFailure};

/// What the user guide documents for a bucket of another region, and says to be the only sign of it.
const ELSEWHERE: &str = "not opened for reading";
const DENIED: &str = "Access Denied";

impl CodeDeploy {
    /// Why an event fails for what the bundle is; none when it does not.
    pub(super) fn trouble(&self, id: &str, event: &str) -> Option<HookFailure> {
        let deployment = self.deployments.get(id)?;
        if deployment.revision["revisionType"] != "S3" || !matches!(event, "DownloadBundle" | "BeforeInstall")
        {
            return None;
        }
        // "The agent installs from the copy of the revision already on the instance": release notes of version 2.1.0.
        if deployment.is_restart() {
            return None;
        }
        let group = self.world_group(&deployment.application, &deployment.group);
        let denied: Vec<&Denial> =
            group.into_iter().flat_map(|group| &group.instances_denied).chain(&self.denied).collect();
        let location = &deployment.revision["s3Location"];
        let names = self
            .fetch(location, &denied)
            .and_then(|bytes| archive::names(location["bundleType"].as_str().unwrap_or_default(), &bytes));
        let message = match (event, names) {
            ("DownloadBundle", names) => names.err()?,
            // The first event for which the agent reads the specification of the new revision. What it has unpacked
            // stays when the object goes.
            (_, Ok(names)) if !archive::has_appspec(&names) => no_appspec(id),
            _ => return None,
        };
        Some(HookFailure { error_code: "UnknownError".to_owned(), message, ..HookFailure::default() })
    }

    /// GetObject with the instance profile.
    fn fetch(&self, location: &Value, denied: &[&Denial]) -> Result<Bytes, String> {
        let text = |name: &str| location[name].as_str().unwrap_or_default();
        let (bucket, key, version) = (text("bucket"), text("key"), location["version"].as_str());
        let mut store = self.s3.lock();
        let found = store.buckets.get(bucket).ok_or("The specified bucket does not exist")?;
        if found.region != self.region {
            return Err(ELSEWHERE.to_owned());
        }
        let is_denied = |action: &str, resource: &str| {
            denied.iter().any(|denial| {
                wildcard_match(&denial.action, action)
                    && (denial.resource.is_empty() || wildcard_match(&denial.resource, resource))
            })
        };
        let of_bucket = format!("arn:aws:s3:::{bucket}");
        let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let shared = found.owner == self.account || found.shared_with.contains(&self.account);
        if !shared || is_denied(action, &format!("{of_bucket}/{key}")) {
            return Err(DENIED.to_owned());
        }
        let Some(content) = found.version(key, version).and_then(|version| version.content.clone()) else {
            // "If you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP status code 403": GetObject.
            return Err(match (is_denied("s3:ListBucket", &of_bucket), version) {
                (true, _) => DENIED,
                (false, Some(_)) => "The specified version does not exist.",
                (false, None) => "The specified key does not exist.",
            }
            .to_owned());
        };
        if let Some(kms_key) =
            content.attributes.kms_key.as_deref().filter(|key| is_denied("kms:Decrypt", key))
        {
            return Err(format!(
                "User: the instance profile is not authorized to perform: kms:Decrypt on resource: {kms_key} because no \
                 identity-based policy allows the kms:Decrypt action"
            ));
        }
        if let Some(expected) =
            location["eTag"].as_str().filter(|etag| etag.trim_matches('"') != content.etag)
        {
            return Err(format!(
                "Expected deployment artifact bundle etag {expected} but was actually \"{}\"",
                content.etag
            ));
        }
        store.spool.read(&content.blob, 0..u64::MAX).map_err(|error| error.to_string())
    }
}

fn no_appspec(deployment: &str) -> String {
    let folder = format!("/opt/codedeploy-agent/deployment-root/0a1b2c3d/{deployment}/deployment-archive");
    format!(
        "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path \
         \"appspec.yml\". The revision was unpacked to directory \"{folder}\", and the AppSpec file was expected but not \
         found at path \"{folder}/appspec.yml\". Consult the AWS CodeDeploy Appspec documentation for more information at \
         http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html"
    )
}
