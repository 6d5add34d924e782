use landfall_aws::environment::Environment;

use super::{
    check_duration, check_external_id, check_partition, check_role_arn, check_session_name,
    default_session_name,
};
use crate::role::AssumedRole;

#[test]
fn each_wrong_arn_is_named_with_what_is_wrong_in_it() {
    for (arn, told) in [
        ("", "it is empty"),
        ("arn:aws:iam::$ACCOUNT:role/deploy", "was not replaced"),
        ("arn:aws:iam::111122223333:role/deploy ", "blank"),
        ("deploy", "parts are missing"),
        ("role/deploy", "parts are missing"),
        ("arn:azure:iam::111122223333:role/deploy", "`arn:aws`"),
        ("arn:aws:sts::111122223333:assumed-role/deploy/job", "session of a role"),
        ("arn:aws:ecs:eu-central-1:111122223333:service/x", "not one of IAM"),
        ("arn:aws:iam:::role/deploy", "the account is empty"),
        ("arn:aws:iam::1111:role/deploy", "twelve digits"),
        ("arn:aws:iam::111122223333:user/deploy", "does not name a role"),
        ("arn:aws:iam::111122223333:role/", "name is empty"),
        ("arn:aws:iam::111122223333:role/path/", "name is empty"),
    ] {
        let cause = check_role_arn("--role-arn", arn).unwrap_or_else(|| panic!("{arn} was taken"));
        assert_eq!(cause.field.as_deref(), Some("--role-arn"));
        assert!(cause.message.contains(told), "{arn}: {cause:?}");
        assert!(cause.hint.is_some(), "{arn}");
    }
    for arn in [
        "arn:aws:iam::111122223333:role/deploy",
        "arn:aws-cn:iam::111122223333:role/path/deploy",
        "arn:aws-us-gov:iam::111122223333:role/a+b=c,d.e@f-g_h",
    ] {
        assert_eq!(check_role_arn("--role-arn", arn), None, "{arn}");
    }
}

#[test]
fn a_role_of_another_partition_than_the_region_is_refused() {
    let arn = "arn:aws:iam::111122223333:role/deploy";
    assert!(check_partition("f", arn, "cn-north-1").unwrap().message.contains("aws-cn"));
    assert_eq!(check_partition("f", arn, "eu-central-1"), None);
}

#[test]
fn limits_of_sts_are_known() {
    assert!(check_duration(899).is_some() && check_duration(43_201).is_some());
    assert!(check_duration(900).is_none() && check_duration(43_200).is_none());
    let role = |id: &str| check_external_id(&AssumedRole::new("arn").external_id(id));
    assert!(role("x").is_some() && role("with blank").is_some() && role("demo-external-id").is_none());
    assert!(check_session_name("f", "a").is_some() && check_session_name("f", "a/b").is_some());
    assert_eq!(check_session_name("f", "GitLabRunner-1-2"), None);
}

#[test]
fn a_session_is_named_after_the_job_or_the_run() {
    let named = |pairs: &[(&str, &str)], run: &str| {
        default_session_name(&Environment::from_pairs(pairs.iter().copied()), run)
    };
    assert_eq!(named(&[("CI_PROJECT_ID", "22"), ("CI_PIPELINE_ID", "574")], "x"), "GitLabRunner-22-574");
    assert_eq!(named(&[("CI_PROJECT_ID", "22")], "shop/42/deploy"), "landfall-shop-42-deploy");
    // Without a pipeline there is none to name; an empty variable is none.
    assert_eq!(named(&[("CI_PROJECT_ID", "22"), ("CI_PIPELINE_ID", "")], "shop/1"), "landfall-shop-1");
    let mine = ("AWS_ROLE_SESSION_NAME", "mine");
    assert_eq!(named(&[mine], "x"), "mine");
    assert_eq!(named(&[("CI_PROJECT_ID", "22"), ("CI_PIPELINE_ID", "574"), mine], "x"), "mine");
    let long = "9".repeat(60);
    let name = named(&[("CI_PROJECT_ID", "22"), ("CI_PIPELINE_ID", &long)], "x");
    assert!(name.len() == 64 && name.starts_with("GitLabRunner-22-999"), "{name}");
    for run in ["", "é", "a b/c:d", &"x".repeat(300)] {
        let name = named(&[], run);
        assert_eq!(check_session_name("f", &name), None, "{name}");
        assert_eq!(name, named(&[], run), "the name is not the same twice");
    }
}
