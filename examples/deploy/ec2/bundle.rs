//! `deploy ec2 bundle`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use jiff::Timestamp;
use landfall::aws::bounded::read_text;
use landfall::aws::environment::Environment;
use landfall::ec2_cfn::bundle::{
    Bundle as Target, BundleBuilder, BundleSpec, Checksums, Format, Modes, Platform, PushFile, Symlinks,
};
use landfall::event::Level;
use landfall::{Cause, Result};

use super::{no_stack, output};
use crate::flags::{collect, complete, pair};
use crate::step::{self, Call};

const REFUSED: &str = "the bundle cannot be made as asked";

/// Bytes that a push file may have: three short members.
const LARGEST_PUSH_FILE: usize = 64 * 1024;

/// The folder, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct Bundle {
    /// A JSON file with applicationName, source and s3Location, as GitLab has one; the other flags go before what it says
    #[arg(long, value_name = "FILE")]
    push_file: Option<PathBuf>,
    /// Folder to pack; what its .deployignore names stays out
    #[arg(long, value_name = "DIR", required_unless_present = "push_file")]
    source: Option<PathBuf>,
    /// Where it goes: a bucket, or a prefix that ends with `/`, to which a digest of the content is added, or a whole key
    #[arg(long, value_name = "s3://BUCKET[/PREFIX/|/KEY]", required_unless_present = "push_file")]
    s3_location: Option<String>,
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
    /// Compression, 0 to 9 [default: 1, about as small as `zip -6`]
    #[arg(long, value_name = "LEVEL")]
    level: Option<u32>,
    /// Account that the bucket must belong to [default: the one that is deployed to]
    #[arg(long, value_name = "ACCOUNT")]
    bucket_owner: Option<String>,
    /// Makes the bucket when there is none: encrypted, closed to the public, unfinished uploads removed after a day
    #[arg(long)]
    create_bucket: bool,
    /// KMS key to encrypt with
    #[arg(long, value_name = "KEY")]
    kms_key: Option<String>,
    /// Tag of the object; repeat for several
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    object_tag: Vec<String>,
    /// Metadata of the object; repeat for several. `run`, and `commit` from $CI_COMMIT_SHA, are there anyway
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append)]
    object_metadata: Vec<String>,
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
pub(super) async fn run(mut call: Call<'_>, what: &Bundle) -> Result<u8> {
    call.global.no_change_set(&mut call.problems);
    if let Some(file) = what.push_file(&mut Vec::new()) {
        let text = format!(
            "application {} of the push file is not asked: the deployment of the bundle makes it known there",
            file.application
        );
        call.cx.note(Level::Info, "application-not-asked", text);
    }
    let spec = spec(&call.process, call.cx.run(), what);
    step::deploy(call, REFUSED, spec, |spec, session| spec.target(&session.config, session.place.clone()))
        .await
}

fn spec(process: &Environment, run: &str, what: &Bundle) -> Result<BundleSpec> {
    let mut problems = Vec::new();
    let file = what.push_file(&mut problems);
    let (builder, output) = what.builder(file.as_ref(), &mut problems);
    let builder = what.labelled(builder, process, run, &mut problems);
    problems.extend(output.map(|output| no_stack("--s3-location", &output)));
    // Without a folder or a bucket, the builder would only say so once more.
    let built = if problems.is_empty() { collect(builder.build(), &mut problems) } else { None };
    complete(REFUSED, built, problems)
}

impl Bundle {
    /// What the push file says, if there is one and it can be read.
    pub(super) fn push_file(&self, problems: &mut Vec<Cause>) -> Option<PushFile> {
        let path = self.push_file.as_deref()?;
        let name = path.display().to_string();
        match read_text(path, LARGEST_PUSH_FILE) {
            Ok(text) => collect(PushFile::parse(&name, &text), problems),
            Err(error) => {
                problems.push(Cause::invalid("--push-file", format!("{name} cannot be read: {error}")));
                None
            }
        }
    }

