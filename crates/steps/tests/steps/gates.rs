use std::time::Duration;

use landfall_core::{Context, DeployTargetExt, End, ErrorKind, Outcome, Policy, StepReport};
use landfall_steps::{FileApproval, Gate, GivenAnswer};

async fn asked(gate: &Gate) -> StepReport {
    gate.deploy(&Context::builder("run").build(), &Policy::default().timeout(Duration::from_secs(120))).await
}

#[tokio::test(start_paused = true)]
async fn a_gate_waits_for_a_file_and_says_at_its_deadline_that_it_waits_for_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("go");
    let gate = Gate::new("go live", FileApproval::new(&path));
    let report = asked(&gate).await;
    assert_eq!(report.exit_code(), 8);
    let Outcome::TimedOut { waiting_for, person: true } = &report.verdict.outcome else {
        panic!("{report:?}")
    };
    let told = format!("go live: the line \"approved run\" or \"denied run\" in {}", path.display());
    assert_eq!(*waiting_for, told);
    std::fs::write(&path, "approved run by the release manager\n").unwrap();
    let report = asked(&gate).await;
    assert_eq!((report.exit_code(), report.verdict.outcome), (0, Outcome::Unchanged));
    assert_eq!(report.verdict.outputs.find("approved_by"), Some("the release manager"));
}

#[tokio::test(start_paused = true)]
async fn an_approval_of_another_run_or_of_none_lets_nobody_through_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("go");
    let gate = Gate::new("go live", FileApproval::new(&path));
    let table = [
        ("approved run-0 by ann\n", "says approved, and not of this run"),
        ("approved run/2\n", "says approved, and not of this run"),
        ("denied other\n", "says denied, and not of this run"),
        ("approved\n", "says approved, and not of this run"),
        ("approved by ann\n", "says approved, and not of this run"),
        ("appr", "says neither approved nor denied"),
    ];
    for (text, words) in table {
        std::fs::write(&path, text).unwrap();
        let report = asked(&gate).await;
        let Outcome::TimedOut { waiting_for, person: true } = &report.verdict.outcome else {
            panic!("{text}: {report:?}")
        };
        assert!(waiting_for.contains(words), "{text}: {waiting_for}");
    }
    std::fs::write(&path, "").unwrap();
    assert_eq!(asked(&gate).await.exit_code(), 8);
    std::fs::write(&path, "denied run freeze until Monday").unwrap();
    let report = asked(&gate).await;
    assert!(report.verdict.causes[0].message.contains("denied: freeze until Monday"), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_denial_ends_the_step_with_its_reason_and_undoes_nothing() {
    let report =
        asked(&Gate::new("go live", GivenAnswer::new("GO_LIVE", Some("denied freeze until Monday".into()))))
            .await;
    assert_eq!((report.exit_code(), &report.verdict.outcome), (1, &Outcome::Ended(End::Stopped)));
    assert!(report.verdict.causes[0].message.contains("freeze until Monday"), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_neither_is_no_answer_but_an_error_that_names_its_place() {
    let report = asked(&Gate::new("go live", GivenAnswer::new("GO_LIVE", Some("maybe".into())))).await;
    let Outcome::Unknown { error } = &report.verdict.outcome else { panic!("{report:?}") };
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("GO_LIVE says \"maybe\""), "{error}");
    let unset = asked(&Gate::new("go live", GivenAnswer::new("GO_LIVE", None))).await;
    assert_eq!(unset.exit_code(), 8);
}
