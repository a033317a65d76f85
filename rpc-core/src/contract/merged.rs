//! Several shapes as one, in which each type stands once.

use std::collections::HashMap;

use super::{
    canonical::classes_with_names,
    shape::{Node, NodeId, Shape},
};

/// One shape whose first node is a tuple of these, in which what is equal, names included, is one node.
pub(super) fn merged<'a>(shapes: impl Iterator<Item = &'a Shape>) -> Shape {
    let (mut nodes, mut roots) = (vec![Node::Tuple(Vec::new())], Vec::new());
    for shape in shapes {
        let offset = nodes.len() as NodeId;
        roots.push(offset);
        nodes.extend(shape.clone().into_moved(offset));
    }
    nodes[0] = Node::Tuple(roots);
    let all = Shape::of_nodes(nodes);
    let classes = classes_with_names(&all);
    let (mut numbers, mut kept) = (HashMap::new(), Vec::new());
    for (node, class) in all.nodes().iter().zip(&classes) {
        numbers.entry(*class).or_insert_with(|| {
            kept.push(node.clone());
            (kept.len() - 1) as NodeId
        });
    }
    for node in &mut kept {
        node.for_each_part(|part| *part = numbers[&classes[*part as usize]]);
    }
    Shape::of_nodes(kept)
}
