//! A hash that is equal in all processes and all versions of a program. It must never change.

/// Hashes bytes. If an attacker may choose the keys, the seed must be secret.
pub(crate) fn hash(seed: [u64; 2], bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = seed[0] ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let mut chunks = bytes.chunks_exact(16);
    for chunk in &mut chunks {
        state = mix(word(&chunk[..8]) ^ state, word(&chunk[8..]) ^ seed[1]);
    }
    let (mut last, rest) = ([0; 16], chunks.remainder());
    last[..rest.len()].copy_from_slice(rest);
    state = mix(word(&last[..8]) ^ state, word(&last[8..]) ^ seed[1]);
    mix(state ^ MULTIPLIER, seed[1].rotate_left(32) ^ MULTIPLIER)
}

/// Multiplies to 128 bits and folds the halves, so that each bit of the result depends on all bits of both numbers.
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}
