//! Templates and folders, good ones and bad ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall::ec2_cfn::bundle::{Bundle, BundleBuilder, Platform};
use landfall::ec2_cfn::stack::{OnStackFailure, Stack, StackBuilder, TemplateSource};

use super::Result;

const TEMPLATE: &str = include_str!("../../../crates/ec2-cfn/tests/stack/templates/queue.yaml");
const WITH_ROLE: &str = include_str!("../../../crates/ec2-cfn/tests/stack/templates/iam-named.json");

/// What template the stack is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Template {
    Good,
    /// More than a request takes.
    Large,
    /// More than S3 may hold of it.
    Huge,
    /// A key stands there twice.
    Broken,
    /// A parameter that it does not declare.
    Unknown,
    /// A parameter without a value.
    Valueless,
    /// It makes a role with a name, and that is not allowed.
    Capped,
    /// The queue has a name of its own.
    Named,
    /// The same, and what exists is to be taken over.
    Importing,
    /// Replacements are allowed, and a failure is to be kept.
    Kept,
    /// In express mode, and a failure is to be kept.
    Express,
}

/// A stack `web`.
pub(super) fn stack(template: Template) -> StackBuilder {
    let of = |text: String| Stack::builder().name("web").template(TemplateSource::text("queue.yaml", text));
    let filled = |bytes: usize| of(format!("{TEMPLATE}# {}\n", "x".repeat(bytes)));
    match template {
        Template::Good => of(TEMPLATE.to_owned()),
        Template::Large => filled(60_000),
        Template::Huge => filled(1_100_000),
        Template::Broken => of(TEMPLATE.replace("  Queue:\n", "  Topic:\n")),
        Template::Unknown => of(TEMPLATE.to_owned()).parameter("Colour", "red"),
        Template::Valueless => of(format!("Parameters:\n  Size: {{Type: String}}\n{}", without_parameters())),
        Template::Named => of(named()),
        Template::Importing => of(named()).import_existing(true),
        Template::Kept => {
            of(TEMPLATE.to_owned()).allow_replacement(true).on_stack_failure(OnStackFailure::Keep)
        }
        Template::Express => of(TEMPLATE.to_owned()).express(true).on_stack_failure(OnStackFailure::Keep),
        Template::Capped => {
            let source = TemplateSource::text("role.json", WITH_ROLE);
            Stack::builder().name("web").template(source).capabilities([])
        }
    }
}

fn named() -> String {
    TEMPLATE.replace("      MessageRetentionPeriod", "      QueueName: jobs\n      MessageRetentionPeriod")
}

fn without_parameters() -> &'static str {
    "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties: {DisplayName: !Ref Size}\n"
}

/// What folder is packed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Good,
    /// So large that it is sent in parts.
    Large,
    NoAppspec,
    /// The specification is in a folder.
    Below,
    /// For another system.
    Windows,
    /// Called `appspec.yaml`.
    Yaml,
    HookMissing,
    NotExecutable,
    WindowsLineEnds,
    Empty,
    /// It is no folder.
    File,
    LinkOutside,
    /// Two names that Windows takes for one.
    Collision,
    /// A file changes once the plan is made.
    Changing,
    WithKey,
}

pub(super) type Meanwhile = Arc<dyn Fn() + Send + Sync>;

/// A folder that was made, and what happens to it after the plan.
pub(super) struct Folder {
    pub(super) builder: BundleBuilder,
    pub(super) meanwhile: Meanwhile,
}

const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\nhooks:\n  AfterInstall:\n    \
                       - location: scripts/install.sh\n      timeout: 60\n";

/// Fills a folder.
pub(super) fn folder(at: &Path, source: Source) -> Result<Folder> {
    let (mut builder, mut meanwhile): (_, Meanwhile) = (Bundle::builder().source(at), Arc::new(|| ()));
    let appspec = match source {
        Source::Windows => APPSPEC.replace("linux", "windows"),
        Source::HookMissing => APPSPEC.replace("install.sh", "setup.sh"),
        _ => APPSPEC.to_owned(),
    };
    let name = match source {
        Source::NoAppspec => "readme.txt",
        Source::Below => "build/appspec.yml",
        Source::Yaml => "appspec.yaml",
        _ => "appspec.yml",
    };
    if matches!(source, Source::Empty) {
        return Ok(Folder { builder, meanwhile });
    }
    write(at, name, appspec.as_bytes())?;
    let ends = if matches!(source, Source::WindowsLineEnds) { "\r\n" } else { "\n" };
    let script = write(at, "scripts/install.sh", format!("#!/bin/sh{ends}exit 0{ends}").as_bytes())?;
    if !matches!(source, Source::NotExecutable) {
        set_executable(&script)?;
    }
    match source {
        Source::Large => drop(write(at, "data.bin", &noise(17 * 1024 * 1024))?),
        Source::File => builder = builder.source(script),
        Source::LinkOutside => link(at)?,
        Source::Collision => {
            write(at, "Index.html", b"one")?;
            write(at, "index.html", b"two")?;
            builder = builder.platform(Platform::Windows);
        }
        Source::Changing => {
            // What cannot be written does not change, and the row says so.
            meanwhile = Arc::new(move || drop(std::fs::write(&script, "#!/bin/sh\nexit 1\n")));
        }
        Source::WithKey => builder = builder.kms_key("arn:aws:kms:eu-central-1:111122223333:key/demo"),
        _ => {}
    }
    Ok(Folder { builder, meanwhile })
}

fn write(folder: &Path, name: &str, content: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above)?;
    }
    std::fs::write(&path, content)?;
    Ok(path)
}

#[cfg(unix)]
fn set_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn set_executable(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn link(folder: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink("../../etc/passwd", folder.join("passwd"))?)
}

#[cfg(not(unix))]
fn link(_: &Path) -> Result<()> {
    Err("symbolic links are made on Unix only".into())
}

/// Bytes that cannot be compressed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
