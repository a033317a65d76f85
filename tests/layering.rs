//! The rooms of the runtime crate use each other only in the directions that the map in CONTRIBUTING.md shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What every room may use.
const BASE: &[&str] = &["clock", "code", "error", "events", "metadata", "nesting", "sync", "unwind"];

/// What each room may use besides itself and the base.
const ROOMS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("code", &[]),
    ("error", &[]),
    ("events", &[]),
    ("metadata", &[]),
    ("nesting", &[]),
    ("sync", &[]),
    ("unwind", &[]),
    ("codec", &[]),
    ("guide", &[]),
    ("told", &[]),
    ("proto", &[]),
    ("transport", &["proto"]),
    ("carry", &["codec", "driver", "proto", "service"]),
    ("service", &["carry", "channel", "codec", "told", "transport"]),
    ("layer", &["carry", "service", "transport"]),
    ("driver", &["carry", "codec", "proto", "service", "transport"]),
    ("channel", &["carry", "codec", "driver", "proto", "service"]),
    (
        "dispatch",
        &[
            "carry",
            "codec",
            "driver",
            "layer",
            "proto",
            "service",
            "trace",
            "transport",
        ],
    ),
    (
        "client",
        &[
            "carry",
            "channel",
            "codec",
            "dispatch",
            "driver",
            "layer",
            "proto",
            "service",
            "told",
            "trace",
            "transport",
        ],
    ),
    (
        "server",
        &["carry", "dispatch", "driver", "layer", "proto", "service", "transport"],
    ),
    ("checked", &["client", "service"]),
    ("registry", &["client", "service"]),
    ("trace", &["layer", "service", "transport"]),
    ("loopback", &["client", "server", "service", "transport"]),
    ("testing", &["client", "server", "transport"]),
    ("fuzzing", &["codec", "proto"]),
];

/// The rooms behind the names that `lib.rs` shows at the root.
const ROOT_NAMES: &[(&str, &str)] = &[
    ("Address", "transport"),
    ("BlockingClient", "client"),
    ("Call", "client"),
    ("Channel", "client"),
    ("ChannelState", "client"),
    ("Client", "client"),
    ("Code", "code"),
    ("Context", "service"),
    ("Error", "error"),
    ("Limits", "proto"),
    ("Metadata", "metadata"),
    ("OrFail", "error"),
    ("Outcome", "code"),
    ("Result", "error"),
    ("RunningServer", "server"),
    ("Server", "server"),
    ("Service", "service"),
];

/// `Limits` are plain numbers that both ends are built with; they live with the protocol that enforces them.
const EVERYONE_MAY_NAME: &[&str] = &["Limits"];

#[test]
fn rooms_use_each_other_only_as_the_map_shows() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in sources() {
        let room = room_of(&file);
        if room == "lib" || room == "macro_support" {
            continue;
        }
        let allowed = rooms
            .get(room.as_str())
            .unwrap_or_else(|| panic!("room `{room}` is not on the map"));
        seen.insert(room.clone());
        for name in crate_names(&fs::read_to_string(&file).expect("a source file")) {
            if EVERYONE_MAY_NAME.contains(&name.as_str()) {
                continue;
            }
            let used = ROOT_NAMES
                .iter()
                .find(|(root, _)| *root == name)
                .map_or(name.as_str(), |(_, room)| room);
            let fine = used == room || BASE.contains(&used) || allowed.contains(&used);
            if !fine {
                wrong.push(format!("{} uses {used} (as `crate::{name}`)", file.display()));
            }
        }
    }
    assert!(seen.len() > 8, "the sources were found: {seen:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpc-core/src")
}

/// The sources that ship; tests inside the crate may use what they like.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![source_root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
                found.push(path);
            }
        }
    }
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
