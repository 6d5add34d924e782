//! `deploy ec2 bundle`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use landfall::aws::environment::Environment;
use landfall::ec2_cfn::bundle::{Bundle as Target, BundleSpec, Checksums, Format, Modes, Platform, Symlinks};
use landfall::{Cause, Context, Result};

use super::pair;
use crate::flags::{Global, collect, complete};
use crate::step;

/// The folder, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct Bundle {
    /// Folder to pack; what its .deployignore names stays out
    #[arg(long, value_name = "DIR")]
    source: PathBuf,
    /// Where it goes: a bucket, or a prefix that ends with `/`, to which a digest of the content is added, or a whole key
    #[arg(long, value_name = "s3://BUCKET[/PREFIX/|/KEY]")]
    s3_location: String,
    /// Format of the archive
    #[arg(long, value_name = "FORMAT", default_value = "zip")]
    format: Archive,
    /// Leaves out what fits, in the way of a line in .gitignore; repeat for several
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    ignore: Vec<String>,
    /// Packs what fits as executable, for checkouts without such permissions; repeat for several
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    executable: Vec<String>,
    /// What becomes of symbolic links
    #[arg(long, value_name = "HOW", default_value = "preserve")]
    symlinks: Links,
    /// Packs permissions as they are, instead of 0755 and 0644
    #[arg(long)]
    keep_modes: bool,
    /// Compression, 0 to 9 [default: 5]
    #[arg(long, value_name = "LEVEL")]
    level: Option<u32>,
    /// Account that the bucket must belong to [default: the one that is deployed to]
    #[arg(long, value_name = "ACCOUNT")]
    bucket_owner: Option<String>,
    /// KMS key to encrypt with
    #[arg(long, value_name = "KEY")]
    kms_key: Option<String>,
    /// Tag of the object; repeat for several
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    tag: Vec<String>,
    /// Sends no checksums beyond what must be, for stores that are compatible with an older S3
    #[arg(long)]
    checksum_when_required: bool,
    /// System of the instances, by which appspec.yml is checked
    #[arg(long, value_name = "OS", default_value = "linux")]
    platform: System,
    /// Does not check appspec.yml: the bundle is not for CodeDeploy
    #[arg(long)]
    no_appspec: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Archive {
    Zip,
    Tar,
    Tgz,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Links {
    Preserve,
    Follow,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum System {
    Linux,
    Windows,
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the upload began.
pub(super) async fn run(
    global: &Global,
    what: &Bundle,
    process: Environment,
    cx: &Context,
    mut problems: Vec<Cause>,
) -> Result<u8> {
    let policy = global.policy(&mut problems);
    global.no_change_set(&mut problems);
    let spec = collect(spec(what), &mut problems);
    let ready = step::ready(global, process, cx, &policy, problems).await?;
    let spec = complete("the bundle cannot be made as asked", spec, Vec::new())?;
    let mut problems = Vec::new();
    let bundle = collect(spec.target(&ready.session.config, ready.session.place.clone()), &mut problems);
    let bundle = complete("the target is not where the credentials are", bundle, problems)?;
    step::run(global, &bundle, cx, &policy).await
}

fn spec(what: &Bundle) -> Result<BundleSpec> {
    let mut problems = Vec::new();
    let mut builder = Target::builder()
        .source(&what.source)
        .format(match what.format {
            Archive::Zip => Format::Zip,
            Archive::Tar => Format::Tar,
            Archive::Tgz => Format::Tgz,
        })
        .symlinks(match what.symlinks {
            Links::Preserve => Symlinks::Preserve,
            Links::Follow => Symlinks::Follow,
            Links::Refuse => Symlinks::Refuse,
        })
        .platform(match what.platform {
            System::Linux => Platform::Linux,
            System::Windows => Platform::Windows,
        })
        .modes(if what.keep_modes { Modes::Keep } else { Modes::Normalised })
        .checksums(if what.checksum_when_required { Checksums::WhenRequired } else { Checksums::Crc64Nvme })
        .check_appspec(!what.no_appspec);
    match location(&what.s3_location) {
        Some((bucket, key)) if key.is_empty() || key.ends_with('/') => {
            builder = builder.bucket(bucket).prefix(key);
        }
        Some((bucket, key)) => builder = builder.bucket(bucket).key(key),
        None => {
            let text = format!(
                "--s3-location {:?} is not s3://BUCKET, s3://BUCKET/PREFIX/ or s3://BUCKET/KEY",
                what.s3_location
            );
            problems.push(Cause::invalid("--s3-location", text));
            builder = builder.bucket("none-given");
        }
    }
    builder = what.ignore.iter().fold(builder, |builder, glob| builder.ignore(glob));
    builder = what.executable.iter().fold(builder, |builder, glob| builder.executable(glob));
    if let Some(level) = what.level {
        builder = builder.level(level);
    }
    if let Some(account) = &what.bucket_owner {
        builder = builder.expected_bucket_owner(account);
    }
    if let Some(key) = &what.kms_key {
        builder = builder.kms_key(key);
    }
    for text in &what.tag {
        if let Some((key, value)) = collect(pair("--tag", text), &mut problems) {
            builder = builder.tag(key, value);
        }
    }
    let built = collect(builder.build(), &mut problems);
    complete("the bundle cannot be made as asked", built, problems)
}

/// Bucket and key of `s3://BUCKET/KEY`; the key may be empty.
pub(super) fn location(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, key))
}
