//! `helm template`.

use std::fmt;
use std::path::Path;

use landfall_aws::environment::Environment;
use landfall_core::Cause;

use super::program::{LIMITS, command, find, is_flag, run};

/// A chart, and what it is filled in with. `Debug` shows chart and release only.
#[derive(Clone, PartialEq, Eq)]
pub struct HelmChart {
    /// A folder, an archive, or what else `helm template` takes: `repository/chart`, `oci://...`.
    pub chart: String,
    /// The release that its templates are told the name of.
    pub release: String,
    /// Files of values, the later ones over the earlier.
    pub values: Vec<String>,
    /// Single values, `key=value`, over those of files. Other users of the machine see them while `helm` runs, so secrets
    /// belong into a file.
    pub sets: Vec<String>,
}

impl fmt::Debug for HelmChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HelmChart({} {})", self.release, self.chart)
    }
}

/// What a chart comes to, with the command that printed it. CustomResourceDefinitions are among it, as in an
/// installation, and the chart's tests are not.
pub(in crate::input) fn template(
    wanted: &HelmChart,
    namespace: Option<&str>,
    environment: &Environment,
) -> Result<(String, String), Vec<Cause>> {
    let HelmChart { chart, release, values, sets } = wanted;
    let problems = problems(wanted);
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some(program) = find(environment, "helm") else {
        let message = format!("`{chart}` is a chart, and there is no `helm` in PATH");
        let hint =
            "put helm into the image of the job, or run `helm template` elsewhere and give what it prints";
        return Err(vec![Cause::invalid("helm", message).with_hint(hint)]);
    };
    let shown = format!("helm template {release} {chart}");
    let mut command = command(&program, environment);
    command.args(["template", release, chart, "--include-crds", "--skip-tests"]);
    if let Some(namespace) = namespace {
        command.args(["--namespace", namespace]);
    }
    command.args(values.iter().flat_map(|file| ["--values", file]));
    command.args(sets.iter().flat_map(|set| ["--set", set]));
    let text = run(command, &shown, &LIMITS).map_err(|cause| {
        let incomplete = cause.evidence.iter().any(|line| line.contains("missing in charts/"));
        let hint = match incomplete {
            true => format!("fetch what the chart depends on first: helm dependency build {chart}"),
            false => format!("run `{shown}` by hand with the same values: it has to succeed there first"),
        };
        vec![cause.with_hint(hint)]
    })?;
    Ok((shown, text))
}

/// All that is wrong before anything is run.
fn problems(wanted: &HelmChart) -> Vec<Cause> {
    let mut problems = Vec::new();
    let mut problem = |message: String, hint: &str| {
        problems.push(Cause::invalid("helm", format!("helm: {message}")).with_hint(hint));
    };
    for (what, text) in [("chart", &wanted.chart), ("release", &wanted.release)] {
        if text.trim().is_empty() {
            problem(format!("the name of the {what} is empty"), "a variable for it was probably not set");
        } else if is_flag(text) {
            problem(
                format!("`{text}` is a flag and no {what}"),
                "name the chart and the release; flags are not passed on",
            );
        }
    }
    for file in &wanted.values {
        if file.trim().is_empty() {
            problem(
                "the name of a file of values is empty".to_owned(),
                "a variable for it was probably not set",
            );
        } else if !file.contains("://") && !Path::new(file).is_file() {
            let hint = "check the path; it is taken from the directory the command runs in";
            problem(format!("there is no file of values `{file}`"), hint);
        }
    }
    for set in &wanted.sets {
        let key = set.split('=').next().unwrap_or_default();
        if key.trim().is_empty() || !set.contains('=') {
            // The text is not shown: it may be a value whose key was left out.
            problem(
                "a single value is not of the form key=value".to_owned(),
                "write it like image.tag=1.2.3",
            );
        }
    }
    problems
}
