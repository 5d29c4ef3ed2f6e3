//! Walks over an automaton: whether a literal can be in a line, and which bytes then come from values.
//!
//! Each takes time in proportion to the automaton and to the literal.

use stenolog_format::summary::GRAM_BYTES;

use super::graph::{LineAutomaton, Node};
use crate::filter::prefilter::fold::minimal;
use crate::filter::prefilter::required::RequiredLiteral;

/// A question to an automaton, and how many steps the answer took.
pub(super) struct AutomatonWalk<'l> {
    line: &'l LineAutomaton,
    literal: &'l [u8],
    steps: usize,
}

impl<'l> AutomatonWalk<'l> {
    /// The text that a record must contain if its line contains the literal, and the number of steps taken.
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
        if self.can_without_text() {
            return RequiredLiteral::Unknown;
        }
        // On every path, a piece of at least this length comes from one string. The shortest path out of
        // a string that was entered at some byte gives what all paths from there share.
        let rest = self.rest();
        let (literal, length) = (self.literal, self.literal.len());
        let mut shortest = vec![usize::MAX; length];
        for (node, text) in self.line.nodes.iter().enumerate().filter(|(_, node)| node.is_text) {
            self.steps += (length + 1) * (1 + text.free.len() + text.steps.len());
            let can_leave = |end: usize| {
                end == length
                    || text.free.iter().any(|&next| rest[end][next])
                    || text
                        .steps
                        .iter()
                        .any(|&(bytes, next)| bytes.has(literal[end]) && rest[end + 1][next])
            };
            let mut leaves = usize::MAX;
            for start in (0..length).rev() {
                let end = start + GRAM_BYTES;
                if end <= length && can_leave(end) {
                    leaves = end;
                }
                if reached[start][node] {
                    shortest[start] = shortest[start].min(leaves);
                }
            }
        }
        let mut pieces = Vec::new();
        // A piece that contains another one is redundant.
        let mut before = usize::MAX;
        for (start, &end) in shortest.iter().enumerate().rev() {
            if end < before {
                before = end;
                pieces.push(literal[start..end].to_vec());
            }
        }
        self.steps += length * length;
        if pieces.is_empty() {
            RequiredLiteral::Unknown
        } else {
            RequiredLiteral::OneOf(minimal(pieces))
        }
    }

    /// For each prefix of the literal: the nodes that it can reach, except by text to the node of that
    /// text itself.
    fn reached(&mut self) -> Vec<Vec<bool>> {
        let nodes = &self.line.nodes;
        let mut all = Vec::with_capacity(self.literal.len() + 1);
        // The literal may begin anywhere in the line.
        all.push(vec![true; nodes.len()]);
        // Where one is, by text as well.
        let mut now = vec![true; nodes.len()];
        for &byte in self.literal {
            self.steps += self.line.size;
            let mut entered = vec![false; nodes.len()];
            for node in nodes.iter().zip(&now).filter_map(|(node, is)| is.then_some(node)) {
                for &(bytes, next) in &node.steps {
                    entered[next] |= bytes.has(byte);
                }
                if node.is_text {
                    // What follows the text is entered too.
                    node.free.iter().for_each(|&next| entered[next] = true);
                }
            }
            self.go_freely(&mut entered);
            for (index, now) in now.iter_mut().enumerate() {
                *now = entered[index] || *now && nodes[index].is_text;
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
        let LineAutomaton { nodes, from, size } = self.line;
        let mut all = vec![vec![true; nodes.len()]];
        for &byte in self.literal.iter().rev() {
            self.steps += 2 * size;
            let after = &all[all.len() - 1];
            let can = |(index, node): (usize, &Node)| {
                node.is_text && after[index]
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

    /// Whether a line can have the literal with fewer than [`GRAM_BYTES`] bytes in a row from a string.
    fn can_without_text(&mut self) -> bool {
        const { assert!(GRAM_BYTES == 4) };
        let nodes = &self.line.nodes;
        // For each node and each number of bytes that came from the string that is being read.
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
                if node.is_text {
                    for bytes in 1..GRAM_BYTES {
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
