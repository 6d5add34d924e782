use super::{Cause, EVIDENCE_LIMIT, Error, ErrorKind, Location, excerpt, redact};

#[test]
fn what_looks_like_a_secret_is_taken_out_of_every_text() {
    let secret = "c2VjcmV0LWNhbmFyeS12YWx1ZQ";
    for text in [
        format!("token eyJhbGciOiJSUzI1NiJ9.{secret}.{secret}"),
        format!("k8s-aws-v1.{secret}"),
        format!("GET /?X-Amz-Security-Token={secret}&x=1"),
        format!("Authorization: Bearer {secret}"),
        format!("authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature={secret}"),
        format!("{{\"aws_secret_access_key\": \"{secret}\"}}"),
        format!("AWS_SESSION_TOKEN={secret}"),
        format!("SecretAccessKey: {secret}"),
        format!("password={secret};"),
        format!("postgres://app:{secret}@db/app"),
        format!("glpat-{secret}"),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----"),
    ] {
        let clean = redact(&text);
        assert!(!clean.contains(secret), "{text} -> {clean}");
        assert!(clean.contains("[redacted]"), "{text} -> {clean}");
        let error = Error::new(ErrorKind::Rejected, &text)
            .with_hint(&text)
            .with_cause(Cause::new("x", &text).with_evidence([&text]).with_hint(&text))
            .with_source(&std::io::Error::other(text.clone()));
        let told = format!("{error} {error:?} {}", error.report());
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn ordinary_texts_are_not_touched() {
    for text in [
        "CannotPullContainerError: image registry.example.com/web:1.2 not found",
        "User: arn:aws:sts::111122223333:assumed-role/deploy/x is not authorized to perform: ecs:UpdateService",
        "essential container web exited with code 1",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/x.html",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn an_excerpt_keeps_the_last_lines_and_says_how_many_it_left_out() {
    let lines: Vec<String> = (0..2000).map(|n| format!("line {n}")).collect();
    let kept = excerpt(&lines);
    assert!(kept.iter().map(String::len).sum::<usize>() < EVIDENCE_LIMIT + 64);
    assert_eq!(kept.last().map(String::as_str), Some("line 1999"));
    assert!(kept[0].contains("earlier lines left out"), "{}", kept[0]);
    let long = excerpt(&["é".repeat(EVIDENCE_LIMIT)]);
    assert!(long[0].len() <= EVIDENCE_LIMIT / 4 + 4);
}

#[test]
fn a_report_names_message_place_field_evidence_and_next_step() {
    let error = Error::invalid("the task definition cannot be used")
        .with_cause(
            Cause::invalid("containerDefinitions[0].image", "expected a string, found 5")
                .at(Location { file: "td.json".into(), line: 3, column: 7 })
                .with_hint("put the image in quotes"),
        )
        .with_hint("correct the file and run again");
    assert_eq!(
        error.report(),
        "the task definition cannot be used\n  - td.json:3:7: containerDefinitions[0].image: expected a string, \
         found 5\n    next: put the image in quotes\n  next: correct the file and run again"
    );
    let text = serde_json::to_string(&error).unwrap();
    assert_eq!(serde_json::from_str::<Error>(&text).unwrap(), error);
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
