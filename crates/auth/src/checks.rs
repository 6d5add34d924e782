//! What can be said about settings without asking AWS.

use landfall_aws::endpoint::partition_of;
use landfall_aws::environment::Environment;
use landfall_core::Cause;

use crate::role::AssumedRole;

/// What is wrong with the ARN of a role, if anything. `field` is the flag or variable it came from.
///
/// The form is that of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>. An empty part is
/// most often a variable that was empty when the ARN was put together.
#[must_use]
pub fn check_role_arn(field: &str, arn: &str) -> Option<Cause> {
    let example = "a role's ARN is written like arn:aws:iam::111122223333:role/deploy";
    let problem = |what: &str, hint: &str| {
        Some(
            Cause::invalid(field, format!("{field}: `{arn}` is not the ARN of a role: {what}"))
                .with_hint(hint),
        )
    };
    if arn.is_empty() {
        return problem(
            "it is empty",
            "a variable that holds it is empty, protected or bound to another environment",
        );
    }
    if arn.contains('$') {
        return problem(
            "a variable in it was not replaced",
            "check the quotes around it and the variable's name",
        );
    }
    if arn.trim() != arn || arn.contains(char::is_whitespace) {
        return problem("there is a blank in it", example);
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [start, partition, service, region, account, resource] = parts[..] else {
        return problem("parts are missing", example);
    };
    if start != "arn" || !partition.starts_with("aws") {
        return problem("it does not begin with `arn:aws`", example);
    }
    if service == "sts" {
        return problem("that is a session of a role", "name the role itself: arn:aws:iam::…:role/…");
    }
    if service != "iam" || !region.is_empty() {
        return problem("it is not one of IAM", example);
    }
    if account.is_empty() {
        return problem(
            "the account is empty",
            "a variable for the account was empty: a protected variable of GitLab is empty on an unprotected ref",
        );
    }
    if !is_account(account) {
        return problem("the account is not of twelve digits", example);
    }
    match resource.strip_prefix("role/") {
        None => problem("it does not name a role", example),
        Some(name) if name.is_empty() || name.ends_with('/') => problem(
            "the role's name is empty",
            "a variable for the name was empty: a protected variable of GitLab is empty on an unprotected ref",
        ),
        Some(_) => None,
    }
}

/// Whether this is the number of an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Partition and account of a role's ARN that [`check_role_arn`] found to be right.
pub(crate) fn parts_of(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.split(':');
    Some((parts.nth(1)?, parts.nth(2)?))
}

/// What keeps a role from being assumed from this region: partitions do not know each other.
pub(crate) fn check_partition(field: &str, arn: &str, region: &str) -> Option<Cause> {
    let (partition, _) = parts_of(arn)?;
    let here = partition_of(region);
    (partition != here).then(|| {
        Cause::invalid(
            field,
            format!("{field}: the role is in partition {partition}, the region {region} in {here}"),
        )
        .with_hint("choose a region and a role of one partition; credentials are not good in another")
    })
}

/// What is wrong with a role of the chain, beside its ARN.
pub(crate) fn check_external_id(role: &AssumedRole) -> Option<Cause> {
    let id = role.external_id.as_deref()?;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter);
    let problem = if !(2..=1224).contains(&id.len()) {
        "it must have 2 to 1,224 characters"
    } else if !id.chars().all(allowed) {
        "it may only have letters, digits and _ + = , . @ : / -"
    } else {
        return None;
    };
    Some(Cause::invalid("external id", format!("the external id for {} cannot be used: {problem}", role.arn)))
}

/// The variable that names the session, for AWS's own tools as well:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>.
pub(crate) const SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";

/// What is wrong with the name of a session that somebody chose. A trust policy may ask for it, so it is not mended.
pub(crate) fn check_session_name(field: &str, name: &str) -> Option<Cause> {
    if (2..=64).contains(&name.len()) && name.chars().all(is_of_session_name) {
        return None;
    }
    let what = "a session name has 2 to 64 letters, digits and _ + = , . @ -";
    Some(Cause::invalid(field, format!("`{name}` cannot be the name of a session: {what}")))
}

/// What is wrong with the length of a session, in seconds.
pub(crate) fn check_duration(seconds: u64) -> Option<Cause> {
    (!(900..=43_200).contains(&seconds)).then(|| {
        Cause::invalid(
            "duration",
            format!("a session cannot last {seconds} seconds: 900 to 43,200 are possible"),
        )
        .with_hint("the maximum of the role may be lower; it is 3,600 unless somebody raised it")
    })
}

pub(crate) fn is_of_session_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)
}

/// The name of a session, by which CloudTrail tells who did what.
///
/// `AWS_ROLE_SESSION_NAME` if it is set; in a job of GitLab `GitLabRunner-PROJECT-PIPELINE`, which is what GitLab's
/// own recipe uses (<https://docs.gitlab.com/ci/cloud_services/aws/>); else `landfall-` and the run's id. Letters that
/// AWS does not allow become `-`; at most 64.
#[must_use]
pub fn default_session_name(environment: &Environment, run: &str) -> String {
    let of_gitlab = || {
        let (project, pipeline) = (environment.get("CI_PROJECT_ID")?, environment.get("CI_PIPELINE_ID")?);
        Some(format!("GitLabRunner-{project}-{pipeline}"))
    };
    let name = environment
        .get(SESSION_NAME)
        .map(str::to_owned)
        .or_else(of_gitlab)
        .unwrap_or_else(|| format!("landfall-{run}"));
    let clean: String =
        name.chars().map(|letter| if is_of_session_name(letter) { letter } else { '-' }).take(64).collect();
    if clean.len() < 2 { format!("landfall-{clean}") } else { clean }
}

#[cfg(test)]
mod tests;
