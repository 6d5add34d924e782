use std::time::Duration;

use landfall_core::context::CancellationToken;
use landfall_core::target::Undo;
use landfall_core::{
    Context, DeployTarget, DeployTargetExt, End, ErrorKind, MemoryJournal, Outcome, Pipeline, Policy, Undone,
};
use landfall_steps::{Command, CommandBuilder, Retry, Timeout};
use landfall_testkit::Recorder;

use crate::process;

fn shell(script: &str) -> CommandBuilder {
    Command::builder("migrate").program("sh", ["-c", script])
}

fn keep() -> Policy {
    Policy::default().on_failure(Undo::Keep)
}

/// Lines of output that were told.
fn lines(recorder: &Recorder) -> Vec<String> {
    let notes = recorder.notes().into_iter();
    notes.filter(|(code, _)| code == "command-output").map(|(_, text)| text).collect()
}

#[tokio::test]
async fn the_exit_code_decides_and_every_line_is_told_without_secrets() {
    let recorder = Recorder::new();
    let cx = process(&MemoryJournal::new(), &recorder);
    let script = "echo one; echo key is $API_KEY >&2; printf 'no line break'";
    let command = shell(script).secret("API_KEY", "hunter22").build().unwrap();
    let report = command.deploy(&cx, &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded);
    let mut told = lines(&recorder);
    told.sort();
    assert_eq!(told, ["key is ***", "no line break", "one"]);
    assert!(!format!("{command:?}").contains("hunter22"));
}

#[tokio::test]
async fn a_failure_shows_the_exit_code_and_the_last_lines() {
    let cx = Context::builder("run").build();
    let report = shell("echo relation users exists; exit 3").build().unwrap().deploy(&cx, &keep()).await;
    assert_eq!((report.exit_code(), &report.verdict.outcome), (1, &Outcome::Ended(End::Failed)));
    let cause = report.verdict.causes[0].report();
    assert!(cause.contains("ended with exit code 3") && cause.contains("| relation users exists"), "{cause}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_refused_by_its_name() {
    let cx = Context::builder("run").build();
    let command = Command::builder("migrate").program("./no-such-program", ["x"]).build().unwrap();
    let report = command.deploy(&cx, &Policy::default()).await;
    let Outcome::Refused { error } = &report.verdict.outcome else { panic!("{report:?}") };
    assert_eq!((error.kind(), report.undone), (ErrorKind::NotFound, Undone::NothingToDo));
    assert!(error.message().contains("./no-such-program cannot be started"), "{error}");
}

#[tokio::test]
async fn a_failure_is_undone_by_the_program_that_undoes_it_and_otherwise_said_to_be_impossible() {
    let folder = tempfile::tempdir().unwrap();
    let undo = shell("exit 1").undo("sh", ["-c", "touch undone"]).folder(folder.path()).build().unwrap();
    let report = undo.deploy(&Context::builder("run").build(), &Policy::default()).await;
    assert_eq!((report.exit_code(), report.undone), (3, Undone::Reverted));
    assert!(folder.path().join("undone").exists());
    let without =
        shell("exit 1").build().unwrap().deploy(&Context::builder("run").build(), &Policy::default()).await;
    assert_eq!(without.exit_code(), 4);
    let reads = shell("exit 1").read_only().build().unwrap();
    assert_eq!(reads.deploy(&Context::builder("run").build(), &Policy::default()).await.exit_code(), 1);
}

fn alive(pid: &str) -> bool {
    // A zombie that nobody has waited for yet is dead.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come about within ten seconds");
}

#[tokio::test]
async fn a_stop_ends_the_program_and_everything_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let script = "sleep 600 & echo $! > child; echo $$ > parent; wait";
    let command = shell(script).folder(folder.path()).build().unwrap();
    let token = CancellationToken::new();
    let cx = Context::builder("run").cancel(token.clone()).build();
    let began = tokio::time::Instant::now();
    let pid =
        |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default().trim().to_owned();
    let policy = keep();
    let (report, ()) = tokio::join!(command.deploy(&cx, &policy), async {
        until(|| !pid("parent").is_empty() && !pid("child").is_empty()).await;
        assert!(alive(&pid("child")));
        token.cancel();
    });
    assert_eq!(report.exit_code(), 130);
    until(|| !alive(&pid("parent")) && !alive(&pid("child"))).await;
    assert!(began.elapsed() < Duration::from_secs(9), "SIGTERM was enough");
}

#[tokio::test]
async fn a_program_whose_target_is_dropped_is_killed_with_everything_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let command = shell("sleep 600 & echo $! > child; wait").folder(folder.path()).build().unwrap();
    let pid = || std::fs::read_to_string(folder.path().join("child")).unwrap_or_default().trim().to_owned();
    {
        let cx = Context::builder("run").build();
        let policy = keep();
        let deploying = command.deploy(&cx, &policy);
        tokio::select! {
            report = deploying => panic!("{report:?}"),
            () = until(|| !pid().is_empty()) => {}
        }
    }
    assert!(alive(&pid()));
    drop(command);
    until(|| !alive(&pid())).await;
}

