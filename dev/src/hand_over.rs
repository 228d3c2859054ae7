//! Builds another program of the workspace and replaces this process with it.
//!
//! `cargo dev` does not link these programs, so `serve` does not wait for their build.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use crate::serve::{Error, Workspace, cargo_command, could_not};

/// Builds the package `name` and replaces this process with its program. Returns only on
/// failure. A release build takes minutes longer, and is optimized as deployed.
///
/// # Errors
/// Fails if the program does not build or does not start.
pub async fn run(name: &str, release: bool, arguments: &[OsString]) -> Result<(), Error> {
    let workspace = Workspace::load().await?;
    // The profile `test` optimizes our own crates slightly.
    let (profile, folder) = if release { ("release", "release") } else { ("test", "debug") };
    let program = workspace.target.join(folder).join(name);
    if !program.exists() {
        eprintln!("building {name}: the first build takes minutes");
    }
    let mut build = cargo_command();
    build.args(["build", "--quiet", "--profile", profile, "--package", name, "--bin", name]);
    let status = build.current_dir(&workspace.root).stdin(Stdio::null()).status().await;
    if !status.map_err(could_not("start cargo"))?.success() {
        let problem = format!("{name} does not build: correct the errors above and try again");
        return Err(Error::Problem(problem));
    }
    let source = Command::new(&program).args(arguments).exec();
    Err(could_not(format!("start {}", program.display()))(source))
}
