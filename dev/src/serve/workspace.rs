//! The functions of the workspace and their routes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use serde_json::Value;

use super::serve_error::could_not;
use super::{Error, cargo_command};

/// This workspace, as `cargo metadata` describes it.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    /// Cargo's target directory, which `CARGO_TARGET_DIR` can move.
    pub target: PathBuf,
    /// The binaries of the functions, sorted.
    pub(super) functions: Vec<String>,
    /// The functions that serve each path.
    pub(super) routes: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct CargoMetadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
    metadata: Value,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// Loads the workspace of the current directory.
    ///
    /// # Errors
    /// Fails if `cargo metadata` fails, or if the workspace has no functions.
    pub async fn load() -> Result<Self, Error> {
        let output = cargo_command()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .await
            .map_err(could_not("run `cargo metadata`"))?;
        if !output.status.success() {
            let problem = "`cargo metadata` failed: correct the manifest named above";
            return Err(Error::Problem(problem.to_owned()));
        }
        let workspace = Self::from_metadata(&output.stdout)
            .map_err(could_not("parse the output of `cargo metadata`"))?;
        if workspace.functions.is_empty() {
            let problem = "the workspace has no functions: there is no binary in `functions/`";
            return Err(Error::Problem(problem.to_owned()));
        }
        Ok(workspace)
    }

    fn from_metadata(json: &[u8]) -> serde_json::Result<Self> {
        let metadata: CargoMetadata = serde_json::from_slice(json)?;
        let home = metadata.workspace_root.join("functions");
        let mut functions: Vec<String> = metadata
            .packages
            .into_iter()
            .filter(|package| package.manifest_path.starts_with(&home))
            .flat_map(|package| package.targets)
            .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
            .map(|target| target.name)
            .collect();
        functions.sort();
        let router = metadata.metadata["lambda"]["watch"]["router"].as_object();
        let entries = router.into_iter().flatten();
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            functions,
            routes: entries.map(|(path, route)| (path.clone(), functions_of(route))).collect(),
        })
    }

    /// Returns the first path of `function` without a parameter.
    pub(super) fn plain_path(&self, function: &str) -> Option<&str> {
        self.routes
            .iter()
            .filter(|(path, _)| !path.contains('{'))
            .find(|(_, functions)| functions.iter().any(|name| name == function))
            .map(|(path, _)| path.as_str())
    }
}

/// Returns the functions of a route of cargo-lambda's: one for every method, or one each.
fn functions_of(route: &Value) -> Vec<String> {
    let mut functions: Vec<String> = match route.as_array() {
        None => route.as_str().map(str::to_owned).into_iter().collect(),
        Some(methods) => {
            let functions = methods.iter().filter_map(|method| method["function"].as_str());
            functions.map(str::to_owned).collect()
        }
    };
    functions.sort();
    functions.dedup();
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(router: &serde_json::Value) -> Workspace {
        let package = |path: &str, name: &str, kind: &str| {
            serde_json::json!({
                "manifest_path": format!("/salon/{path}/Cargo.toml"),
                "targets": [{ "name": name, "kind": [kind] }],
            })
        };
        let json = serde_json::json!({
            "workspace_root": "/salon",
            "target_directory": "/salon/target",
            "packages": [
                package("shared", "shared", "lib"),
                package("functions/checkout", "checkout", "bin"),
                package("functions/checkout", "checkout", "lib"),
                package("functions/availability", "availability", "bin"),
                package("dev", "dev", "bin"),
            ],
            "metadata": { "lambda": { "watch": { "router": router } } },
        });
        Workspace::from_metadata(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn functions_are_the_binaries_in_the_functions_folder() {
        let workspace = workspace(&serde_json::json!({}));
        assert_eq!(workspace.functions, ["availability", "checkout"]);
    }

    #[test]
    fn both_forms_of_routes_are_read() {
        let workspace = workspace(&serde_json::json!({
            "/availability": "availability",
            "/bookings": [
                { "method": "GET", "function": "checkout" },
                { "method": "POST", "function": "checkout" },
            ],
        }));
        assert_eq!(workspace.routes["/availability"], ["availability"]);
        assert_eq!(workspace.routes["/bookings"], ["checkout"]);
    }

    #[test]
    fn a_path_with_a_parameter_is_not_plain() {
        let workspace = workspace(&serde_json::json!({
            "/bookings/{id}": "checkout",
            "/checkout": "checkout",
        }));
        assert_eq!(workspace.plain_path("checkout"), Some("/checkout"));
        assert_eq!(workspace.plain_path("notify"), None);
    }

    #[test]
    fn a_workspace_without_metadata_has_no_routes() {
        let json =
            br#"{"workspace_root":"/w","target_directory":"/t","packages":[],"metadata":null}"#;
        let workspace = Workspace::from_metadata(json).unwrap();
        assert!(workspace.routes.is_empty());
    }
}
