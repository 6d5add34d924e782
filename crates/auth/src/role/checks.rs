//! What STS would refuse of a role's session, found before it is asked.
//!
//! Limits: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.

use std::collections::BTreeMap;

use landfall_core::Cause;

use super::policy;
use super::{AssumedRole, SessionPolicies, SessionTag};
use crate::checks::{check_external_id, is_of_session_name, parts_of};

const TAG: &str = "session tag";
const POLICY: &str = "session policy";
const SOURCE: &str = "source identity";

/// Characters of all session policies of a session: the document without white space, and the ARNs.
const LONGEST_POLICIES: usize = 2048;
const MOST_ARNS: usize = 10;
const MOST_TAGS: usize = 50;

/// Everything that is wrong with a role of the chain, beside its ARN.
pub(crate) fn check_role(role: &AssumedRole) -> Vec<Cause> {
    let mut problems: Vec<Cause> = check_external_id(role).into_iter().collect();
    problems.extend(check_tags(&role.tags));
    problems.extend(check_policies(&role.policies, &role.arn));
    problems.extend(role.source_identity.as_deref().and_then(check_source_identity));
    problems
}

/// What the roles of a chain contradict each other in: an inherited tag cannot be passed again, and a source identity
/// stays.
pub(crate) fn check_chain(chain: &[AssumedRole]) -> Vec<Cause> {
    let mut problems = Vec::new();
    let mut inherited: BTreeMap<String, &str> = BTreeMap::new();
    let mut source: Option<&str> = None;
    for role in chain {
        for tag in &role.tags {
            if let Some(from) = inherited.get(&tag.key.to_lowercase()) {
                let what = format!(
                    "{} is inherited from {from} and cannot be passed to {} again",
                    tag.key, role.arn
                );
                problems.push(Cause::invalid(TAG, what).with_hint("pass it once, to the first role"));
            }
        }
        let own = role.tags.iter().filter(|tag| tag.transitive);
        inherited.extend(own.map(|tag| (tag.key.to_lowercase(), role.arn.as_str())));
        match (source, role.source_identity.as_deref()) {
            (Some(earlier), Some(name)) if earlier != name => {
                let what = format!("it is {earlier} already and cannot become {name} at {}", role.arn);
                problems.push(Cause::invalid(SOURCE, what).with_hint("set it once, for the first role"));
            }
            (None, own) => source = own,
            _ => {}
        }
    }
    problems
}

fn check_tags(tags: &[SessionTag]) -> Vec<Cause> {
    let problem = |what: String, hint: &str| Cause::invalid(TAG, what).with_hint(hint);
    let mut problems = Vec::new();
    if tags.len() > MOST_TAGS {
        problems.push(problem(
            format!("there are {} session tags, and STS takes {MOST_TAGS}", tags.len()),
            "leave some out; all of them together must fit into a packed form that is smaller still",
        ));
    }
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for tag in tags {
        let key = &tag.key;
        for (what, text, least, most) in [("key", key, 1, 128), ("value", &tag.value, 0, 256)] {
            let length = text.chars().count();
            if !(least..=most).contains(&length) {
                let what = format!(
                    "the {what} of the session tag {key:?} has {length} characters: {least} to {most} are possible"
                );
                problems.push(problem(what, "a variable in it may have been empty, or too long"));
            }
            if let Some(letter) = text.chars().find(|letter| !is_of_tag(*letter)) {
                let what = format!("the {what} of the session tag {key:?} holds {letter:?}");
                problems.push(problem(what, "letters, digits, blanks and _ . : / = + - @ are possible"));
            }
        }
        if key.to_lowercase().starts_with("aws:") {
            problems.push(problem(
                format!("the session tag {key:?} begins with aws:"),
                "AWS keeps that to itself",
            ));
        }
        if let Some(other) = seen.insert(key.to_lowercase(), key) {
            let what =
                format!("the session tags {other:?} and {key:?} are the same to AWS, which ignores case");
            problems.push(problem(what, "give each key once"));
        }
    }
    problems
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, of which the blank is the only separator here.
fn is_of_tag(letter: char) -> bool {
    letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter)
}

/// What is wrong with the session policies for a role.
pub(crate) fn check_policies(policies: &SessionPolicies, role_arn: &str) -> Vec<Cause> {
    let mut problems: Vec<Cause> = policies.inline.as_ref().map(policy::problems).unwrap_or_default();
    problems.extend(policies.arns.iter().filter_map(|arn| check_policy_arn(arn, role_arn)));
    if policies.arns.len() > MOST_ARNS {
        let what = format!("there are {} managed policies, and STS takes {MOST_ARNS}", policies.arns.len());
        problems.push(Cause::invalid(POLICY, what).with_hint("put them together in one policy"));
    }
    let document = policies.document().map_or(0, |text| text.chars().count());
    let arns = policies.arns.iter().map(|arn| arn.chars().count()).sum::<usize>();
    if document + arns > LONGEST_POLICIES {
        let what = format!(
            "the policies have {} characters ({document} of the document without white space, {arns} of ARNs), and STS \
             takes {LONGEST_POLICIES}",
            document + arns
        );
        let hint = "shorten it with wildcards, or make it a managed policy and give its ARN";
        problems.push(Cause::invalid(POLICY, what).with_hint(hint));
    }
    problems
}

