//! Below the moving line: what is counted of single objects, which progress names before a colon.

use landfall::Progress;

use super::count;

/// `Deployment shop/web: pods available` and its like, each object with its counts below it, and before them what is counted
/// of all; nothing where there are no objects. Begins with the end of the line above.
pub(super) fn tree(progress: &[Progress]) -> String {
    let of_all = progress.iter().filter(|one| !one.of.contains(": "));
    if of_all.clone().count() == progress.len() {
        return String::new();
    }
    let mut lines: Vec<String> = of_all.map(|one| format!("\n  {}", count(one))).collect();
    let mut last = "";
    for one in progress {
        let Some((object, of)) = one.of.split_once(": ") else { continue };
        if object != last {
            lines.push(format!("\n  {object}"));
            last = object;
        }
        let mut single = one.clone();
        single.of = of.to_owned();
        lines.push(format!("\n    {}", count(&single)));
    }
    lines.concat()
}
