//! A function's configuration, from its environment (docs/configuration.md).

use std::path::PathBuf;

use salon::Salon;
use salon::salon_file::{self, SalonProblems};

/// A function's configuration, read once when it starts.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// `SALON_FILE`: path of the salon file. Default: `salon.toml`, compiled in.
    pub salon: Salon,
    /// `TABLE_NAME`: name of the DynamoDB table. Default: `openchair`.
    pub table_name: String,
    /// `STRIPE_API_BASE`: address of Stripe's API, without a path. Default:
    /// `https://api.stripe.com`.
    pub stripe_api_base: String,
    /// `GOOGLE_API_BASE`: address of Google's APIs, without a path. Default:
    /// `https://www.googleapis.com`.
    pub google_api_base: String,
}

/// The environment has no valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("SALON_FILE names {path:?}, which cannot be read")]
    UnreadableSalon {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the salon file {path} has mistakes:\n{problems}")]
    InvalidSalon {
        path: String,
        /// One line per mistake.
        problems: SalonProblems,
    },
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// When the salon file cannot be read or has mistakes.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Reads the variables with `read`. An empty variable counts as unset.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_variables(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name| read(name).filter(|value| !value.is_empty());
        let or = |name, default: &str| set(name).unwrap_or_else(|| default.to_owned());
        Ok(Self {
            salon: salon(set("SALON_FILE").map(PathBuf::from))?,
            table_name: or("TABLE_NAME", "openchair"),
            stripe_api_base: or("STRIPE_API_BASE", "https://api.stripe.com"),
            google_api_base: or("GOOGLE_API_BASE", "https://www.googleapis.com"),
        })
    }
}

fn salon(path: Option<PathBuf>) -> Result<Salon, ConfigError> {
    let (path, text) = match path {
        None => ("compiled in".to_owned(), salon_file::COMPILED_IN.to_owned()),
        Some(path) => match std::fs::read_to_string(&path) {
            Ok(text) => (path.display().to_string(), text),
            Err(source) => return Err(ConfigError::UnreadableSalon { path, source }),
        },
    };
    salon_file::parse(&text).map_err(|problems| ConfigError::InvalidSalon { path, problems })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_has_the_compiled_in_salon_and_the_defaults() {
        let config = Config::from_variables(|_| None).expect("the defaults are valid");
        assert_eq!(config.salon.name, "Beauty Lounge");
        assert_eq!(config.table_name, "openchair");
        assert_eq!(config.stripe_api_base, "https://api.stripe.com");
    }

    #[test]
    fn a_missing_salon_file_is_named() {
        let missing = |name: &str| (name == "SALON_FILE").then(|| "/nowhere/salon.toml".to_owned());
        let error = Config::from_variables(missing).expect_err("there is no such file");
        assert_eq!(
            error.to_string(),
            "SALON_FILE names \"/nowhere/salon.toml\", which cannot be read"
        );
    }
}
