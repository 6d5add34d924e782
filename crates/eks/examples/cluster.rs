//! The control plane of the tests, for people: `just cluster`.
//!
//! It needs what `bash tests/kubernetes/build` builds, and runs until Enter is pressed or it is ended. Its files are in the
//! folder that is named, which is emptied first; with `--audit` behind it, an `audit.log` with a line for each request
//! among them.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and shares helpers of tests"
)]

#[allow(dead_code, reason = "shared with the tests, which need more of it")]
#[path = "../tests/cluster/support/mod.rs"]
mod support;

use std::path::Path;

use landfall_aws::environment::Environment;
use support::{ControlPlane, program};

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name the folder for its files, which is emptied first")?;
    let audited = match arguments.next().as_deref() {
        None => false,
        Some("--audit") => true,
        Some(other) => return Err(format!("there is no option {other}")),
    };
    let folder = support::own_folder(Path::new(&folder))?;
    let program = program::find(&Environment::from_process())?;
    let plane = if audited {
        ControlPlane::start_audited(&program, &folder)?
    } else {
        ControlPlane::start(&program, &folder)?
    };
    // kubectl keeps what it knows of a server under its address, and the next one may have the same.
    let cache = folder.join("kubectl-cache");
    println!("export KUBECONFIG={} KUBECACHEDIR={}", plane.kubeconfig().display(), cache.display());
    println!("It runs until Enter is pressed.");
    let read = std::io::stdin().read_line(&mut String::new()).map_err(|error| error.to_string())?;
    if read == 0 {
        // Nobody is there to press it: it runs until it is ended.
        loop {
            std::thread::park();
        }
    }
    drop(plane);
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())
}
