//! Builds `cargo dev`, and the functions if it serves them, then runs it.
//!
//! `cargo run --bin dev` would build the functions only after `dev` is linked. One build of all
//! of them keeps every core busy. This program has no dependencies, so it compiles in a second.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs, io, thread};

/// Prefixes of the variables that cargo sets for this program. A cargo that inherits them would
/// rebuild packages whose build scripts watch them.
const CARGO_PACKAGE_PREFIXES: [&str; 5] =
    ["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "OUT_DIR"];

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match launch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: could not start cargo or dev\n  because: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns only if the build fails or `dev` does not start.
fn launch(arguments: &[OsString]) -> io::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Cargo puts `dev` beside this program, in a folder of the target directory.
    let program = env::current_exe()?.with_file_name("dev");
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let mut dev = Command::new(&program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if CARGO_PACKAGE_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            build.env_remove(&name);
            dev.env_remove(&name);
        }
    }
    build.args(["build", "--bin", "dev"]).current_dir(&root);
    let mut install = None;
    if serves_debug_functions(arguments) {
        for function in functions(&root)? {
            build.arg("--bin").arg(function);
        }
        // `dev` finds what this installs, and reports what failed.
        // `program` is target/debug/dev.
        let tools = program.ancestors().nth(2).unwrap_or(&root).join("tools");
        install = Some(thread::spawn(move || launcher::cargo_lambda(&tools)));
    }
    if !build.status()?.success() {
        return Ok(ExitCode::FAILURE);
    }
    if let Some(install) = install {
        let _ = install.join();
    }
    Err(dev.args(arguments).exec())
}

/// Returns whether the command line is that of `serve`, without `--release`.
fn serves_debug_functions(arguments: &[OsString]) -> bool {
    let is_serve = arguments
        .first()
        .is_none_or(|first| first == "serve" || first.to_string_lossy().starts_with('-'));
    let builds_none = ["-h", "--help", "-V", "--version", "--release"].map(OsStr::new);
    is_serve && !arguments.iter().any(|argument| builds_none.contains(&argument.as_os_str()))
}

/// Returns the functions: each folder in `functions/` is a package with a binary of its name.
fn functions(root: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(root.join("functions"))?
        .filter(|entry| {
            entry.as_ref().map_or(true, |entry| entry.path().join("src/main.rs").exists())
        })
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_serve_needs_the_functions() {
        for (arguments, expected) in [
            (&[][..], true),
            (&["serve"], true),
            (&["--calendar", "google"], true),
            (&["serve", "--release"], false),
            (&["--help"], false),
            (&["explain", "2026-12-24"], false),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(serves_debug_functions(&arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn functions_are_the_folders_with_a_program() {
        let functions = functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
        assert!(functions.contains(&OsString::from("checkout")), "{functions:?}");
    }
}
