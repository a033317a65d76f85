//! The rooms of the runtime crate stand in an order, and each uses only those below it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use farcall_tests::tree::{files, root};

/// The rooms from the ground up, with what each is for. A room uses itself and those above it in this list.
const ROOMS: &[(&str, &str)] = &[
    ("unwind", "foreign code that panics"),
    ("events", "what an operator hears of"),
    ("clock", "the time"),
    ("principal", "whom a token speaks for"),
    ("sync", "locks"),
    ("buffers", "the memory of long messages"),
    ("status", "how a call ended: code, error, metadata"),
    ("nesting", "how deep foreign code nests on one stack"),
    ("told", "what is said once, to all that wait for it"),
    ("codec", "values to bytes and back, under limits"),
    ("contract", "what both sides of a call have to agree on"),
    ("proto", "the protocol without any I/O"),
    ("transport", "streams of bytes, and addresses"),
    (
        "driver",
        "joins the protocol and a stream; what travels beside the bytes",
    ),
    ("channel", "streams as values"),
    ("service", "what a handler sees, and what generated code implements"),
    ("layer", "interceptors and layers around calls"),
    ("auth", "who may call what, and tokens"),
    ("trace", "spans"),
    (
        "dispatch",
        "from calls that come in, and from those to objects of this process, to handlers",
    ),
    (
        "reconnect",
        "the connections of a channel to a server, one after the other",
    ),
    ("client", "calls that go out"),
    ("reflection", "what a server offers, told to its callers"),
    ("server", "listening, connections, shutdown"),
    ("checked", "diagnostics about the types of a trait"),
    ("registry", "references by name"),
    ("loopback", "a client and its server in one process"),
    ("testing", "a simulated network"),
    (
        "harness",
        "the protocol under arbitrary input, for tests and fuzz targets",
    ),
];

/// The modules inside a room, from the ground up. A module uses itself and those before it in its list. To hold the
/// order of another room, add it here with all of its modules; names that its `mod.rs` only shows count as where they
/// are from.
const INSIDE: &[(&str, &[&str])] = &[
    (
        "proto",
        &[
            "violation",
            "identity",
            "items",
            "indexed_queue",
            "waiting",
            "limits",
            "frame",
            "attachment",
            "head",
            "agreements",
            "handshake",
            "lanes",
            "body",
            "writer",
            "assembly",
            "landing",
            "deadlines",
            "incoming",
            "outgoing",
            "references",
            "watchdog",
            "idleness",
            "stream",
            "outbox",
            "connection",
            "datagram",
        ],
    ),
    (
        "proto::datagram",
        &[
            "ranges",
            "rtt",
            "congestion",
            "mtu",
            "pacing",
            "packet",
            "chunk",
            "cookie",
            "lanes",
            "recovery",
            "path",
            "session",
            "opening",
            "endpoint",
        ],
    ),
    (
        "dispatch",
        &[
            "work",
            "layered",
            "router",
            "claimed",
            "routed",
            "seat",
            "local",
            "pace",
            "host",
            "continuations",
            "task",
            "serving",
            "connection",
        ],
    ),
    (
        "client",
        &[
            "timers",
            "feeds",
            "upkeep",
            "decode",
            "reply_metadata",
            "channel",
            "layered",
            "raw",
            "call",
            "builder",
            "streaming",
            "stub",
            "blocking",
            "api",
            "provided",
            "generated",
            "reference",
        ],
    ),
    (
        "server",
        &[
            "hooks",
            "reflecting",
            "shard",
            "registry",
            "shared",
            "threads",
            "accept",
            "running",
            "builder",
        ],
    ),
];

/// What shows the rooms to users and to generated code; it may name them all.
const FRONT: &[&str] = &["guide", "lib", "macro_support"];

#[test]
fn rooms_use_only_rooms_below_them() {
    let rooms: Vec<_> = ROOMS.iter().map(|(room, _)| *room).collect();
    assert_ordered("", &rooms);
}

#[test]
fn modules_use_only_modules_below_them() {
    for (room, modules) in INSIDE {
        assert_ordered(room, modules);
    }
}

