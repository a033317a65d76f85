//! Several shapes as one, in which each type stands once.

use std::collections::HashMap;

use super::{
    canonical::classes_with_names,
    shape::{NodeId, Shape},
};

/// The nodes of these shapes as one, in which what is equal, names included, is one node. And where each shape begins.
pub(super) fn merged<'a>(shapes: impl Iterator<Item = &'a Shape>) -> (Shape, Vec<NodeId>) {
    let (mut nodes, mut roots) = (Vec::new(), Vec::new());
    for shape in shapes {
        let offset = nodes.len() as NodeId;
        roots.push(offset);
        nodes.extend(shape.clone().into_moved(offset));
    }
    let all = Shape::of_nodes(nodes);
    let classes = classes_with_names(&all);
    let (mut numbers, mut kept) = (HashMap::new(), Vec::new());
    for (node, class) in all.nodes().iter().zip(&classes) {
        numbers.entry(*class).or_insert_with(|| {
            kept.push(node.clone());
            (kept.len() - 1) as NodeId
        });
    }
    let place = |id: NodeId| numbers[&classes[id as usize]];
    for node in &mut kept {
        node.for_each_part(|part| *part = place(*part));
    }
    (Shape::of_nodes(kept), roots.into_iter().map(place).collect())
}
