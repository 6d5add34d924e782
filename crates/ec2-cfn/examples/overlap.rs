//! A release of a stack with an Auto Scaling group, a bundle and a deployment on the simulator: the calls that are made, and
//! the time it takes beside the sum of its parts.
//!
//! ```sh
//! cargo run --release -p landfall-ec2-cfn --example overlap
//! ```
//!
//! How long things take is made up: two resources of five seconds each, half a second for each part of an upload, and
//! the simulator's three instances one after another. What is shown is which of them take place at once.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use landfall_core::pipeline::Settled;
use landfall_core::{Context, Error, Place, Report, Result};
use landfall_ec2_cfn::bundle::Bundle;
use landfall_ec2_cfn::deployment::Deployment;
use landfall_ec2_cfn::release::release;
use landfall_ec2_cfn::stack::{Stack, TemplateSource};
use landfall_simulator::{
    DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, Fault, FaultKind, Simulator, StackRule, World,
};

const TEMPLATE: &str = include_str!("../tests/release/shop.yaml");

/// Files of four mebibytes that cannot be compressed.
const FILES: u64 = 25;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(|error| Error::internal("no runtime").with_source(&error));
    let mut out = std::io::stdout();
    match ended.and_then(|runtime| runtime.block_on(show())) {
        Ok(text) => {
            let _ = out.write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(out, "{}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn show() -> Result<String> {
    let folder = tempfile::tempdir().map_err(|error| Error::internal("no folder").with_source(&error))?;
    fill(folder.path()).map_err(|error| Error::internal("no files").with_source(&error))?;
    let simulator = Simulator::builder().world(World::demo()).wall_clock().build();
    let slow = StackRule { operation: "create".to_owned(), takes_ms: Some(5_000), ..StackRule::default() };
    simulator.cloudformation(DEMO_ACCOUNT, DEMO_REGION).behave(slow);
    simulator.add_fault(Fault::new("s3", "UploadPart", FaultKind::Delay { ms: 500 }));
    let wanted = release(
        Stack::builder().name("shop").template(TemplateSource::text("shop.yaml", TEMPLATE)),
        Bundle::builder().source(folder.path()).bucket(DEMO_BUCKET).prefix("web/"),
        Deployment::builder(),
    );
    let wanted = wanted.application_from("Application").deployment_group_from("DeploymentGroup").build()?;
    let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
    let pipeline = wanted.pipeline(&simulator.sdk_config(), &place)?.build()?;
    let report = pipeline.run(&Context::builder("shop/81/release").step("release").build()).await;
    if report.exit_code != 0 {
        return Err(Error::internal(report.text()));
    }
    Ok(format!("{}\n{}", times(&report), calls(&simulator)))
}

fn times(report: &Report) -> String {
    let since = |at: Timestamp| at.duration_since(report.started).as_secs_f64();
    let took = |step: &Settled| step.ended.duration_since(step.started).as_secs_f64();
    let settled: Vec<(&str, &Settled)> =
        report.steps.iter().filter_map(|step| Some((step.name.as_str(), step.settled()?))).collect();
    let mut text = format!("{:<11} {:>9} {:>9} {:>9}\n", "step", "began", "ended", "took");
    for (name, step) in &settled {
        let (began, ended) = (since(step.started), since(step.ended));
        text.push_str(&format!("{name:<11} {began:>7.1} s {ended:>7.1} s {:>7.1} s\n", took(step)));
    }
    let (sum, wall) = (
        settled.iter().map(|(_, step)| took(step)).sum::<f64>(),
        f64::from(report.took_ms() as u32) / 1000.0,
    );
    text.push_str(&format!(
        "sum of the parts {sum:.1} s, wall time {wall:.1} s: {:.1} s take place at once\n",
        sum - wall
    ));
    text
}

fn calls(simulator: &Simulator) -> String {
    let all = simulator.calls();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for call in &all {
        *counts.entry((call.service.as_str(), call.operation.as_str())).or_default() += 1;
    }
    let mut text =
        format!("calls: {}, of which {} write\n", all.len(), all.iter().filter(|call| call.write).count());
    for ((service, operation), count) in counts {
        text.push_str(&format!("  {count:>4}  {service} {operation}\n"));
    }
    text
}

/// A folder with an application specification and what cannot be compressed.
fn fill(folder: &Path) -> std::io::Result<()> {
    std::fs::write(folder.join("appspec.yml"), "version: 0.0\nos: linux\n")?;
    for number in 0..FILES {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        let bytes: Vec<u8> = (0..4 * 1024 * 1024).map(|_| next()).collect();
        std::fs::write(folder.join(format!("{number}.bin")), bytes)?;
    }
    Ok(())
}
