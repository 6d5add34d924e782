//! Prints the JSON schema of the event stream, as `docs/events.schema.json` holds it.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = serde_json::to_string_pretty(&landfall_core::event::schema())?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
