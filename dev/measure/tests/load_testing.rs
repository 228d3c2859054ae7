//! docs/load-testing.md is what rendering the committed figures gives.

use std::path::Path;

use measure::load_testing;

const AGAIN: &str = "run `cargo dev load-testing`, and commit what it writes";

#[test]
fn the_page_and_its_plots_are_those_of_the_figures_that_are_kept() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = load_testing::render_kept(&root).expect("the figures can be read");
    for file in &files {
        let path = file.path.display();
        let is = std::fs::read_to_string(root.join(&file.path))
            .unwrap_or_else(|error| panic!("{path} cannot be read ({error}): {AGAIN}"));
        assert!(is == file.text, "{path} is not what the figures give: {AGAIN}");
    }
    for plot in load_testing::plots_in(&root).expect("the folder can be read") {
        let is_used = files.iter().any(|file| file.path == plot);
        assert!(is_used, "{} belongs to no figures: {AGAIN}", plot.display());
    }
}
