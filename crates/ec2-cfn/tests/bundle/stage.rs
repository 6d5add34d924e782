//! A folder, a simulated AWS, a target between them, and what was told meanwhile.

use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall_core::context::Clock;
use landfall_core::event::{Event, EventKind};
use landfall_core::journal::{Journal, MemoryJournal};
use landfall_core::{Context, DeployTargetExt, Observer, Place, Policy, Progress, StepReport};
use landfall_ec2_cfn::bundle::{Bundle, BundleBuilder};
use landfall_simulator::{DEMO_ACCOUNT, DEMO_BUCKET, DEMO_REGION, ObjectView, Simulator, World};
use tempfile::TempDir;

pub(crate) const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\nhooks:\n  \
                                  AfterInstall:\n    - location: scripts/install.sh\n      timeout: 60\n";

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
    pub(crate) journal: Arc<dyn Journal>,
    told: Arc<Mutex<Vec<Event>>>,
    clock: Clock,
}

/// Bytes that cannot be compressed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Writes a file, with the folders above it.
pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Makes a file executable.
pub(crate) fn executable(folder: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
}

impl Stage {
    /// The demonstration world and a small good folder.
    pub(crate) fn new() -> Self {
        Self::of(World::demo())
    }

    pub(crate) fn of(world: World) -> Self {
        let simulator = Simulator::builder().world(world).build();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "appspec.yml", APPSPEC);
        write(folder.path(), "scripts/install.sh", "#!/bin/sh\nexit 0\n");
        executable(folder.path(), "scripts/install.sh");
        write(folder.path(), "web/index.html", "<h1>hello</h1>\n".repeat(100));
        let clock = Clock::starting_at(simulator.now());
        Self { simulator, folder, journal: Arc::new(MemoryJournal::new()), told: Arc::default(), clock }
    }

    /// The same with so many mebibytes that cannot be compressed: a multipart upload.
    pub(crate) fn large(mebibytes: usize) -> Self {
        let stage = Self::new();
        for number in 0..mebibytes.div_ceil(4) {
            let length = 4.min(mebibytes - 4 * number) * 1024 * 1024;
            write(stage.folder.path(), &format!("data/{number}.bin"), noise(length, number as u64 + 1));
        }
        stage
    }

    pub(crate) fn builder(&self) -> BundleBuilder {
        Bundle::builder().source(self.folder.path()).bucket(DEMO_BUCKET).prefix("web/")
    }

    pub(crate) fn made(&self, builder: BundleBuilder) -> Bundle {
        let place = Place::new("aws", DEMO_ACCOUNT, DEMO_REGION);
        builder.build().unwrap().target(&self.simulator.sdk_config(), place).unwrap()
    }

    pub(crate) fn target(&self) -> Bundle {
        self.made(self.builder())
    }

    pub(crate) fn context(&self, run: &str) -> landfall_core::context::ContextBuilder {
        let told = Arc::clone(&self.told);
        let observer: Arc<dyn Observer> =
            Arc::new(move |event: &Event| told.lock().unwrap().push(event.clone()));
        Context::builder(run).clock(self.clock).observer(observer).journal(Arc::clone(&self.journal))
    }

    /// One whole step of a run of its own.
    pub(crate) async fn run(&self, target: &Bundle, run: &str) -> StepReport {
        target.deploy(&self.context(run).build(), &Policy::default()).await
    }

    pub(crate) async fn push(&self) -> StepReport {
        self.run(&self.target(), "demo/1/push/production").await
    }

    /// Names of the operations so far, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.simulator.calls().into_iter().map(|call| call.operation).collect()
    }

    /// All that was put into the bucket: without what it has from the start.
    pub(crate) fn objects(&self) -> Vec<ObjectView> {
        let start = Simulator::builder().build().s3().versions(DEMO_BUCKET);
        let all = self.simulator.s3().versions(DEMO_BUCKET);
        all.into_iter().filter(|object| !start.iter().any(|seeded| seeded.key == object.key)).collect()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let note = |event: &Event| match &event.kind {
            EventKind::Note { code, .. } => Some(code.clone()),
            _ => None,
        };
        told.iter().filter_map(note).collect()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.told.lock().unwrap().clone()
    }
}

impl Stage {
    /// The texts of notes.
    pub(crate) fn texts(&self) -> Vec<String> {
        let of = |event: Event| match event.kind {
            EventKind::Note { text, .. } => Some(text),
            _ => None,
        };
        self.events().into_iter().filter_map(of).collect()
    }

    /// What was told of the progress of uploads.
    pub(crate) fn uploaded(&self) -> Vec<Progress> {
        let of = |event: Event| match event.kind {
            EventKind::Progress { waiting_for, progress, .. } if waiting_for.contains("to be sent") => {
                progress
            }
            _ => Vec::new(),
        };
        self.events().into_iter().flat_map(of).collect()
    }
}

/// Everything about a report, for a failed assertion.
pub(crate) fn told(report: &StepReport) -> String {
    let causes: Vec<String> = report.verdict.causes.iter().map(landfall_core::Cause::report).collect();
    format!("{:?}, undone {:?}, causes:\n{}", report.verdict.outcome, report.undone, causes.join("\n"))
}
