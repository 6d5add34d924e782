//! The demonstration's AWS on a loopback socket, for programs of any language.
//!
//! ```sh
//! cargo run -p landfall-simulator --example serve -- --fleet 20 --start-ms 60000
//! ```
//!
//! Prints its URL as one line on standard output and serves until standard input ends. Without `--start-ms` rollouts are
//! over at once. Sign with the keys of user `deployer` (`DEMO_ACCESS_KEY_ID`, `DEMO_SECRET_ACCESS_KEY`), region
//! eu-central-1.

use std::io::{Read, Write};

use landfall_simulator::{Behaviour, BehaviourRule, DEMO_ACCOUNT, DEMO_REGION, Simulator, World};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mut fleet, mut start_ms, mut healthy_ms, mut drain_ms] = [0_u64; 4];
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} has no value", pair[0]).into()) };
        let slot = match name.as_str() {
            "--fleet" => &mut fleet,
            "--start-ms" => &mut start_ms,
            "--healthy-ms" => &mut healthy_ms,
            "--drain-ms" => &mut drain_ms,
            other => return Err(format!("there is no option {other}").into()),
        };
        *slot = value.parse()?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let world = World::demo().with_fleet(usize::try_from(fleet)?);
        let simulator = Simulator::builder().world(world).wall_clock().build();
        let behaviour = Behaviour { start_ms, healthy_ms, drain_ms, ..Behaviour::default() };
        simulator.ecs(DEMO_ACCOUNT, DEMO_REGION).behave(BehaviourRule::everything(behaviour));
        let server = simulator.serve().await?;
        writeln!(std::io::stdout(), "{}", server.url())?;
        std::io::stdout().flush()?;
        // Reading blocks, so it has a thread of its own.
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = stop.send(());
        });
        let _ = stopped.await;
        Ok(())
    })
}
