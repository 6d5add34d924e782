//! Runs every failure mode on a paused clock and writes down what was said. Nothing of that is written by hand.

mod cases;
mod run;
mod sources;

use std::fmt::Write as _;

use cases::{CASES, Case};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HEAD: &str = "\
# Stacks, bundles, deployments: how they fail, and what is said

Each row is a run against the simulated AWS, and shows its exit code with the flags that are named and no others: `deploy ec2
stack --simulate --scenario NAME` for S, `ec2 stack delete --yes` for what is in the way of a deletion (S10, and the protected
stack of S11), `ec2 bundle` (to `s3://demo-bucket/bundle.zip`) for P, `ec2 deploy` (of `demo/2.zip` to application and group
`demo`) for C. Of what a person reads, the first line of the cause is shown; behind it come evidence and the next step. A test
makes the page anew (`just causes`) and wants a next step in every row.

";

const FOOT: &str = "
What the words mean:

- The cause is the first failure that has no other behind it: what CloudFormation calls cancelled is counted in one line, a
  nested stack's failure is that of the resource within it, and what fails on the way back is told beside the cause.
- Exit code 1 and 2: nothing was changed, or what failed is as it is. 3: what was there before is there again, put back by
  AWS or by landfall. 4: putting back failed as well, or was impossible. 6 and 130: the stack or the deployment goes on, and
  it is said how to go on waiting. 7: sign in again; the same run id attaches.
- A new stack stays behind empty after its rollback (`ROLLBACK_COMPLETE`) and can only be deleted, which landfall does with
  consent only: `--recreate-failed` is `never`, `if-ours` or `always`, and none of them takes a stack that was complete once or
  is protected. A change set that is refused or cannot be made is deleted, with the empty stack that it had made.
- Values of parameters with `NoEcho` stand nowhere: not in plans, records, events or errors, and not in the outputs either.
  What CloudFormation hides cannot be put back; an undo that would need it says so instead of guessing.
";

/// What a case came to.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The cause's code; `refused` for an error that says all itself.
    pub(crate) code: String,
    /// The cause, in one line.
    pub(crate) message: String,
    pub(crate) exit_code: u8,
}

/// A failure mode, and what came of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: &'static Case,
    pub(crate) told: Told,
}

/// Every row.
///
/// # Errors
/// A case that cannot be run, or does not name the cause that it is about and the next step.
pub(crate) fn rows() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for case in CASES {
        match runtime.block_on(run::run(case)) {
            Ok(told) => rows.push(Row { case, told }),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems.join("\n").into()) }
}

/// The whole page.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(HEAD);
    text.push_str("| Mode | What happens | Scenario | Cause | Exit code |\n|---|---|---|---|---|\n");
    for Row { case, told } in rows {
        let flags = if case.flags.is_empty() { String::new() } else { format!(" `{}`", case.flags) };
        let (code, message) = (&told.code, plain(&told.message));
        let (mode, what, scenario, exit) = (case.mode, case.what, case.scenario, told.exit_code);
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {mode} | {what} | `{scenario}`{flags} | `{code}`: {message} | {exit} |");
    }
    text.push_str(FOOT);
    text
}

/// The text for a cell: one line, without the ids of requests and what is made of them.
fn plain(message: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in message.split_whitespace() {
        match word {
            _ if word.trim_matches('`').starts_with("landfall-") => words.push("landfall-...".to_owned()),
            "(request" => {}
            _ if word.ends_with(')') && word.len() == 37 => {}
            _ => words.push(word.replace('|', "\\|")),
        }
    }
    words.join(" ")
}