/// A program that goes on until it is asked to end, and then takes a while to clean up.
const TIDY: &str = "trap 'sleep 0.5; touch cleaned; exit 0' TERM; touch begun; while :; do sleep 0.05; done";

fn there(folder: &tempfile::TempDir, name: &str) -> bool {
    folder.path().join(name).exists()
}

#[tokio::test]
async fn a_program_whose_target_is_dropped_has_its_time_to_clean_up() {
    let folder = tempfile::tempdir().unwrap();
    let command = shell(TIDY).folder(folder.path()).build().unwrap();
    {
        let cx = Context::builder("run").build();
        let policy = keep();
        let deploying = command.deploy(&cx, &policy);
        tokio::select! {
            report = deploying => panic!("{report:?}"),
            () = until(|| there(&folder, "begun")) => {}
        }
    }
    drop(command);
    until(|| there(&folder, "cleaned")).await;
}

#[tokio::test]
async fn a_program_whose_time_is_over_is_gone_before_it_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let command = shell(TIDY).undo("test", ["-e", "cleaned"]).folder(folder.path()).build().unwrap();
    let policy = Policy::default().timeout(Duration::from_secs(1));
    let report = command.deploy(&Context::builder("run").build(), &policy).await;
    assert_eq!((report.exit_code(), &report.undone), (6, &Undone::Reverted), "{report:?}");
    let cause = report.verdict.causes[0].report();
    assert!(cause.contains("after it was told to stop"), "{cause}");
}

#[tokio::test]
async fn a_program_whose_time_is_over_is_ended_although_nothing_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let command = shell(TIDY).folder(folder.path()).build().unwrap();
    let report =
        command.deploy(&Context::builder("run").build(), &keep().timeout(Duration::from_secs(1))).await;
    assert_eq!((report.exit_code(), there(&folder, "cleaned")), (6, true), "{report:?}");
}

#[tokio::test]
async fn a_program_is_gone_before_its_step_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("test -e begun && exec test -e cleaned; {TIDY}");
    let command = shell(&script).undo("test", ["-e", "cleaned"]).folder(folder.path()).build().unwrap();
    let retried = Retry::new(Timeout::new(command, Duration::from_secs(1)), 2);
    let began = tokio::time::Instant::now();
    let report = retried.deploy(&Context::builder("run").build(), &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded, "{report:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "a look holds no longer than the time that is left");
}

#[tokio::test]
async fn a_program_that_was_told_to_stop_has_not_succeeded_although_its_exit_code_is_0() {
    let folder = tempfile::tempdir().unwrap();
    let command = shell(TIDY).folder(folder.path()).build().unwrap();
    let journal = MemoryJournal::new();
    let token = CancellationToken::new();
    let cx = Context::builder("run").journal(std::sync::Arc::new(journal.clone())).cancel(token.clone());
    let cx = cx.build();
    let policy = keep();
    let (report, ()) = tokio::join!(command.deploy(&cx, &policy), async {
        until(|| there(&folder, "begun")).await;
        token.cancel();
    });
    assert_eq!(report.exit_code(), 130);
    drop(cx);
    until(|| there(&folder, "cleaned")).await;
    let cx = Context::builder("run").journal(std::sync::Arc::new(journal.clone())).build();
    let report = command.deploy(&cx, &keep()).await;
    assert_eq!(report.verdict.outcome, Outcome::Ended(End::Failed), "{report:?}");
}

/// The process dies while the program runs; another one goes on.
async fn killed_and_run_again(
    command: impl Fn() -> Command,
    ran: &std::path::Path,
) -> landfall_core::StepReport {
    let journal = MemoryJournal::new();
    {
        let (first, cx) = (command(), process(&journal, &Recorder::new()));
        let policy = keep();
        let deploying = first.deploy(&cx, &policy);
        tokio::select! {
            report = deploying => panic!("{report:?}"),
            () = until(|| std::fs::read_to_string(ran).is_ok_and(|text| !text.is_empty())) => {}
        }
    }
    let cx = process(&journal, &Recorder::new());
    command().deploy(&cx, &keep()).await
}

#[tokio::test]
async fn a_program_of_which_it_is_not_known_whether_it_ran_is_not_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let command = || shell("echo x >> ran; sleep 600").folder(folder.path()).build().unwrap();
    let report = killed_and_run_again(command, &ran).await;
    let Outcome::Unknown { error } = &report.verdict.outcome else { panic!("{report:?}") };
    assert_eq!((report.exit_code(), &report.undone), (9, &Undone::Kept));
    assert!(error.message().contains("whether it ran to its end is not known"), "{error}");
    assert!(error.hint().unwrap().contains("declare it repeatable"), "{error:?}");
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "x\n");
}

