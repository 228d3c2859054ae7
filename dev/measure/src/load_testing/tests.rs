use super::bars::{Verdict, bars};
use super::*;

fn page(files: &[File]) -> &str {
    &files.iter().find(|file| file.path == Path::new(PAGE)).unwrap().text
}

#[test]
fn the_samples_meet_every_bar() {
    for bar in bars(Some(&sample::bench()), Some(&sample::load())) {
        assert_eq!(bar.verdict, Verdict::Met, "{}: {}", bar.what, bar.measured);
    }
}

#[test]
fn a_whole_page_has_every_part_and_every_plot_that_it_shows() {
    let files = render(Some(&sample::bench()), Some(&sample::load())).unwrap();
    let page = page(&files);
    for expected in [
        "All 24 bars are met.",
        "Sample CPU",
        "`availability-l1`",
        "1.08 ×",
        "### Soak",
        "503 `stripe_busy` × 4,120",
        "From the medians above",
        "the API's throttle",
    ] {
        assert!(page.contains(expected), "{expected} is missing");
    }
    assert!(!page.contains("Not measured yet"));
    for plot in files.iter().filter(|file| file.path != Path::new(PAGE)) {
        let name = plot.path.strip_prefix("docs").unwrap().to_str().unwrap();
        assert!(page.contains(&format!("]({name})")), "{name} is not shown");
    }
    let shown = page.matches(".svg)").count();
    assert_eq!(shown, files.len() - 1, "each plot that is shown is drawn");
}

#[test]
fn a_bar_that_is_not_met_leads_the_page() {
    let mut load = sample::load();
    load.limit.as_mut().unwrap().share_of_limit = 0.93;
    let files = render(Some(&sample::bench()), Some(&load)).unwrap();
    let page = page(&files);
    let (conclusion, _) = page.split_once("## Method").unwrap();
    assert!(conclusion.contains("Of 24 bars, 23 are met and 1 not."), "{conclusion}");
    assert!(
        conclusion.contains("Measured: 93.0 %; to be: at least 95 % of the limit."),
        "{conclusion}"
    );
}

#[test]
fn without_results_the_page_says_which_commands_make_them() {
    let files = render(None, None).unwrap();
    let page = page(&files);
    assert!(page.contains("Nothing has been measured yet."));
    assert!(page.contains("Not measured yet: `cargo dev bench` does"));
    assert!(page.contains("Not measured yet: `cargo dev load` does"));
    let plots = files.iter().filter(|file| file.path != Path::new(PAGE));
    assert_eq!(plots.count(), page.matches(".svg)").count());
}

#[test]
fn what_is_kept_is_read_again_and_written_the_same() {
    let root = std::env::temp_dir().join(format!("openchair-load-testing-{}", std::process::id()));
    let stale = root.join(FOLDER).join("stale.svg");
    put(&stale, b"<svg/>").unwrap();
    keep_bench(&root, &sample::bench()).unwrap();
    keep_load(&root, &sample::load()).unwrap();
    let files = render_kept(&root).unwrap();
    assert_eq!(files, render(Some(&sample::bench()), Some(&sample::load())).unwrap());
    for file in &files {
        assert_eq!(std::fs::read_to_string(root.join(&file.path)).unwrap(), file.text);
    }
    assert!(!stale.exists(), "a plot that is none any more is removed");
    std::fs::remove_dir_all(root).unwrap();
}
