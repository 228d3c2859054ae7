//! Random numbers: the operating system's, or a test's.

use std::sync::{Arc, Mutex, PoisonError};

/// Draws random numbers at the edge of a function.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Seeded(Arc<Mutex<fastrand::Rng>>),
}

impl Random {
    /// Draws from the operating system: what nobody can guess, and no two
    /// containers draw alike.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Draws the same numbers for the same seed. Its clones draw from one row.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)))))
    }

    /// Draws the seed of numbers that need not be secret.
    #[must_use]
    pub fn seed(&self) -> u64 {
        match &self.0 {
            Source::System => fastrand::u64(..),
            Source::Seeded(random) => random.lock().unwrap_or_else(PoisonError::into_inner).u64(..),
        }
    }

    /// Draws 128 bits.
    ///
    /// # Panics
    /// When the operating system has no random numbers.
    #[must_use]
    pub fn bits(&self) -> u128 {
        match &self.0 {
            Source::System => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).expect("the operating system has random numbers");
                u128::from_be_bytes(bytes)
            }
            Source::Seeded(random) => {
                random.lock().unwrap_or_else(PoisonError::into_inner).u128(..)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_numbers_differ_and_a_seeds_do_not() {
        let system = Random::system();
        assert_ne!(system.bits(), system.bits());
        assert_eq!(Random::seeded(7).bits(), Random::seeded(7).bits());
        assert_ne!(Random::seeded(7).bits(), Random::seeded(8).bits());
    }
}
