//! The processes.

use std::path::Path;
use std::time::Duration;

use crate::support::LOOK;
use crate::support::component::Component;

/// How long the end of a process may take.
const LONGEST: Duration = Duration::from_secs(20);

/// A component that runs ends when its standard input does, so that none outlives a test that is killed.
pub(crate) fn ends(program: &Path, folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let data = folder.join("etcd");
    let arguments =
        [format!("--data-dir={}", data.display()), "--listen-client-urls=http://127.0.0.1:0".to_owned()];
    let mut etcd = Component::start(program, folder, "etcd", &arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let told = runtime.map_err(|error| error.to_string())?.block_on(async {
        // It runs when it has made its data.
        let running = async {
            while !data.join("member").exists() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(LONGEST, running).await.map_err(|_| "etcd does not start".to_owned())?;
        if let Some(told) = etcd.ended() {
            return Err(format!("it has ended by itself: {told}"));
        }
        etcd.abandon();
        let ended = async {
            loop {
                match etcd.ended() {
                    Some(told) => return told,
                    None => tokio::time::sleep(LOOK).await,
                }
            }
        };
        tokio::time::timeout(LONGEST, ended).await.map_err(|_| "etcd goes on".to_owned())
    })?;
    std::fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    if told.starts_with("etcd ended with exit status: 0") { Ok(()) } else { Err(told) }
}
