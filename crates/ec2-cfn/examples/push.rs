//! Packs a folder and sends it to S3: for benchmarks, and for a look at what an upload does when it is killed.
//!
//! ```sh
//! push --source build --bucket demo-bucket --prefix web/ --account 111122223333 [--format zip] [--level 1] [--threads 2]
//!      [--journal DIR] [--run-id ID] [--no-appspec yes]
//! ```
//!
//! Keys, region and endpoint come from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and `AWS_ENDPOINT_URL`.
//! Prints the outputs, a line each. The exit code is the report's.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use landfall_aws::environment::Environment;
use landfall_core::{Context, DeployTargetExt, FileJournal, Place, Policy};
use landfall_ec2_cfn::bundle::{Bundle, Format};

type Failed = Box<dyn std::error::Error>;

fn bundle(options: &BTreeMap<String, String>) -> Result<Bundle, Failed> {
    let environment = Environment::from_process();
    let given = |name: &str| environment.get(name).ok_or(format!("{name} is not set"));
    let option = |name: &str| options.get(name).ok_or(format!("--{name} is missing"));
    let region = given("AWS_REGION")?;
    let (key, secret) = (given("AWS_ACCESS_KEY_ID")?, given("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(key, secret, None, None, "environment");
    let http = landfall_aws::http::client(&environment)?;
    let config = landfall_aws::config::builder(&environment, region, http)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let mut builder = Bundle::builder()
        .source(option("source")?)
        .bucket(option("bucket")?)
        .prefix(options.get("prefix").cloned().unwrap_or_default())
        .check_appspec(!options.contains_key("no-appspec"));
    if let Some(format) = options.get("format") {
        builder = builder.format(match format.as_str() {
            "zip" => Format::Zip,
            "tar" => Format::Tar,
            "tgz" => Format::Tgz,
            other => return Err(format!("there is no format {other}").into()),
        });
    }
    if let Some(level) = options.get("level") {
        builder = builder.level(level.parse()?);
    }
    if let Some(threads) = options.get("threads") {
        builder = builder.threads(threads.parse()?);
    }
    Ok(builder.build()?.target(&config, Place::new("aws", option("account")?, region))?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut options = BTreeMap::new();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} has no value", pair[0]).into()) };
        options.insert(name.trim_start_matches("--").to_owned(), value.clone());
    }
    let run = options.get("run-id").cloned().unwrap_or_else(|| "push/1".to_owned());
    let mut cx = Context::builder(run);
    if let Some(folder) = options.get("journal") {
        cx = cx.journal(Arc::new(FileJournal::new(folder)));
    }
    let report = bundle(&options)?.deploy(&cx.build(), &Policy::default()).await;
    let mut out = std::io::stdout();
    writeln!(out, "outcome {:?}", report.verdict.outcome)?;
    if let Some(receipt) = &report.receipt {
        writeln!(out, "receipt {}", receipt.summary)?;
    }
    for (name, value) in report.verdict.outputs.iter() {
        writeln!(out, "{name} {value}")?;
    }
    Ok(ExitCode::from(report.exit_code()))
}