/// "The policies must exist in the same account as the role", or be AWS's own.
fn check_policy_arn(arn: &str, role_arn: &str) -> Option<Cause> {
    let problem = |what: String, hint: &str| Some(Cause::invalid(POLICY, what).with_hint(hint));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let example = "a managed policy is written like arn:aws:iam::111122223333:policy/narrow or \
                   arn:aws:iam::aws:policy/ReadOnlyAccess";
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return problem(format!("`{arn}` is not the ARN of a managed policy"), example);
    };
    let named = resource.strip_prefix("policy/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'));
    if !named || account.is_empty() || arn.contains(char::is_whitespace) {
        return problem(format!("`{arn}` is not the ARN of a managed policy"), example);
    }
    let (of_role, account_of_role) = parts_of(role_arn)?;
    if partition != of_role || (account != "aws" && account != account_of_role) {
        let what = format!("`{arn}` is not in the account of the role {role_arn}, where STS looks for it");
        return problem(what, "use a policy of the role's account, or one of AWS's own");
    }
    None
}

fn check_source_identity(name: &str) -> Option<Cause> {
    let fits =
        (2..=64).contains(&name.len()) && name.chars().all(is_of_session_name) && !name.starts_with("aws:");
    (!fits).then(|| {
        let what = format!("`{name}` cannot be a source identity");
        Cause::invalid(SOURCE, what).with_hint("2 to 64 letters, digits and _ + = , . @ - are possible")
    })
}

#[cfg(test)]
mod tests {
    use landfall_core::Cause;

    use super::{check_chain, check_role};
    use crate::role::AssumedRole;

    const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

    fn role() -> AssumedRole {
        AssumedRole::new(ROLE)
    }

    fn told(role: &AssumedRole) -> String {
        check_role(role).iter().map(|cause| format!("{:?} {}\n", cause.field, cause.report())).collect()
    }

    #[test]
    fn what_sts_takes_is_taken() {
        let role = role()
            .external_id("x-1")
            .session_tag("Cost Center", "")
            .transitive_session_tag("k".repeat(128), "v".repeat(256))
            .session_policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess")
            .session_policy_arn("arn:aws:iam::111122223333:policy/path/narrow")
            .source_identity("pipeline-81");
        assert_eq!(told(&role), "");
    }

    #[test]
    fn each_limit_of_sts_is_known_before_it_is_asked() {
        let many = (0..51).fold(role(), |role, number| role.session_tag(format!("k{number}"), "v"));
        let arns = (0..11).fold(role(), |role, _| role.session_policy_arn("arn:aws:iam::aws:policy/X"));
        let long = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "{}"}}}}"#,
            "r".repeat(2000)
        );
        for (role, field, words) in [
            (role().external_id("x"), "external id", "2 to 1,224"),
            (many, "session tag", "51 session tags"),
            (role().session_tag("", "v"), "session tag", "1 to 128"),
            (role().session_tag("k".repeat(129), "v"), "session tag", "129 characters"),
            (role().session_tag("k", "v".repeat(257)), "session tag", "257 characters"),
            (role().session_tag("k!", "v"), "session tag", "holds '!'"),
            (role().session_tag("k", "a\tb"), "session tag", "holds '\\t'"),
            (role().session_tag("aws:x", "v"), "session tag", "begins with aws:"),
            (role().session_tag("Team", "a").session_tag("team", "b"), "session tag", "ignores case"),
            (role().session_policy("{}"), "session policy", "no `Statement`"),
            (role().session_policy(&long), "session policy", "STS takes 2048"),
            (arns, "session policy", "11 managed policies"),
            (role().session_policy_arn("arn:aws:iam::111122223333:role/x"), "session policy", "not the ARN"),
            (
                role().session_policy_arn("arn:aws:iam::444455556666:policy/x"),
                "session policy",
                "account of the role",
            ),
            (
                role().session_policy_arn("arn:aws-cn:iam::aws:policy/x"),
                "session policy",
                "account of the role",
            ),
            (role().source_identity("a"), "source identity", "2 to 64"),
            (role().source_identity("aws:me"), "source identity", "2 to 64"),
        ] {
            let told = told(&role);
            assert!(told.contains(field) && told.contains(words), "{words}: {told}");
            assert_eq!(told.lines().filter(|line| line.starts_with("Some(")).count(), 1, "{told}");
        }
    }

    #[test]
    fn a_chain_that_passes_what_it_inherits_is_refused() {
        let first = role().transitive_session_tag("Team", "a").source_identity("one");
        let told = |second: AssumedRole| -> Vec<String> {
            check_chain(&[first.clone(), second]).iter().map(Cause::report).collect()
        };
        assert!(told(role().session_tag("team", "b"))[0].contains("inherited"));
        assert!(told(role().source_identity("two"))[0].contains("cannot become two"));
        assert_eq!(told(role().session_tag("other", "b").source_identity("one")), [""; 0]);
    }
}
