//! Chance that can be repeated: random numbers that depend on a seed and on what they are for, and
//! on nothing else: not on the machine, the version of the compiler, or the order of the calls.

use std::hash::{Hash, Hasher};

/// FNV-1a: the same everywhere and for ever, unlike the standard hasher.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

/// A random number that is always the same for the same seed and subject.
#[must_use]
pub fn draw(seed: u64, subject: impl Hash) -> u64 {
    let mut hasher = Fnv::default();
    subject.hash(&mut hasher);
    mix(seed ^ hasher.finish())
}

/// The finalizer of SplitMix64: neighbours in, strangers out.
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A random number as one from 0 to 1, 1 excluded.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept on purpose")]
pub fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

// === impl Fnv ===

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
