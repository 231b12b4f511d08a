//! One seed, split by purpose, so that changing one random choice leaves all others as they were.
//!
//! Everything random is drawn here, on the CPU, never by the device: CPU and GPU then work on the same numbers.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

/// The generator of the whole crate.
pub type Rng = Pcg64Mcg;

/// What a stream of random numbers is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Tower weights.
    Init = 1,
    /// Order of the items in an epoch.
    Order,
    /// Which caption and which view of an item a batch takes.
    Sampling,
    /// Image augmentation.
    Augmentation,
    /// Dropout masks.
    Dropout,
    /// Noise on the input features.
    Noise,
    /// Transfer triplets.
    Triplets,
    /// k-means restarts.
    KMeans,
    /// Projections and random sketches.
    Projection,
    /// Splits of data that bring none.
    Split,
    /// Generated scenes.
    Scenes,
}

/// The stream for `purpose` at position `at` (an epoch or a step): any position can be reached without the ones before
/// it, which is what makes a resumed run equal to an uninterrupted one.
pub fn stream(seed: u64, purpose: Purpose, at: u64) -> Rng {
    // SplitMix64 over the three numbers: neighbouring seeds, purposes and positions give unrelated streams.
    let mut state = seed;
    for part in [purpose as u64, at] {
        state = mix(state ^ mix(part.wrapping_add(0x9E37_79B9_7F4A_7C15)));
    }
    Rng::seed_from_u64(state)
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn streams_differ_by_each_part_and_repeat() {
        let draw = |seed, purpose, at| stream(seed, purpose, at).random::<u64>();
        let base = draw(1, Purpose::Init, 0);
        assert_eq!(base, draw(1, Purpose::Init, 0));
        for other in [draw(2, Purpose::Init, 0), draw(1, Purpose::Order, 0), draw(1, Purpose::Init, 1)] {
            assert_ne!(base, other);
        }
    }
}
