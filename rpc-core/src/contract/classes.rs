//! Which nodes of a graph mean the same.

use std::{collections::HashMap, mem};

use super::canonical::Class;

/// Splits classes until nodes of one class have parts of equal classes, as when an automaton is minimised.
///
/// The largest piece of a split class keeps its number. So a node's number changes a few times at most, whoever made
/// the graph.
pub(super) fn refined(labels: Vec<Class>, parts: &[Vec<usize>]) -> Vec<Class> {
    let mut partition = Partition::new(labels, parts);
    while let Some(class) = partition.next.pop() {
        partition.split(class as usize);
    }
    partition.classes
}

struct Partition<'a> {
    parts: &'a [Vec<usize>],
    /// The nodes that a node is a part of.
    users: Vec<Vec<usize>>,
    classes: Vec<Class>,
    members: Vec<Vec<usize>>,
    /// Where a node is among the members of its class.
    places: Vec<usize>,
    /// The members of a class with a part whose class has got another number since they were looked at.
    changed: Vec<Vec<usize>>,
    is_changed: Vec<bool>,
    /// Classes with changed members.
    next: Vec<Class>,
}

impl<'a> Partition<'a> {
    fn new(classes: Vec<Class>, parts: &'a [Vec<usize>]) -> Self {
        let mut users = vec![Vec::new(); parts.len()];
        for (node, parts) in parts.iter().enumerate() {
            for &part in parts {
                users[part].push(node);
            }
        }
        let count = classes.iter().max().map_or(0, |&last| last + 1);
        let mut members = vec![Vec::new(); count as usize];
        let places = classes.iter().enumerate().map(|(node, &class)| {
            members[class as usize].push(node);
            members[class as usize].len() - 1
        });
        let places = places.collect();
        Self {
            parts,
            users,
            classes,
            changed: members.clone(),
            members,
            places,
            is_changed: vec![true; parts.len()],
            next: (0..count).collect(),
        }
    }

    fn split(&mut self, class: usize) {
        let changed = mem::take(&mut self.changed[class]);
        let same = self.members[class].len() - changed.len();
        let mut groups = HashMap::<Vec<Class>, Vec<usize>>::new();
        for &node in &changed {
            let of = self.parts[node].iter().map(|&part| self.classes[part]);
            groups.entry(of.collect()).or_default().push(node);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(Vec::len);
        if groups.last().is_some_and(|largest| largest.len() >= same) {
            groups.pop();
            let same = self.members[class].iter().copied();
            groups.push(same.filter(|&node| !self.is_changed[node]).collect());
        }
        for node in changed {
            self.is_changed[node] = false;
        }
        groups.retain(|group| !group.is_empty());
        for group in &groups {
            self.found(group);
        }
        // Not before each node is in its class, where it may be noted.
        for node in groups.into_iter().flatten() {
            self.touch_users(node);
        }
    }

    /// Makes a class of its own of a group.
    fn found(&mut self, group: &[usize]) {
        let class = self.members.len();
        for &node in group {
            self.remove(node);
            self.classes[node] = class as Class;
        }
        for (place, &node) in group.iter().enumerate() {
            self.places[node] = place;
        }
        self.members.push(group.to_vec());
        self.changed.push(Vec::new());
    }

    fn remove(&mut self, node: usize) {
        let (members, place) = (&mut self.members[self.classes[node] as usize], self.places[node]);
        members.swap_remove(place);
        if let Some(&moved) = members.get(place) {
            self.places[moved] = place;
        }
    }

    /// The node has changed its class.
    fn touch_users(&mut self, node: usize) {
        for &user in &self.users[node] {
            if !mem::replace(&mut self.is_changed[user], true) {
                let class = self.classes[user];
                self.changed[class as usize].push(user);
                self.next.push(class);
            }
        }
    }
}