    /// All that the flags say, and the output of the stack that names the bucket, if one does. Folder and bucket are missing
    /// when the push file could not be read.
    pub(super) fn builder(
        &self,
        file: Option<&PushFile>,
        problems: &mut Vec<Cause>,
    ) -> (BundleBuilder, Option<String>) {
        let mut builder = self.choices(problems);
        if let Some(source) = self.source.as_ref().or(file.map(|file| &file.source)) {
            builder = builder.source(source);
        }
        let text = self.s3_location.as_ref().or(file.map(|file| &file.s3_location));
        let Some(text) = text else { return (builder, None) };
        let Some((bucket, key)) = location(text) else {
            let text =
                format!("--s3-location {text:?} is not s3://BUCKET, s3://BUCKET/PREFIX/ or s3://BUCKET/KEY");
            problems.push(Cause::invalid("--s3-location", text));
            return (builder.bucket("none-given"), None);
        };
        builder = if key.is_empty() || key.ends_with('/') { builder.prefix(key) } else { builder.key(key) };
        match output(bucket) {
            Some(output) => (builder, Some(output.to_owned())),
            None => (builder.bucket(bucket), None),
        }
    }

    /// With what the environment says of the bundle: who made it of what, and when its files were modified.
    pub(super) fn labelled(
        &self,
        mut builder: BundleBuilder,
        process: &Environment,
        run: &str,
        problems: &mut Vec<Cause>,
    ) -> BundleBuilder {
        // Metadata goes by headers.
        let plain = |text: &str| {
            text.chars()
                .map(|one| if one.is_ascii_graphic() { one } else { '-' })
                .take(256)
                .collect::<String>()
        };
        builder = builder.metadata("run", plain(run));
        if let Some(commit) = process.get("CI_COMMIT_SHA") {
            builder = builder.metadata("commit", plain(commit));
        }
        for text in &self.object_metadata {
            if let Some((name, value)) = collect(pair("--object-metadata", text), problems) {
                builder = builder.metadata(name, value);
            }
        }
        match process.get("SOURCE_DATE_EPOCH").map(moment) {
            Some(Ok(at)) => builder.modified(at),
            Some(Err(problem)) => {
                problems.push(*problem);
                builder
            }
            None => builder,
        }
    }

    /// What is said by single flags.
    fn choices(&self, problems: &mut Vec<Cause>) -> BundleBuilder {
        let mut builder = Target::builder()
            .format(match self.format {
                Archive::Zip => Format::Zip,
                Archive::Tar => Format::Tar,
                Archive::Tgz => Format::Tgz,
            })
            .symlinks(match self.symlinks {
                Links::Preserve => Symlinks::Preserve,
                Links::Follow => Symlinks::Follow,
                Links::Refuse => Symlinks::Refuse,
            })
            .platform(match self.platform {
                System::Linux => Platform::Linux,
                System::Windows => Platform::Windows,
            })
            .modes(if self.keep_modes { Modes::Keep } else { Modes::Normalised })
            .checksums(if self.checksum_when_required {
                Checksums::WhenRequired
            } else {
                Checksums::Crc64Nvme
            })
            .check_appspec(!self.no_appspec)
            .create_bucket(self.create_bucket);
        builder = self.ignore.iter().fold(builder, |builder, glob| builder.ignore(glob));
        builder = self.executable.iter().fold(builder, |builder, glob| builder.executable(glob));
        if let Some(level) = self.level {
            builder = builder.level(level);
        }
        if let Some(account) = &self.bucket_owner {
            builder = builder.expected_bucket_owner(account);
        }
        if let Some(key) = &self.kms_key {
            builder = builder.kms_key(key);
        }
        for text in &self.object_tag {
            if let Some((key, value)) = collect(pair("--object-tag", text), problems) {
                builder = builder.tag(key, value);
            }
        }
        builder
    }
}

/// A moment as SOURCE_DATE_EPOCH has it: seconds since 1970, here of the years that zip files know.
fn moment(text: &str) -> std::result::Result<Timestamp, Box<Cause>> {
    let seconds = text.parse().ok().filter(|seconds| (315_532_800..=4_354_819_199_i64).contains(seconds));
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(|| {
        let field = "SOURCE_DATE_EPOCH";
        let message =
            format!("{field} is {text:?}, and seconds since 1970 are expected, of the years 1980 to 2107");
        let hint = "unset it to pack as always: with 1980-01-01 as the time of every file";
        Box::new(Cause::invalid(field, message).with_hint(hint))
    })
}

/// Bucket and key of `s3://BUCKET/KEY`; the key may be empty.
pub(super) fn location(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, key))
}
