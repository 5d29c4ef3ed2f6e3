//! Walks over an automaton: whether a literal can be in a line, and which bytes then come from which values.
//!
//! Each takes time in proportion to the automaton and to the literal.

use stenolog_format::summary::GRAM_BYTES;

use super::graph::{LineAutomaton, Node};
use crate::filter::prefilter::required::{Condition, RequiredLiteral};
use crate::text::CUT;

/// A question to an automaton, and how many steps the answer took.
pub(super) struct AutomatonWalk<'l> {
    line: &'l LineAutomaton,
    literal: &'l [u8],
    steps: usize,
}

impl<'l> AutomatonWalk<'l> {
    /// What the values of a record must print if its line contains the literal, and the number of steps taken.
    pub(super) fn answer(line: &'l LineAutomaton, literal: &'l [u8]) -> (RequiredLiteral, usize) {
        let mut walk = Self { line, literal, steps: 0 };
        let required = walk.required();
        (required, walk.steps)
    }

    fn required(&mut self) -> RequiredLiteral {
        let reached = self.reached();
        if !reached.last().is_some_and(|last| last.contains(&true)) {
            return RequiredLiteral::Never;
        }
        // Long pieces if each path has one, else any.
        let least = match [GRAM_BYTES, 1].into_iter().find(|least| !self.can_without(*least)) {
            Some(least) => least,
            None => return RequiredLiteral::Unknown,
        };
        let rest = self.rest();
        let mut conditions = Vec::new();
        for node in 0..self.line.nodes.len() {
            self.of_leaf(node, least, (&reached, &rest), &mut conditions);
        }
        self.steps += self.literal.len() * conditions.len();
        RequiredLiteral::one_of(conditions)
    }

    /// Adds what each path must have that gets at least `least` bytes from the leaf of a node. The shortest
    /// path out of a leaf that was entered at some byte gives what all paths from there share.
    fn of_leaf(
        &mut self,
        at: usize,
        least: usize,
        (reached, rest): (&[Vec<bool>], &[Vec<bool>]),
        conditions: &mut Vec<Condition>,
    ) {
        let (literal, length) = (self.literal, self.literal.len());
        let node = &self.line.nodes[at];
        let Some(leaf) = node.within.and_then(|(_, leaf)| self.line.leaves.get(leaf)) else {
            return;
        };
        self.steps += (length + 1) * (1 + node.free.len() + node.steps.len());
        let can_leave = |end: usize| {
            end == length
                || node.free.iter().any(|&next| rest[end][next])
                || node
                    .steps
                    .iter()
                    .any(|&(bytes, next)| bytes.has(literal[end]) && rest[end + 1][next])
        };
        // Of the bytes from `start` on that the leaf may print: how many, where the first path leaves, and how
        // many paths do.
        let (mut run, mut leaves, mut paths) = (0, usize::MAX, 0);
        // A piece that contains another one is redundant, unless it is anchored.
        let mut before = usize::MAX;
        for start in (0..length).rev() {
            if !node.stays(literal[start]) {
                (run, leaves, paths) = (0, usize::MAX, 0);
                continue;
            }
            run += 1;
            if run >= least && can_leave(start + least) {
                leaves = start + least;
                paths += 1;
            }
            if leaves > length || !reached[start][at] {
                continue;
            }
            let piece = &literal[start..leaves];
            if !leaf.kind.can_show(piece) {
                continue;
            }
            // A message that is cut may end in a leaf.
            let is_cut = literal.get(leaves) == CUT.as_bytes().first();
            let starts = leaf.is_whole && start > 0;
            let ends = leaf.is_whole && leaves < length && paths == 1 && !is_cut;
            if leaves < before || starts || ends {
                if !starts && !ends {
                    before = leaves;
                }
                conditions.push(Condition::shown(leaf, piece, (starts, ends)));
            }
        }
    }

