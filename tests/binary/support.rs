//! Runs the real binary against a simulated AWS on a loopback socket.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use landfall_simulator::{Claims, DEMO_ACCESS_KEY_ID, DEMO_SECRET_ACCESS_KEY, Scenario, Server, Simulator};
use tokio::process::{Child, Command};

/// The binary under test: cargo builds examples before it runs tests.
pub(crate) fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap();
    let path = folder.join("examples").join(format!("deploy{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

/// A simulated AWS on a socket of its own.
pub(crate) struct Cloud {
    pub(crate) simulator: Simulator,
    pub(crate) server: Server,
}

/// How one run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Whatever a test is about: no run of this suite may print the key or anything in the form of a token.
    fn holds_no_secret(&self) {
        let told = self.told();
        assert!(!told.contains(DEMO_SECRET_ACCESS_KEY), "the secret key was printed");
        assert!(!told.contains("eyJ"), "a token was printed");
    }

    pub(crate) fn told(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Cloud {
    pub(crate) async fn new(scenario: &str) -> Self {
        Self::of(Simulator::builder().scenario(Scenario::named(scenario).unwrap()).build()).await
    }

    pub(crate) async fn of(simulator: Simulator) -> Self {
        let server = simulator.serve().await.unwrap();
        Self { simulator, server }
    }

    /// The binary with an empty environment, pointed at this cloud, without credentials.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .env("AWS_ENDPOINT_URL", self.server.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", "/nonexistent")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The same, with the demonstration account's keys and region.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command
            .env("AWS_ACCESS_KEY_ID", DEMO_ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", DEMO_SECRET_ACCESS_KEY)
            .env("AWS_REGION", "eu-central-1");
        command
    }

    /// Deploys a new image to the demonstration service with these further arguments.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> Command {
        self.command(&[&DEPLOY, arguments].concat())
    }

    pub(crate) fn token(&self) -> String {
        self.simulator.oidc().token(Claims::gitlab("demo/web", "main"))
    }

    pub(crate) fn updates(&self) -> usize {
        self.simulator.count("ecs", "UpdateService")
    }

    pub(crate) fn written(&self) -> Vec<String> {
        self.simulator.writes().into_iter().map(|call| call.operation).collect()
    }
}

/// The arguments of the main job.
pub(crate) const DEPLOY: [&str; 7] =
    ["ecs", "--cluster", "demo", "--service", "web", "--image", "web=registry.example.com/web:2.0"];

pub(crate) async fn run(mut command: Command) -> Ran {
    ended(command.spawn().unwrap()).await
}

pub(crate) async fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().await.unwrap();
    let ran = Ran {
        code: code(output.status),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    ran.holds_no_secret();
    ran
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}
