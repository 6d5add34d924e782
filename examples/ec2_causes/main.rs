//! Prints `docs/ec2-causes.md`: every way in which a stack, a bundle or a deployment to EC2 fails, and what is said.
//!
//! ```sh
//! cargo run --example ec2_causes > docs/ec2-causes.md
//! ```

mod table;

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::io::stdout().write_all(table::markdown(&table::rows()?).as_bytes())?;
    Ok(())
}