/// Holds the modules of `room` to their order; the crate itself has an empty name.
fn assert_ordered(room: &str, order: &[&str]) {
    let room: Vec<_> = room
        .split("::")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let height = |name: &str| order.iter().position(|module| *module == name);
    let sources = sources();
    let front = sources.iter().find(|source| source.module == room);
    let shown = shown(front.expect("a room has a file of its own"));
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for source in &sources {
        let Some(module) = inside(&source.module, &room).filter(|module| !FRONT.contains(module)) else {
            continue;
        };
        let own = height(module).unwrap_or_else(|| panic!("module `{module}` of {room:?} is not in the list"));
        seen.insert(own);
        for path in used_paths(&source.code, &source.module) {
            let Some(name) = inside(&path, &room) else { continue };
            let origin = if height(name).is_some() { None } else { shown.get(name) };
            let Some(used) = inside(origin.unwrap_or(&path), &room) else {
                continue;
            };
            let file = source.file.display();
            match height(used) {
                Some(height) if height <= own => {}
                Some(_) => wrong.push(format!("{file} uses `{used}`, which is above it")),
                None => wrong.push(format!("{file} names `{used}`, which is no module of {room:?}")),
            }
        }
    }
    assert_eq!(
        seen.len(),
        order.len(),
        "each module in the list of {room:?} has a source"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first name of a path behind that of `room`.
fn inside<'a>(path: &'a [String], room: &[String]) -> Option<&'a str> {
    path.strip_prefix(room)?.first().map(String::as_str)
}

#[test]
fn the_protocol_core_has_no_io_no_clock_and_no_lock() {
    let mut wrong = Vec::new();
    for Source { file, module, code } in sources() {
        if module.first().is_none_or(|room| room != "proto") {
            continue;
        }
        for word in [
            "tokio",
            "Mutex",
            "Waker",
            "Instant::now",
            "std::net",
            "std::thread",
            "async ",
        ] {
            if code.contains(word) {
                wrong.push(format!("{} names {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A source that ships; tests inside the crate may use what they like.
struct Source {
    file: PathBuf,
    /// The module's path from the crate's root.
    module: Vec<String>,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = root().join("rpc-core/src");
    let mut found = files(&root, &["tests"]);
    found.retain(|file| file.extension().is_some_and(|kind| kind == "rs") && !file.ends_with("tests.rs"));
    let source = |file: PathBuf| Source {
        module: module_of(file.strip_prefix(&root).expect("a file of the crate")),
        code: code_of(&fs::read_to_string(&file).expect("a source file")),
        file,
    };
    found.into_iter().map(source).collect()
}

fn module_of(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    let mut module: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module == ["lib"] || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

/// The text without comments and without a test module at the end.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that the file of a room brings in, with where they come from.
fn shown(front: &Source) -> BTreeMap<String, Vec<String>> {
    let trees = front.code.split("use ").skip(1);
    let paths = trees.flat_map(|tree| expanded(tree).0);
    let named = |path: Vec<String>| Some((path.last()?.clone(), absolute(path, &front.module)));
    paths.filter_map(named).collect()
}

/// The paths from the crate's root of all that code in `module` names by way of `crate` or `super`.
fn used_paths(code: &str, module: &[String]) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    for begin in ["crate::", "super::"] {
        for (at, _) in code.match_indices(begin) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|character| !character.is_alphanumeric() && !"_$:".contains(character)) {
                let (named, _) = expanded(&code[at..]);
                paths.extend(named.into_iter().map(|path| absolute(path, module)));
            }
        }
    }
    // The crate's root and modules around this one are no names.
    paths.retain(|path| !module.starts_with(path));
    paths
}

/// A path as code in `module` writes it, from the crate's root.
fn absolute(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut absolute = module.to_owned();
    for name in path {
        match name.as_str() {
            "crate" => absolute.clear(),
            "super" => drop(absolute.pop()),
            "self" => {}
            _ => absolute.push(name),
        }
    }
    absolute
}

/// The paths of a tree as `use` has them, which begins here, and what follows it.
fn expanded(text: &str) -> (Vec<Vec<String>>, &str) {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return expanded_group(group);
    }
    let (name, rest) = word(text);
    match rest.strip_prefix("::") {
        Some(below) if !below.starts_with('<') => {
            let (mut paths, rest) = expanded(below);
            for path in &mut paths {
                path.insert(0, name.to_owned());
            }
            (paths, rest)
        }
        _ => (vec![vec![name.to_owned()]], rest),
    }
}

/// The paths of a group up to its closing brace.
fn expanded_group(group: &str) -> (Vec<Vec<String>>, &str) {
    let (mut paths, mut rest) = (Vec::new(), group.trim_start());
    while !rest.starts_with('}') {
        let (more, behind) = expanded(rest);
        paths.extend(more);
        // The name that `as` gives is of no account.
        let behind = behind.trim_start();
        let behind = behind.strip_prefix("as ").map_or(behind, |alias| word(alias).1);
        let behind = behind.trim_start().trim_start_matches(',').trim_start();
        assert!(behind.len() < rest.len(), "a group that cannot be read: {rest:.60}");
        rest = behind;
    }
    (paths, &rest[1..])
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_alphanumeric() && !"_*".contains(character));
    text.split_at(end.unwrap_or(text.len()))
}
