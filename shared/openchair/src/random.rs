//! Random numbers, from the operating system or from a seed.

use std::sync::{Arc, Mutex, PoisonError};

/// A source of random numbers.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Seeded(Arc<Mutex<fastrand::Rng>>),
}

impl Random {
    /// Makes a source that draws from the operating system. Its numbers cannot be
    /// guessed.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Makes a source that draws the same numbers for the same seed. Clones share
    /// one sequence.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)))))
    }

    /// Draws a seed for numbers that need not be secret.
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
    /// When the operating system provides no random numbers.
    #[must_use]
    pub fn bits(&self) -> u128 {
        match &self.0 {
            Source::System => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
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
    fn the_same_seed_draws_the_same_numbers() {
        let system = Random::system();
        assert_ne!(system.bits(), system.bits());
        assert_eq!(Random::seeded(7).bits(), Random::seeded(7).bits());
        assert_ne!(Random::seeded(7).bits(), Random::seeded(8).bits());
    }
}
