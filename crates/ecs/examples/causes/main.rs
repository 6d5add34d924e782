//! Prints `docs/causes.md`: what landfall says when, for every scenario of the simulator.
//!
//! ```sh
//! cargo run -p landfall-ecs --example causes > docs/causes.md
//! ```

mod table;

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::io::stdout().write_all(table::markdown()?.as_bytes())?;
    Ok(())
}
