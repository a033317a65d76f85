//! An editor with the sample project open. It asks about places and is answered with places (see [`crate::places`]).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use lsp_types::{
    Location, Range, Uri,
    notification::{DidChangeTextDocument, DidOpenTextDocument, Initialized, Notification},
    request::Initialize,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{client::Client, places};

pub(crate) struct Editor {
    pub(crate) client: Client,
    folder: PathBuf,
    documents: BTreeMap<String, Document>,
}

pub(crate) struct Document {
    saved: String,
    pub(crate) text: String,
    version: i32,
}

/// rust-analyzer's own notification of how far it is.
enum ServerStatus {}

#[derive(Serialize, Deserialize)]
struct ServerStatusParameters {
    health: String,
    quiescent: bool,
    message: Option<String>,
}

impl Notification for ServerStatus {
    type Params = ServerStatusParameters;
    const METHOD: &'static str = "experimental/serverStatus";
}

impl Editor {
    /// Opens all documents of `folder` with the server `program`, and waits until it knows the project.
    pub(crate) fn open(program: &Path, folder: &Path, temporary: &Path) -> Result<Self> {
        let log = temporary.join("rust-analyzer.log");
        let mut editor = Self {
            client: Client::start(program, folder, &log)?,
            folder: folder.join("src"),
            documents: BTreeMap::new(),
        };
        editor
            .load(folder, temporary)
            .with_context(|| format!("{} has what the server says", log.display()))?;
        Ok(editor)
    }

    fn load(&mut self, folder: &Path, temporary: &Path) -> Result<()> {
        self.client.request::<Initialize>(json!({
            "processId": std::process::id(),
            "rootUri": uri(folder)?,
            "capabilities": {
                "general": { "positionEncodings": ["utf-8"] },
                "window": { "workDoneProgress": true },
                "textDocument": {
                    "completion": { "completionItem": { "documentationFormat": ["markdown"] } },
                    "diagnostic": {},
                    "hover": { "contentFormat": ["markdown"] },
                    "rename": { "prepareSupport": true },
                },
                "workspace": { "workspaceEdit": { "documentChanges": true } },
                "experimental": { "serverStatusNotification": true },
            },
            "initializationOptions": {
                "cargo": { "targetDir": temporary.join("project"), "sysrootSrc": folder.join("../sysroot") },
                "checkOnSave": false,
            },
        }))?;
        self.client.notify::<Initialized>(json!({}))?;
        for entry in fs::read_dir(&self.folder)? {
            self.open_document(&entry?.path())?;
        }
        loop {
            let status = self.client.notified::<ServerStatus>()?;
            let message = status.message.unwrap_or_default();
            ensure!(
                status.health != "error",
                "rust-analyzer cannot load the project: {message}"
            );
            if status.quiescent {
                return Ok(());
            }
        }
    }

    fn open_document(&mut self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path)?;
        self.client.notify::<DidOpenTextDocument>(json!({
            "textDocument": { "uri": uri(path)?, "languageId": "rust", "version": 0, "text": text },
        }))?;
        let document = Document {
            saved: text.clone(),
            text,
            version: 0,
        };
        self.documents.insert(places::name(path)?.to_owned(), document);
        Ok(())
    }

    /// Takes back what was typed.
    pub(crate) fn revert(&mut self) -> Result<()> {
        let is_changed = |(_, document): &(&String, &Document)| document.text != document.saved;
        let changed = self.documents.iter().filter(is_changed);
        let saved: Vec<_> = changed
            .map(|(name, document)| (name.clone(), document.saved.clone()))
            .collect();
        saved.into_iter().try_for_each(|(name, text)| self.write(&name, text))
    }

    /// Puts `new` in the place of what is between the marks.
    pub(crate) fn type_over(&mut self, place: &str, new: &str) -> Result<()> {
        let (name, marked) = places::split(place)?;
        let text = &self.document(name)?.text;
        let range = places::find(text, marked)?;
        let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
        let line = lines.get_mut(range.start.line as usize).context("the line is there")?;
        line.replace_range(range.start.character as usize..range.end.character as usize, new);
        let text = lines.join("\n");
        self.write(name, text)
    }

    fn write(&mut self, name: &str, text: String) -> Result<()> {
        let uri = self.uri(name)?;
        let document = self.documents.get_mut(name).context("the document is open")?;
        document.version += 1;
        document.text = text;
        self.client.notify::<DidChangeTextDocument>(json!({
            "textDocument": { "uri": uri, "version": document.version },
            "contentChanges": [{ "text": document.text }],
        }))
    }

    /// The parameters of a request about the place.
    pub(crate) fn at(&self, place: &str) -> Result<Value> {
        let (name, range) = self.range(place)?;
        Ok(json!({ "textDocument": { "uri": self.uri(name)? }, "position": range.start }))
    }

    /// The parameters of a request about what is typed behind the place.
    pub(crate) fn after(&self, place: &str) -> Result<Value> {
        let (name, range) = self.range(place)?;
        Ok(json!({ "textDocument": { "uri": self.uri(name)? }, "position": range.end }))
    }

    fn range<'a>(&self, place: &'a str) -> Result<(&'a str, Range)> {
        let (name, marked) = places::split(place)?;
        Ok((name, places::find(&self.document(name)?.text, marked)?))
    }

    pub(crate) fn document(&self, name: &str) -> Result<&Document> {
        self.documents
            .get(name)
            .with_context(|| format!("no document is called {name}"))
    }

    pub(crate) fn uri(&self, name: &str) -> Result<Uri> {
        uri(&self.folder.join(name))
    }

    /// Sorted, since servers list places as they find them. One that is there twice shows twice.
    pub(crate) fn shown(&self, locations: impl IntoIterator<Item = Location>) -> Result<Vec<String>> {
        let mut shown = locations
            .into_iter()
            .map(|location| self.show(&location))
            .collect::<Result<Vec<_>>>()?;
        shown.sort();
        Ok(shown)
    }

    pub(crate) fn show(&self, location: &Location) -> Result<String> {
        let path = Path::new(location.uri.path().as_str());
        if path.parent() != Some(&self.folder) {
            return Ok(format!(
                "{} {:?} {:?}",
                path.display(),
                location.range.start,
                location.range.end
            ));
        }
        let name = places::name(path)?;
        Ok(format!(
            "{name}: {}",
            places::show(&self.document(name)?.text, location.range)?
        ))
    }
}

/// Refused where the path has characters that must be written in another way.
fn uri(path: &Path) -> Result<Uri> {
    format!("file://{}", path.display())
        .parse()
        .with_context(|| format!("{} makes no URI", path.display()))
}
