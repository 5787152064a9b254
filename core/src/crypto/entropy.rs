//! Where randomness comes from outside tests.

use ring::rand::{SecureRandom, SystemRandom};

use crate::ports::Entropy;

/// The operating system's randomness.
#[derive(Clone)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// Opens no file and reads nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    /// # Panics
    /// When the operating system has no randomness to give: going on with anything else would be worse.
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("the operating system gives randomness once it has booted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let (mut a, mut b) = ([0_u8; 32], [0_u8; 32]);
        let entropy = SystemEntropy::new();
        entropy.fill(&mut a);
        entropy.fill(&mut b);
        assert_ne!(a, b);
        assert_ne!(a, [0; 32]);
    }
}
