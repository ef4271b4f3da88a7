//! The tasks of a file as one map, in the shape of a Makefile's.

use super::{File, Line, Task};
use crate::{
    artifact::{
        makefile::files::{ROOT, absolute},
        recipe::{
            self, Command, Shell, commands, gates,
            write::{self, About, Written},
        },
    },
    document::{Id, Key, Tree},
    source::Span,
};

/// Folders in the root whose files are for the root.
const AT_ROOT: &[&str] = &["", ".config", ".mise", "mise", ".config/mise"];

/// Appends the map of a file; returns its root.
pub(super) fn write(tree: &mut Tree, file: &File) -> Id {
    let path = tree.source.path.clone();
    let at_root = AT_ROOT.contains(&tree.source.folder());
    let folder = if at_root { "" } else { tree.source.folder() }.to_owned();
    let head = Span::new(0, tree.source.line(1).len());
    let root = tree.open_map(Key::None, head);
    tree.text(Key::Field("path"), &path, head);
    tree.text(Key::Field("start"), &path, head);
    tree.text(Key::Field("runner"), file.runner, head);
    tree.text(Key::Field("folder"), &folder, head);
    for (key, value) in [("entry", true), ("root", at_root), ("whole", true), ("open", file.open)] {
        tree.bool(Key::Text(key), value, head);
    }
    write::list(tree, "names", file.tasks.iter().map(|it| it.name.as_str()), head);
    let list = tree.open_seq(Key::Field("targets"), head);
    for task in &file.tasks {
        one(tree, task, &folder);
    }
    tree.close(list);
    tree.close(root);
    root
}

fn one(tree: &mut Tree, task: &Task, folder: &str) {
    let span = task.place;
    let map = tree.open_map(Key::None, span);
    tree.text(Key::Field("name"), &task.name, span);
    tree.bool(Key::Field("has_rule"), true, span);
    tree.bool(Key::Field("maybe"), false, span);
    write::maybe(tree, "gate", gates::named(&task.name), span);
    let list = tree.open_seq(Key::Field("prerequisites"), span);
    for (name, span) in &task.prerequisites {
        let it = tree.open_map(Key::None, *span);
        tree.text(Key::Field("name"), name, *span);
        tree.close(it);
    }
    tree.close(list);
    let lines: Vec<recipe::Line<'_>> = task.lines.iter().map(line_of).collect();
    // A folder outside of the root stands for one that is not known.
    let here = task.folder.as_deref().map(|it| absolute(&absolute(ROOT, folder), it));
    let shell = Shell { make: false, ..task.shell };
    let all = commands(&lines, shell, here.as_deref().unwrap_or("/"));
    let about = About {
        prerequisites: !task.prerequisites.is_empty(),
        recipe: !task.lines.is_empty(),
        opaque: task.opaque,
    };
    let both: Vec<&Command> = all.iter().collect();
    write::verdict(tree, lines.iter().copied(), &both, about, span);
    let list = tree.open_seq(Key::Field("recipe"), span);
    let mut rest = all.iter().peekable();
    for (index, (line, read)) in task.lines.iter().zip(&lines).enumerate() {
        write::line(tree, (index, *read), Some(Written { place: line.place }), &mut rest);
    }
    tree.close(list);
    tree.close(map);
}

fn line_of(it: &Line) -> recipe::Line<'_> {
    recipe::Line { text: &it.text, expanded: &it.expanded, flags: it.flags }
}
