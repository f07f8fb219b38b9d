//! The Merkle tree of RFC 6962 §2.1 (the same in RFC 9162 §2.1): hashes, the compact frontier that is all one needs to
//! append, and inclusion and consistency proofs. Pure arithmetic; nothing here knows the database.
//!
//! Trees are described by *complete subtrees*: the one of height `h` at position `p` covers the leaves
//! `p·2^h .. (p+1)·2^h`. A proof is first planned (which complete subtrees stand under each of its hashes), then filled
//! from whatever store has their hashes.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 hash. As text and in JSON: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// From bytes that may have the wrong length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// The hash of a leaf: SHA-256(0x00 ‖ content).
#[must_use]
pub fn leaf_hash(content: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(content).finalize().into())
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// A complete subtree: the leaves `position·2^height .. (position+1)·2^height`, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subtree {
    /// 0 for a leaf.
    pub height: u8,
    /// Counted from 0 among the subtrees of this height.
    pub position: u64,
}

/// The roots of the complete subtrees that a tree consists of, largest first: all that appending needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Of a tree without leaves.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A stored frontier again. `None` when the number of peaks does not fit the size.
    #[must_use]
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf and tells of every subtree of height 1 and more that it completes, smallest first.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(Subtree, Hash)) {
        let mut hash = leaf;
        for height in 0..self.size.trailing_ones() {
            // As many peaks as the size has trailing ones end here, each as large as what is appended to it.
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(left, hash);
            let height = u8::try_from(height + 1).unwrap_or(u8::MAX);
            completed(
                Subtree {
                    height,
                    position: self.size >> height,
                },
                hash,
            );
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.peaks).unwrap_or_else(empty_root)
    }
}

/// The hash over neighbouring complete subtrees, largest first. `None` for none at all.
fn fold(peaks: &[Hash]) -> Option<Hash> {
    let (last, rest) = peaks.split_last()?;
    Some(rest.iter().rfold(*last, |right, left| node_hash(*left, right)))
}

/// Which complete subtrees stand under each hash of a proof: the hash is the fold of those subtrees' hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    hashes: Vec<Vec<Subtree>>,
}

impl Plan {
    /// For the proof that leaf `index` (from 0) is in the tree of `size` leaves. `None` when it is not.
    #[must_use]
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let mut hashes = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + largest_power_below(end - start);
            if index < middle {
                hashes.push(complete_subtrees(middle, end));
                end = middle;
            } else {
                hashes.push(complete_subtrees(start, middle));
                start = middle;
            }
        }
        hashes.reverse();
        Some(Self { hashes })
    }

    /// For the proof that the tree of `new_size` leaves begins with the tree of `old_size` leaves. `None` when the old
    /// tree is empty or larger than the new one.
    #[must_use]
    pub fn consistency(old_size: u64, new_size: u64) -> Option<Self> {
        if old_size == 0 || old_size > new_size {
            return None;
        }
        let mut hashes = Vec::new();
        let (mut start, mut end) = (0, new_size);
        while old_size != end {
            let middle = start + largest_power_below(end - start);
            if old_size <= middle {
                hashes.push(complete_subtrees(middle, end));
                end = middle;
            } else {
                hashes.push(complete_subtrees(start, middle));
                start = middle;
            }
        }
        if start > 0 {
            // The verifier knows the old root; it lacks this part of it only where the old tree is not one subtree.
            hashes.push(complete_subtrees(start, end));
        }
        hashes.reverse();
        Some(Self { hashes })
    }

    /// Every subtree whose hash is wanted.
    pub fn subtrees(&self) -> impl Iterator<Item = Subtree> {
        self.hashes.iter().flatten().copied()
    }

    /// The proof. `None` when `hash_of` lacks a subtree.
    pub fn fill(&self, mut hash_of: impl FnMut(Subtree) -> Option<Hash>) -> Option<Vec<Hash>> {
        self.hashes
            .iter()
            .map(|subtrees| {
                let hashes = subtrees
                    .iter()
                    .map(|&subtree| hash_of(subtree))
                    .collect::<Option<Vec<_>>>()?;
                fold(&hashes)
            })
            .collect()
    }
}

