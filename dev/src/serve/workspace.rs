//! The functions of the workspace and their routes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use super::Error;

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
    #[serde(default)]
    metadata: Option<WorkspaceMetadata>,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkspaceMetadata {
    lambda: LambdaMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LambdaMetadata {
    watch: WatchMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WatchMetadata {
    router: BTreeMap<String, Route>,
}

/// An entry of cargo-lambda's router. Both forms are read.
#[derive(Deserialize)]
#[serde(untagged)]
enum Route {
    EveryMethod(String),
    ByMethod(Vec<MethodRoute>),
}

#[derive(Deserialize)]
struct MethodRoute {
    function: String,
}

impl Workspace {
    /// Loads the workspace of the current directory.
    ///
    /// # Errors
    ///
    /// Fails if `cargo metadata` fails, or if the workspace has no functions.
    pub async fn load() -> Result<Self, Error> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .await
            .map_err(Error::Metadata)?;
        if !output.status.success() {
            return Err(Error::MetadataFailed);
        }
        let workspace = Self::from_metadata(&output.stdout).map_err(Error::MetadataUnreadable)?;
        if workspace.functions.is_empty() {
            return Err(Error::NoFunctions);
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
        let router = metadata.metadata.unwrap_or_default().lambda.watch.router;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            functions,
            routes: router.into_iter().map(|(path, route)| (path, route.functions())).collect(),
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

impl Route {
    fn functions(self) -> Vec<String> {
        match self {
            Self::EveryMethod(function) => vec![function],
            Self::ByMethod(routes) => {
                let mut functions: Vec<String> =
                    routes.into_iter().map(|route| route.function).collect();
                functions.sort();
                functions.dedup();
                functions
            }
        }
    }
}

/// Returns the cargo that runs this program, so that it also builds everything else.
pub(super) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
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
