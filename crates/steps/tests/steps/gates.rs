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
    assert!(waiting_for.contains("go live") && waiting_for.contains(path.to_str().unwrap()), "{waiting_for}");
    std::fs::write(&path, "approved by the release manager\n").unwrap();
    let report = asked(&gate).await;
    assert_eq!((report.exit_code(), report.verdict.outcome), (0, Outcome::Unchanged));
    assert_eq!(report.verdict.outputs.find("approved_by"), Some("the release manager"));
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