    /// For each prefix of the literal: the nodes that it can reach, except from within a leaf to that leaf.
    fn reached(&mut self) -> Vec<Vec<bool>> {
        let nodes = &self.line.nodes;
        let mut all = Vec::with_capacity(self.literal.len() + 1);
        // The literal may begin anywhere in the line.
        all.push(vec![true; nodes.len()]);
        // Where one is, also within leaves.
        let mut now = vec![true; nodes.len()];
        for &byte in self.literal {
            self.steps += self.line.size;
            let mut entered = vec![false; nodes.len()];
            for node in nodes.iter().zip(&now).filter_map(|(node, is)| is.then_some(node)) {
                for &(bytes, next) in &node.steps {
                    entered[next] |= bytes.has(byte);
                }
                if node.stays(byte) {
                    // What follows the leaf is entered too.
                    node.free.iter().for_each(|&next| entered[next] = true);
                }
            }
            self.go_freely(&mut entered);
            for (index, now) in now.iter_mut().enumerate() {
                *now = entered[index] || *now && nodes[index].stays(byte);
            }
            all.push(entered);
        }
        // At the end it does not matter how.
        if let Some(last) = all.last_mut() {
            *last = now;
        }
        all
    }

    /// For each prefix of the literal: the nodes from which the rest can follow.
    fn rest(&mut self) -> Vec<Vec<bool>> {
        let LineAutomaton { nodes, from, size, .. } = self.line;
        let mut all = vec![vec![true; nodes.len()]];
        for &byte in self.literal.iter().rev() {
            self.steps += 2 * size;
            let after = &all[all.len() - 1];
            let can = |(index, node): (usize, &Node)| {
                node.stays(byte) && after[index]
                    || node.steps.iter().any(|&(bytes, next)| bytes.has(byte) && after[next])
            };
            let mut before: Vec<bool> = nodes.iter().enumerate().map(can).collect();
            // Backwards over free steps.
            let mut open: Vec<usize> = (0..nodes.len()).filter(|&index| before[index]).collect();
            while let Some(index) = open.pop() {
                for &earlier in &from[index] {
                    if !std::mem::replace(&mut before[earlier], true) {
                        open.push(earlier);
                    }
                }
            }
            all.push(before);
        }
        all.reverse();
        all
    }

    /// Adds the targets of free steps.
    fn go_freely(&mut self, is_in: &mut [bool]) {
        self.steps += self.line.size;
        let mut open: Vec<usize> = (0..is_in.len()).filter(|&index| is_in[index]).collect();
        while let Some(index) = open.pop() {
            for &next in &self.line.nodes[index].free {
                if !std::mem::replace(&mut is_in[next], true) {
                    open.push(next);
                }
            }
        }
    }

    /// Whether a line can have the literal with fewer than `least` bytes in a row from a leaf.
    fn can_without(&mut self, least: usize) -> bool {
        const { assert!(GRAM_BYTES == 4) };
        let nodes = &self.line.nodes;
        // For each node and each number of bytes that came from the leaf that is being read.
        let mut now = vec![[true, false, false, false]; nodes.len()];
        for &byte in self.literal {
            self.steps += self.line.size;
            let mut next = vec![[false; GRAM_BYTES]; nodes.len()];
            let mut entered = vec![false; nodes.len()];
            for (index, node) in nodes.iter().enumerate() {
                if !now[index].contains(&true) {
                    continue;
                }
                for &(bytes, to) in &node.steps {
                    entered[to] |= bytes.has(byte);
                }
                if node.stays(byte) {
                    for bytes in 1..least {
                        next[index][bytes] |= now[index][bytes - 1];
                    }
                    if next[index].contains(&true) {
                        node.free.iter().for_each(|&to| entered[to] = true);
                    }
                }
            }
            self.go_freely(&mut entered);
            for (states, entered) in next.iter_mut().zip(entered) {
                states[0] |= entered;
            }
            now = next;
        }
        now.iter().any(|states| states.contains(&true))
    }
}
