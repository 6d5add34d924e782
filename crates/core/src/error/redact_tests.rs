use super::{EVIDENCE_LIMIT, SHAPES, TEXTS, excerpt, redact};
use crate::error::{Cause, Error, ErrorKind};

const SECRET: &str = "c2VjcmV0LWNhbmFyeS12YWx1ZQ";

#[test]
fn every_shape_is_a_regular_expression() {
    assert_eq!(SHAPES.len(), TEXTS.len(), "one that does not compile would be left out in silence");
}

#[test]
fn what_looks_like_a_secret_is_taken_out_of_every_text() {
    for template in [
        // Tokens told by their own form.
        "token eyJhbGciOiJSUzI1NiJ9.CANARY.CANARY",
        "docker login -u AWS -p eyJwYXlsb2FkIjoiCANARYCANARYCANARYCANARYCANARYCANARYCANARY== host",
        "k8s-aws-v1.CANARY",
        "glpat-CANARY",
        "glcbt-64_CANARY",
        "glptt-CANARY gldt-CANARY glrt-CANARY",
        "https://ghp_CANARYCANARY@github.com",
        "github_pat_CANARYCANARY",
        "xoxb-1234-CANARY",
        "https://hooks.slack.com/services/T000/B000/CANARY",
        "npm_CANARYCANARY",
        "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----",
        "{\"key\":\"-----BEGIN PRIVATE KEY-----\\nCANARY\\n-----END PRIVATE KEY-----\\n\"}",
        "CANARYCANARY\nCANARY\n-----END PRIVATE KEY-----",
        // Requests, their headers and their addresses.
        "GET /?X-Amz-Security-Token=CANARY&x=1",
        "GET /?a=b&X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=CANARY",
        "https://b.s3.amazonaws.com/x?AWSAccessKeyId=AKIDEXAMPLE&Signature=CANARY&Expires=1",
        "x-amz-security-token: CANARY",
        "headers: {\"x-amz-security-token\": \"CANARY\", \"host\": \"x\"}",
        "Headers { \"x-amz-security-token\": HeaderValue(\"CANARY\") }",
        "[(\"x-amz-security-token\", \"CANARY\")]",
        "Authorization: Bearer CANARY",
        "authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=CANARY",
        "{\"authorization\": \"Basic CANARY\"}",
        "{\\\"authorization\\\": \\\"Token CANARY\\\"}",
        "PRIVATE-TOKEN: CANARY",
        "JOB-TOKEN: CANARY",
        "cookie: session=CANARY; theme=CANARY",
        "postgres://app:CANARY@db/app",
        "redis://:CANARY@cache:6379",
        "https://user:p@CANARY@host/path",
        "?token=CANARY&x=1",
        // Names and values.
        "{\"aws_secret_access_key\": \"CANARY\"}",
        "{\"log\":\"{\\\"SecretAccessKey\\\":\\\"CANARY\\\"}\"}",
        "{\\\\\\\"password\\\\\\\":\\\\\\\"CANARY\\\\\\\"}",
        "{\"password\":\"quoted\\\"CANARY\"}",
        "{\"password\": \"two words CANARY\"}",
        "{'password': 'two words CANARY'}",
        "AWS_SESSION_TOKEN=CANARY",
        "SecretAccessKey: CANARY",
        "Credentials { session_token: Some(\"CANARY\") }",
        "<SecretAccessKey>CANARY</SecretAccessKey><SessionToken>CANARY</SessionToken>",
        "password=CANARY;",
        "\"Env\":[\"PATH=/bin\",\"AWS_SECRET_ACCESS_KEY=CANARY\",\"CI_JOB_TOKEN=CANARY\"]",
        "env:DB_PASSWORD=CANARY",
        "GITHUB_TOKEN=CANARY",
        "docker login --password CANARY host",
        "{\"auths\":{\"host\":{\"auth\":\"CANARY\"}}}",
        "{\"id_token\":\"CANARY\",\"token\": \"CANARY\"}",
    ] {
        let text = template.replace("CANARY", SECRET);
        let clean = redact(&text);
        assert!(!clean.contains(SECRET), "{text} -> {clean}");
        assert!(clean.contains("[redacted]"), "{text} -> {clean}");
        assert_eq!(redact(&clean), clean, "once is enough");
        let error = Error::new(ErrorKind::Rejected, &text)
            .with_hint(&text)
            .with_cause(Cause::new("x", &text).with_evidence(text.split('\n')).with_hint(&text))
            .with_source(&std::io::Error::other(text.clone()))
            .while_doing(&text);
        let told = format!("{error} {error:?} {}", error.report());
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn ordinary_texts_are_not_touched() {
    for text in [
        "CannotPullContainerError: image registry.example.com/web:1.2 not found",
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
         111122223333.dkr.ecr.eu-central-1.amazonaws.com/web@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08: not found",
        "User: arn:aws:sts::111122223333:assumed-role/deploy/x is not authorized to perform: ecs:UpdateService",
        "User: arn:aws:sts::111122223333:assumed-role/deploy/x is not authorized to perform: \
         secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-central-1:111122223333:secret:db/password-AbCdEf",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: \
         unable to retrieve secret from asm: service call has been retried 1 time(s): retrieved secret from Secrets \
         Manager did not contain json key password",
        "secret arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf:password::",
        "secret arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf:password:AWSCURRENT:",
        "arn:aws:ssm:eu-central-1:111122223333:parameter/web/api_key",
        "ExpiredTokenException: The security token included in the request is expired",
        "UnrecognizedClientException: The security token included in the request is invalid",
        "InvalidIdentityToken: Incorrect token audience",
        "essential container web exited with code 1",
        "(service web) has reached a steady state.",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/x.html",
        "http://169.254.170.2:80/v2/credentials and mail to ops@example.com",
        "docker login --username AWS --password-stdin",
        "WebIdentityToken: the credential provider was not enabled",
        "the variable AWS_SECRET_ACCESS_KEY is set and AWS_SESSION_TOKEN is not",
        "id_tokens: needs an entry DEPLOY_TOKEN with aud: https://gitlab.com",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn a_key_that_is_spread_over_lines_of_a_log_is_taken_out_of_all_of_them() {
    let log =
        ["starting", "-----BEGIN PRIVATE KEY-----", SECRET, SECRET, "-----END PRIVATE KEY-----", "exit 1"];
    assert_eq!(excerpt(&log), ["starting", "[redacted]", "exit 1"]);
}

#[test]
fn a_log_of_megabytes_is_cut_to_its_last_lines_and_the_limit() {
    let lines = vec!["x".repeat(1_000_000); 20];
    let kept = excerpt(&lines);
    assert_eq!(kept[0], "(17 earlier lines left out)");
    assert!(kept.iter().map(String::len).sum::<usize>() < EVIDENCE_LIMIT + 64);
}

#[test]
fn what_others_say_stays_on_its_line_and_steers_no_terminal() {
    let said = "first\nsecond\r\u{1b}[31m\tthird\u{7}\u{9b}2J";
    let expected = "first\\nsecond\\r\\u{1b}[31m third\\u{7}\\u{9b}2J";
    let cause = Cause::new("code", said).with_hint(said).with_evidence([said]);
    assert_eq!((cause.message.as_str(), cause.hint.as_deref()), (expected, Some(expected)));
    assert_eq!(cause.evidence, ["first", "second\\r\\u{1b}[31m third\\u{7}\\u{9b}2J"]);
    let error = Error::invalid(said).with_hint(said).with_source(&Error::invalid("x").while_doing(said));
    assert_eq!((error.message(), error.hint()), (expected, Some(expected)));
    assert!(!error.report().contains(|letter: char| letter.is_control() && letter != '\n'));
    assert_eq!(crate::News::new("id", crate::event::Level::Info, said).text, expected);
}

/// The corpus of the fuzz target, and what it has found.
#[test]
fn every_input_of_the_fuzzer_is_redacted_once() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut seen = 0;
    for folder in [root.join("corpus/redact"), root.join("found/redact")] {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let once = redact(&String::from_utf8_lossy(&bytes));
            assert_eq!(redact(&once), once);
            seen += 1;
        }
    }
    assert!(seen >= 3, "the corpus is not where it should be");
}

proptest::proptest! {
    #[test]
    fn redaction_never_panics_and_once_is_enough(text in ".{0,400}") {
        let once = redact(&text);
        proptest::prop_assert_eq!(redact(&once), once);
    }

    #[test]
    fn a_token_is_found_whatever_stands_around_it(before in "[ -~]{0,40}", after in "[ -~]{0,40}") {
        let token = "eyJhbGciOiJSUzI1NiJ9.Y2FuYXJ5LXZhbHVlLW9mLWEtdG9rZW4.c2lnbmF0dXJl";
        let clean = redact(&format!("{before} {token} {after}"));
        proptest::prop_assert!(!clean.contains("Y2FuYXJ5"), "{}", clean);
    }
}