#[tokio::test]
async fn a_program_that_is_declared_repeatable_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let script = "test -s ran && exit 0; echo x >> ran; sleep 600";
    let command = || shell(script).folder(folder.path()).repeatable().build().unwrap();
    let report = killed_and_run_again(command, &ran).await;
    assert_eq!(report.verdict.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_secret_of_several_lines_or_with_blanks_is_hidden_in_each_line() {
    let recorder = Recorder::new();
    let cx = process(&MemoryJournal::new(), &recorder);
    let command = shell("echo \"<$TOKEN>\"; echo \"$KEY\" >&2; exit 1")
        .secret("TOKEN", "hunter22\n")
        .secret("KEY", "first line\nsecond line\r\n");
    let report = command.build().unwrap().deploy(&cx, &keep()).await;
    let told = format!("{} {report:?}", recorder.json_lines());
    assert!(!["hunter22", "first", "second"].iter().any(|secret| told.contains(secret)), "{told}");
    assert!(lines(&recorder).contains(&"<***".to_owned()), "{:?}", lines(&recorder));
}

#[tokio::test]
async fn a_secret_where_a_long_line_is_cut_is_hidden() {
    for before in [4085, 4090, 4095, 4096, 8185] {
        let recorder = Recorder::new();
        let cx = process(&MemoryJournal::new(), &recorder);
        let script = format!("printf '%0{before}d' 0; printf '%s' \"$TOKEN\"; printf '%050d' 1");
        let command = shell(&script).secret("TOKEN", "hunter22hunter23").build().unwrap();
        command.deploy(&cx, &keep()).await;
        let told = lines(&recorder).concat();
        assert_eq!(told.replace("***", "").len(), before + 50, "{before}: {told}");
        assert!(!told.contains("hunter") && told.contains("***"), "{before}: {told}");
    }
}

#[tokio::test]
async fn a_secret_in_an_argument_is_not_told_either() {
    let recorder = Recorder::new();
    let cx = process(&MemoryJournal::new(), &recorder);
    let command = shell("exit 1 # hunter22").secret("TOKEN", "hunter22").build().unwrap();
    let report = command.deploy(&cx, &keep()).await;
    let told = format!("{} {report:?} {command:?}", recorder.json_lines());
    assert!(told.contains("exit 1 # ***") && !told.contains("hunter22"), "{told}");
}

#[test]
fn another_variable_folder_or_undo_is_another_command_and_another_value_of_a_secret_is_not() {
    let of = |builder: CommandBuilder| builder.build().unwrap().specification();
    let plain = of(shell("x"));
    assert_ne!(plain, of(shell("x").variable("STAGE", "prod")));
    assert_ne!(of(shell("x").variable("STAGE", "prod")), of(shell("x").variable("STAGE", "test")));
    assert_ne!(plain, of(shell("x").folder("/srv")));
    assert_ne!(plain, of(shell("x").secret("TOKEN", "hunter22")));
    assert_eq!(of(shell("x").secret("TOKEN", "hunter23")), of(shell("x").secret("TOKEN", "hunter22")));
    let program = |arguments: &[&str]| Command::builder("x").program("x", arguments.to_vec());
    assert_ne!(of(program(&["undo", "y"])), of(program(&[]).undo("y", ["undo"])));
}

#[tokio::test]
async fn a_program_that_changes_nothing_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let script = "test -s ran && exit 0; echo x >> ran; sleep 600";
    let command = || shell(script).folder(folder.path()).read_only().build().unwrap();
    let report = killed_and_run_again(command, &ran).await;
    assert_eq!(report.verdict.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn programs_that_change_nothing_run_beside_each_other_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    // Each waits for the other.
    let script = "touch $ME; while ! test -e $OTHER; do sleep 0.05; done";
    let test = |me: &str, other: &str| {
        shell(script).variable("ME", me).variable("OTHER", other).folder(folder.path()).read_only()
    };
    let (one, other) = (test("a", "b").build().unwrap(), test("b", "a").build().unwrap());
    let both = Pipeline::builder().step("one", one).step("other", other).build().unwrap();
    let report = both.run(&Context::builder("run").build()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
    let writes = || shell("exit 0").build().unwrap();
    let error = Pipeline::builder().step("one", writes()).step("other", writes()).build().unwrap_err();
    assert!(error.report().contains("both deploy to"), "{}", error.report());
}

#[tokio::test]
async fn a_command_that_is_used_in_two_steps_at_once_does_not_end_its_other_run() {
    let command = shell("sleep 0.3").read_only().build().unwrap();
    let both = Pipeline::builder().step("one", command.clone()).step("other", command).build().unwrap();
    let report = both.run(&Context::builder("run").build()).await;
    assert_eq!(report.exit_code, 0, "{}", report.text());
}

#[test]
fn every_problem_of_a_command_is_named_at_once() {
    let error = Command::builder(" ").secret("A=B", "abc").build().unwrap_err();
    assert_eq!(error.causes().len(), 4, "{}", error.report());
}
