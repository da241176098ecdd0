//! What is said at the start of a run of settings that nothing comes of.

use super::project::Project;
use super::run::Output;

/// Names the settings that somebody makes and Vent does not heed.
pub fn tell(output: Output, project: &Project) {
    if project.unheeded.is_empty() {
        return;
    }
    let lines: String = project
        .unheeded
        .iter()
        .map(|setting| format!("  {}: {}: {}\n", setting.place, setting.name, setting.why))
        .collect();
    super::say(&format!(
        "{} nothing comes of settings that Vent does not heed\n{lines}",
        output.warning_word()
    ));
}
