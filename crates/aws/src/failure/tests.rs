use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use landfall_core::{Error, ErrorKind};

use super::{Again, Denial, DeniedBy, Effect, Failure};

/// A refusal as the SDK hands it over.
pub(crate) fn refusal(code: &str, message: &str, status: u16) -> Failure {
    let meta = ErrorMetadata::builder().code(code).message(message).build();
    SdkError::service_error(meta, response(status, "", &[])).into()
}

fn response(status: u16, body: &str, headers: &[(&'static str, &'static str)]) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    for (name, value) in headers {
        response.headers_mut().insert(*name, *value);
    }
    response
}

#[test]
fn a_code_decides_what_a_refusal_means() {
    use Again::{Never, Slower, Soon};
    use Effect::{Refused, Unknown};
    for (code, message, status, kind, effect, again) in [
        ("ThrottlingException", "Rate exceeded", 400, ErrorKind::Throttled, Refused, Slower),
        ("SlowDown", "", 503, ErrorKind::Throttled, Refused, Slower),
        ("Whatever", "", 429, ErrorKind::Throttled, Refused, Slower),
        ("LimitExceededException", "Rate exceeded for CreateX", 400, ErrorKind::Throttled, Refused, Slower),
        (
            "LimitExceededException",
            "The limit for the resource was exceeded.",
            400,
            ErrorKind::Rejected,
            Refused,
            Never,
        ),
        (
            "ClientException",
            "Too many concurrent attempts to create a new revision of the specified family.",
            400,
            ErrorKind::Throttled,
            Refused,
            Slower,
        ),
        ("ServerException", "", 500, ErrorKind::Transient, Unknown, Soon),
        ("ServiceUnavailableException", "", 503, ErrorKind::Transient, Unknown, Soon),
        ("IDPCommunicationError", "", 400, ErrorKind::Transient, Unknown, Soon),
        ("AccessDeniedException", "", 400, ErrorKind::Denied, Refused, Never),
        ("ExpiredTokenException", "", 400, ErrorKind::Auth, Refused, Never),
        ("UnrecognizedClientException", "", 400, ErrorKind::Auth, Refused, Never),
        ("InvalidSignatureException", "", 400, ErrorKind::Auth, Refused, Never),
        ("ClusterNotFoundException", "Cluster not found.", 400, ErrorKind::NotFound, Refused, Never),
        ("NoSuchBucket", "", 404, ErrorKind::NotFound, Refused, Never),
        ("UnknownOperationException", "", 400, ErrorKind::Unsupported, Refused, Never),
        ("InvalidParameterException", "no", 400, ErrorKind::Rejected, Refused, Never),
        ("ClientException", "Unable to describe task definition.", 400, ErrorKind::Rejected, Refused, Never),
    ] {
        let failure = refusal(code, message, status);
        assert_eq!(
            (failure.kind(), failure.effect(), failure.again()),
            (kind, effect, again),
            "{code} {message}"
        );
    }
}

#[test]
fn a_message_names_code_text_and_request() {
    let meta = ErrorMetadata::builder()
        .code("com.amazonaws.ecs#InvalidParameterException:http://internal.amazon.com/")
        .message("Role is not valid")
        .build();
    let failure =
        Failure::from(SdkError::service_error(meta, response(400, "", &[("x-amzn-requestid", "abc-1")])));
    assert_eq!(failure.error().message(), "InvalidParameterException: Role is not valid (request abc-1)");
    assert_eq!(
        (failure.code(), failure.request_id(), failure.status()),
        (Some("InvalidParameterException"), Some("abc-1"), Some(400))
    );
}

#[test]
fn an_answer_without_a_code_shows_what_came_and_whom_to_suspect() {
    let of = |status, body: &str| {
        Failure::from(SdkError::service_error(ErrorMetadata::builder().build(), response(status, body, &[])))
    };
    let page = of(502, "<html><h1>Bad Gateway</h1></html>");
    assert_eq!((page.kind(), page.effect()), (ErrorKind::Transient, Effect::Unknown));
    assert!(page.error().message().contains("HTTP 502 without an error code: <html>"), "{page:?}");
    let proxy = of(403, "blocked by policy");
    assert_eq!(proxy.kind(), ErrorKind::Denied);
    assert!(proxy.error().hint().unwrap().contains("proxy"), "{proxy:?}");
    let other = of(400, "");
    assert_eq!(other.kind(), ErrorKind::Rejected);
    assert!(other.error().hint().unwrap().contains("AWS_ENDPOINT_URL"), "{other:?}");
}

