//! Prints `docs/eks-bad-input.md`: manifests and flags that are wrong, and what is said about each.
//!
//! ```sh
//! cargo run -p landfall-eks --example bad_input > docs/eks-bad-input.md
//! ```

mod cases;
mod table;

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::io::stdout().write_all(table::markdown(&table::rows()?).as_bytes())?;
    Ok(())
}
