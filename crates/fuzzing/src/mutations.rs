//! Inputs made of seeds by small changes, the same ones each time.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The most changes made to one input.
const CHANGES_MAX: usize = 6;

/// An endless supply of inputs near some seeds.
#[derive(Debug)]
pub struct Mutations {
    seeds: Vec<Vec<u8>>,
    /// Pieces that inputs of this kind are made of.
    words: Vec<Vec<u8>>,
    random: StdRng,
}

impl Mutations {
    /// Inputs near these seeds (at least one), of which some get words of the given ones.
    pub fn new(seeds: Vec<Vec<u8>>, words: &[&[u8]], seed: u64) -> Self {
        assert!(!seeds.is_empty(), "without seeds there is nothing to change");
        let words = words.iter().map(|word| word.to_vec()).collect();
        Self { seeds, words, random: StdRng::seed_from_u64(seed) }
    }

    /// A place in `bytes`, its end included.
    fn place(&mut self, bytes: &[u8]) -> usize {
        self.random.random_range(0..=bytes.len())
    }

    fn stretch(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let (first, second) = (self.place(bytes), self.place(bytes));
        first.min(second)..first.max(second)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        match self.random.random_range(0..7) {
            0 | 1 if !bytes.is_empty() => {
                let place = self.random.random_range(0..bytes.len());
                bytes[place] ^= 1 << self.random.random_range(0..8);
            }
            2 if !bytes.is_empty() => {
                let place = self.random.random_range(0..bytes.len());
                bytes[place] = self.random.random();
            }
            3 => {
                let stretch = self.stretch(bytes);
                bytes.drain(stretch);
            }
            4 => {
                let copy = bytes[self.stretch(bytes)].to_vec();
                let place = self.place(bytes);
                bytes.splice(place..place, copy);
            }
            5 => {
                let other = self.random.random_range(0..self.seeds.len());
                let other = self.seeds[other].clone();
                let (stretch, place) = (self.stretch(&other), self.place(bytes));
                bytes.splice(place..place, other[stretch].iter().copied());
            }
            _ if !self.words.is_empty() => {
                let word = self.random.random_range(0..self.words.len());
                let word = self.words[word].clone();
                let place = self.place(bytes);
                let end = if self.random.random() { place } else { (place + word.len()).min(bytes.len()) };
                bytes.splice(place..end, word);
            }
            _ => {}
        }
    }
}

impl Iterator for Mutations {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let seed = self.random.random_range(0..self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        for _ in 0..self.random.random_range(1..=CHANGES_MAX) {
            self.change(&mut bytes);
        }
        Some(bytes)
    }
}