#[test]
fn a_success_that_the_sdk_does_not_understand_may_have_been_carried_out() {
    let odd = SdkError::service_error(ErrorMetadata::builder().build(), response(200, "{}", &[]));
    let failure = Failure::from(odd);
    assert_eq!(
        (failure.kind(), failure.effect(), failure.again()),
        (ErrorKind::Internal, Effect::Unknown, Again::Never)
    );
}

#[test]
fn a_denial_names_the_caller_the_action_the_resource_and_the_policy() {
    let who = "arn:aws:sts::111122223333:assumed-role/deploy/job";
    let service = "arn:aws:ecs:eu-central-1:111122223333:service/demo/web";
    for (tail, by, hint) in [
        (
            "because no identity-based policy allows the ecs:UpdateService action",
            DeniedBy::NothingAllows,
            "allow ecs:UpdateService on arn:aws:ecs",
        ),
        ("with an explicit deny in a service control policy", DeniedBy::Organization, "SCP"),
        ("with an explicit deny in an identity-based policy", DeniedBy::ExplicitDeny, "\"Effect\": \"Deny\""),
        (
            "because no permissions boundary allows the ecs:UpdateService action",
            DeniedBy::Boundary,
            "boundary",
        ),
        (
            "because no session policy allows the ecs:UpdateService action",
            DeniedBy::Boundary,
            "session policy",
        ),
    ] {
        let text = format!(
            "User: {who} is not authorized to perform: ecs:UpdateService on resource: {service} {tail}"
        );
        let failure = refusal("AccessDeniedException", &text, 400);
        let denial = failure.denial().unwrap();
        assert_eq!(denial.principal.as_deref(), Some(who));
        assert_eq!(
            (denial.action.as_str(), denial.resource.as_deref()),
            ("ecs:UpdateService", Some(service))
        );
        assert_eq!(denial.by, by, "{tail}");
        assert!(failure.error().hint().unwrap().contains(hint), "{failure:?}");
        assert_eq!(failure.error().causes()[0].code, "missing-permission");
    }
    let pass = Denial::parse(
        "User: x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/task.",
    );
    let pass = pass.unwrap();
    assert!(pass.is_pass_role() && pass.hint().contains("PassedToService"));
    assert_eq!(pass.resource.as_deref(), Some("arn:aws:iam::111122223333:role/task"));
    assert_eq!(Denial::parse("Access Denied"), None);
    assert_eq!(Denial::parse("You are not authorized to perform this operation."), None);
}

#[test]
fn a_service_may_ask_us_to_wait_but_not_for_long() {
    let meta = || ErrorMetadata::builder().code("ThrottlingException").build();
    let wait = |header, value| {
        Failure::from(SdkError::service_error(meta(), response(400, "", &[(header, value)])))
            .wait()
            .map(|wait| wait.as_millis())
    };
    assert_eq!(wait("x-amz-retry-after", "1500"), Some(1500));
    assert_eq!(wait("retry-after", "3"), Some(3000));
    assert_eq!(wait("retry-after", "86400"), Some(20_000));
    assert_eq!(wait("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"), None);
}

#[test]
fn another_meaning_may_be_given_and_ends_the_repeating() {
    let failure = refusal("ServerException", "x", 500).with_kind(ErrorKind::NotFound);
    assert_eq!((failure.kind(), failure.again()), (ErrorKind::NotFound, Again::Never));
    assert_eq!(failure.error().message(), "ServerException: x");
}

#[test]
fn an_error_of_our_own_provider_comes_out_of_the_sdk_as_it_went_in() {
    let own = Error::new(ErrorKind::Auth, "the token expired").with_hint("get another");
    let inner = aws_credential_types::provider::error::CredentialsError::provider_error(own.clone());
    let error = SdkError::<ErrorMetadata, HttpResponse>::construction_failure(inner);
    let failure = Failure::from(error);
    assert_eq!(failure.error(), &own);
    assert_eq!((failure.effect(), failure.again()), (Effect::NotSent, Again::Never));
}

#[test]
fn an_answer_that_is_none_of_aws_is_shown_with_its_status() {
    let page = "  <html><body>Bad gateway of canary-proxy</body></html>";
    let unreadable = |body: &str| {
        let error: SdkError<ErrorMetadata, HttpResponse> =
            SdkError::response_error("expected value at line 1", response(502, body, &[]));
        Failure::from(error)
    };
    let failure = unreadable(page);
    assert_eq!(
        failure.error().message(),
        format!("HTTP 502 with an answer that is not one of AWS: {}", page.trim())
    );
    assert!(failure.error().hint().unwrap().contains("AWS_ENDPOINT_URL"), "{failure:?}");
    assert_eq!((failure.kind(), failure.again()), (ErrorKind::Transient, Again::Soon));
    assert!(unreadable(&"x".repeat(10_000)).error().message().len() < 400);
    assert!(unreadable("").error().message().contains("HTTP 502"));
}
