//! The rooms of the runtime crate stand in an order, and each uses only those below it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use farcall_tests::tree::{files, root};

/// The rooms from the ground up, with what each is for. A room uses itself and those above it in this list.
const ROOMS: &[(&str, &str)] = &[
    ("unwind", "foreign code that panics"),
    ("events", "what an operator hears of"),
    ("clock", "the time"),
    ("sync", "locks"),
    ("status", "how a call ended: code, error, metadata"),
    ("nesting", "how deep foreign code nests on one stack"),
    ("told", "what is said once, to all that wait for it"),
    ("codec", "values to bytes and back, under limits"),
    ("proto", "the protocol without any I/O"),
    ("transport", "streams of bytes, and addresses"),
    (
        "driver",
        "joins the protocol and a stream; what travels beside the bytes",
    ),
    ("channel", "streams as values"),
    ("service", "what a handler sees, and what generated code implements"),
    ("layer", "interceptors and layers around calls"),
    ("trace", "spans"),
    ("dispatch", "from calls that come in to handlers"),
    ("client", "calls that go out"),
    ("server", "listening, connections, shutdown"),
    ("checked", "diagnostics about the types of a trait"),
    ("registry", "references by name"),
    ("loopback", "a client and its server in one process"),
    ("testing", "a simulated network"),
    ("fuzzing", "entries for the fuzz targets"),
];

/// The rooms behind the names that `lib.rs` shows at the root.
const ROOT_NAMES: &[(&str, &str)] = &[
    ("Address", "transport"),
    ("BlockingClient", "client"),
    ("Call", "client"),
    ("Channel", "client"),
    ("ChannelState", "client"),
    ("Client", "client"),
    ("Code", "status"),
    ("Context", "service"),
    ("Error", "status"),
    ("Limits", "proto"),
    ("Metadata", "status"),
    ("OrFail", "status"),
    ("Outcome", "status"),
    ("Result", "status"),
    ("RunningServer", "server"),
    ("Server", "server"),
    ("Service", "service"),
    ("Streaming", "channel"),
];

/// What shows the rooms to users and to generated code; it may name them all.
const FRONT: &[&str] = &["guide", "lib", "macro_support"];

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in sources() {
        let room = room_of(&file);
        if FRONT.contains(&room.as_str()) {
            continue;
        }
        let own = height(&room).unwrap_or_else(|| panic!("room `{room}` is not in the list"));
        seen.insert(own);
        for name in crate_names(&fs::read_to_string(&file).expect("a source file")) {
            let root = ROOT_NAMES.iter().find(|(root, _)| *root == name);
            let used = root.map_or(name.as_str(), |(_, room)| room);
            match height(used) {
                Some(height) if height <= own => {}
                Some(_) => wrong.push(format!("{} uses `{used}`, which is above it", file.display())),
                None => wrong.push(format!("{} names `crate::{name}`, which is no room", file.display())),
            }
        }
    }
    assert_eq!(seen.len(), ROOMS.len(), "each room of the list has a source");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn height(room: &str) -> Option<usize> {
    ROOMS.iter().position(|(name, _)| *name == room)
}

#[test]
fn the_protocol_core_has_no_io_no_clock_and_no_lock() {
    let mut wrong = Vec::new();
    for file in sources().into_iter().filter(|file| room_of(file) == "proto") {
        let text = code_of(&fs::read_to_string(&file).expect("a source file"));
        for word in [
            "tokio",
            "Mutex",
            "Waker",
            "Instant::now",
            "std::net",
            "std::thread",
            "async ",
        ] {
            if text.contains(word) {
                wrong.push(format!("{} names {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn source_root() -> PathBuf {
    root().join("rpc-core/src")
}

/// The sources that ship; tests inside the crate may use what they like.
fn sources() -> Vec<PathBuf> {
    let mut found = files(&source_root(), &["tests"]);
    found.retain(|file| file.extension().is_some_and(|kind| kind == "rs") && !file.ends_with("tests.rs"));
    found
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(source_root()).expect("a file of the crate");
    let first = inside
        .iter()
        .next()
        .expect("a component")
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The text without comments and without a test module at the end.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `crate::`, also those inside braces.
fn crate_names(text: &str) -> BTreeSet<String> {
    let code = code_of(text);
    let mut names = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || "_$".contains(character)) {
            continue;
        }
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(top_level(group)),
            None => names.extend(word(rest)),
        }
    }
    names
}

/// The first word of each part of a brace group, up to its closing brace.
fn top_level(group: &str) -> Vec<String> {
    let (mut depth, mut part, mut parts) = (0_usize, String::new(), Vec::new());
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {}
        }
        if depth == 0 && character != ',' {
            part.push(character);
        }
    }
    parts.push(part);
    parts.iter().filter_map(|part| word(part.trim_start())).collect()
}

fn word(text: &str) -> Option<String> {
    let end = text
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}
