//! Prints the JSON schema of a pipeline's report, as `docs/report.schema.json` holds it.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = serde_json::to_string_pretty(&landfall_core::pipeline::schema())?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
