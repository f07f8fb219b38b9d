//! What becomes of a good input.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Inputs grow to this length at most, in bytes, where they weren't longer from the start.
const LONGEST: usize = 32 << 10;

/// Numbers where arithmetic ends.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0x7FF0_0000_0000_0000, // infinity
    0x7FF8_0000_0000_0000, // not a number
];

/// Numbers as text.
const TEXTS: [&str; 12] = [
    "0",
    "-1",
    "-0",
    "1e308",
    "1e999",
    "NaN",
    "Infinity",
    "180.0000001",
    "4294967296",
    "18446744073709551616",
    "0.1e-999",
    "999999999999999999999999999999999999999999",
];

/// Changes an input in one to four places; `other` is another good one to take from.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut StdRng) {
    let longest = LONGEST.max(input.len());
    for _ in 0..random.random_range(1..=4) {
        once(input, other, words, random);
    }
    input.truncate(longest);
}

fn once(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    // Mostly a few bytes, sometimes a large part.
    let length = match random.random_range(0..4) {
        0 => random.random_range(0..=input.len() - at),
        _ => random.random_range(0..=8).min(input.len() - at),
    };
    let end = at + length;
    match random.random_range(0..11) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.random();
            }
        }
        2 => input.truncate(at),
        3 => drop(input.drain(at..end)),
        4 => {
            let copy = input[at..end].to_vec();
            input.splice(end..end, copy);
        }
        5 => {
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        6 => {
            let width = *[1, 2, 4, 8].choose(random).unwrap_or(&4);
            let edge = *EDGES.choose(random).unwrap_or(&0);
            let bytes = match random.random() {
                true => edge.to_le_bytes()[..width].to_vec(),
                false => edge.to_be_bytes()[8 - width..].to_vec(),
            };
            let end = (at + width).min(input.len());
            input.splice(at..end, bytes);
        }
        7 => replace_number(input, at, random),
        8 => {
            if let Some(word) = words.choose(random) {
                input.splice(at..at, word.iter().copied());
            }
        }
        9 => {
            if let Some(word) = words.choose(random) {
                let times = random.random_range(1..200);
                input.splice(at..at, word.repeat(times));
            }
        }
        _ => input[at..end].fill(random.random()),
    }
}

/// Replaces the first number in digits behind a place.
fn replace_number(input: &mut Vec<u8>, at: usize, random: &mut StdRng) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = input[at..].iter().position(is_digit).map(|offset| at + offset) else {
        return;
    };
    let length = input[start..]
        .iter()
        .take_while(|byte| is_digit(byte) || matches!(byte, b'.' | b'-' | b'e' | b'E'))
        .count();
    let text = TEXTS.choose(random).unwrap_or(&"0");
    input.splice(start..start + length, text.bytes());
}