/// The largest power of two smaller than `count`, which is at least 2.
fn largest_power_below(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The complete subtrees that make up the leaves `start .. end`; `start` is where a subtree of RFC 6962 begins.
fn complete_subtrees(mut start: u64, end: u64) -> Vec<Subtree> {
    let mut subtrees = Vec::new();
    while start < end {
        let height = (end - start).ilog2();
        let height = u8::try_from(height).unwrap_or(u8::MAX);
        subtrees.push(Subtree {
            height,
            position: start >> height,
        });
        start += 1 << height;
    }
    subtrees
}

/// Does the proof show that `leaf` is leaf number `index` (from 0) of the tree of `size` leaves with this root?
/// (RFC 9162 §2.1.3.2.)
#[must_use]
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for &sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Does the proof show that the tree of `new_size` leaves begins with the tree of `old_size` leaves?
/// (RFC 9162 §2.1.4.2.)
#[must_use]
pub fn verify_consistency(old_size: u64, old_root: Hash, new_size: u64, new_root: Hash, proof: &[Hash]) -> bool {
    if old_size == 0 || old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    // An old tree that is one complete subtree stands in the new one as it is.
    let implied = old_size.is_power_of_two().then_some(old_root);
    let mut hashes = implied.into_iter().chain(proof.iter().copied());
    let Some(first) = hashes.next() else {
        return false;
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, old);
            new = node_hash(sibling, new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == old_root && new == new_root
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// The leaves of Certificate Transparency's reference test suite.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];

    /// The roots of its trees of 0 to 8 leaves.
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hash(text: &str) -> Hash {
        Hash::from_slice(&hex::decode(text).unwrap()).unwrap()
    }

    /// A tree with the hashes of all its complete subtrees.
    struct Tree {
        frontier: Frontier,
        known: HashMap<Subtree, Hash>,
        leaves: Vec<Hash>,
    }

    fn tree<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> Tree {
        let mut tree = Tree {
            frontier: Frontier::empty(),
            known: HashMap::new(),
            leaves: Vec::new(),
        };
        for content in contents {
            let leaf = leaf_hash(content);
            tree.known.insert(
                Subtree {
                    height: 0,
                    position: tree.frontier.size(),
                },
                leaf,
            );
            let known = &mut tree.known;
            tree.frontier.push(leaf, |subtree, hash| {
                known.insert(subtree, hash);
            });
            tree.leaves.push(leaf);
        }
        tree
    }

    /// The definition of RFC 6962 §2.1, word for word.
    fn defined_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(defined_root(left), defined_root(right))
            }
        }
    }

    /// PATH(m, D[n]) of RFC 6962 §2.1.1, word for word.
    fn defined_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let middle = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(middle);
        let (mut path, other) = if index < middle {
            (defined_path(index, left), right)
        } else {
            (defined_path(index - middle, right), left)
        };
        path.push(defined_root(other));
        path
    }

    /// SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2, word for word.
    fn defined_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![defined_root(leaves)] };
        }
        let middle = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(middle);
        let (mut proof, other) = if old <= middle {
            (defined_subproof(old, left, whole), right)
        } else {
            (defined_subproof(old - middle, right, false), left)
        };
        proof.push(defined_root(other));
        proof
    }

    #[test]
    fn reference_trees_have_the_reference_roots() {
        for (size, root) in ROOTS.iter().enumerate() {
            assert_eq!(
                tree(LEAVES[..size].iter().copied()).frontier.root(),
                hash(root),
                "{size} leaves"
            );
        }
    }

    #[test]
    fn reference_proofs_come_out_and_verify() {
        let full = tree(LEAVES);
        let inclusion = Plan::inclusion(0, 8)
            .unwrap()
            .fill(|subtree| full.known.get(&subtree).copied())
            .unwrap();
        let expected = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(inclusion, expected.map(hash));
        assert!(verify_inclusion(full.leaves[0], 0, 8, &inclusion, hash(ROOTS[8])));
        let consistency = Plan::consistency(6, 8)
            .unwrap()
            .fill(|subtree| full.known.get(&subtree).copied())
            .unwrap();
        let expected = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(consistency, expected.map(hash));
        assert!(verify_consistency(6, hash(ROOTS[6]), 8, hash(ROOTS[8]), &consistency));
    }

    #[test]
    fn nonsense_sizes_have_no_proof() {
        assert_eq!(Plan::inclusion(8, 8), None);
        assert_eq!(Plan::inclusion(0, 0), None);
        assert_eq!(Plan::consistency(0, 8), None);
        assert_eq!(Plan::consistency(9, 8), None);
        let root = hash(ROOTS[8]);
        assert!(!verify_inclusion(root, 8, 8, &[], root));
        assert!(!verify_consistency(0, empty_root(), 8, root, &[]));
        assert!(!verify_consistency(9, root, 8, root, &[]));
        assert!(Frontier::from_parts(3, vec![root]).is_none());
    }

    proptest! {
        #[test]
        fn every_tree_agrees_with_the_definition(size in 0usize..300, choice in any::<(u64, u64)>(), spoil in any::<(usize, u8)>()) {
            let contents: Vec<[u8; 8]> = (0..size as u64).map(u64::to_be_bytes).collect();
            let tree = tree(contents.iter().map(|content| content.as_slice()));
            let root = defined_root(&tree.leaves);
            prop_assert_eq!(tree.frontier.root(), root);
            let again = Frontier::from_parts(tree.frontier.size(), tree.frontier.peaks().to_vec());
            prop_assert_eq!(again.as_ref(), Some(&tree.frontier));
            if size > 0 {
                let index = (choice.0 % size as u64) as usize;
                let proof = Plan::inclusion(index as u64, size as u64).unwrap();
                let proof = proof.fill(|subtree| tree.known.get(&subtree).copied()).unwrap();
                prop_assert_eq!(&proof, &defined_path(index, &tree.leaves));
                prop_assert!(verify_inclusion(tree.leaves[index], index as u64, size as u64, &proof, root));
                prop_assert!(!verify_inclusion(leaf_hash(b"other"), index as u64, size as u64, &proof, root));
                let old = 1 + (choice.1 % size as u64) as usize;
                let old_root = defined_root(&tree.leaves[..old]);
                let chain = Plan::consistency(old as u64, size as u64).unwrap();
                let chain = chain.fill(|subtree| tree.known.get(&subtree).copied()).unwrap();
                prop_assert_eq!(&chain, &defined_subproof(old, &tree.leaves, true));
                prop_assert!(verify_consistency(old as u64, old_root, size as u64, root, &chain));
                // One bit anywhere, a hash too many or too few: refused.
                for (proof, holds) in [
                    (&proof, &(|proof: &[Hash]| verify_inclusion(tree.leaves[index], index as u64, size as u64, proof, root)) as &dyn Fn(&[Hash]) -> bool),
                    (&chain, &|proof: &[Hash]| verify_consistency(old as u64, old_root, size as u64, root, proof)),
                ] {
                    let mut longer = proof.clone();
                    longer.push(root);
                    prop_assert!(!holds(&longer));
                    if !proof.is_empty() {
                        prop_assert!(!holds(&proof[1..]));
                        let mut spoiled = proof.clone();
                        let at = spoil.0 % spoiled.len();
                        spoiled[at].0[usize::from(spoil.1) % 32] ^= 1 << (spoil.1 % 8);
                        prop_assert!(!holds(&spoiled));
                    }
                }
            }
        }
    }
}
