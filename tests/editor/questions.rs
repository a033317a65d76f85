//! What an editor asks the server.

use anyhow::{Context, Result, bail};
use lsp_types::{
    CompletionResponse, Diagnostic, DocumentChanges, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    GotoDefinitionResponse, HoverContents, InlayHint, InlayHintLabel, Location, OneOf, Position, Range,
    SymbolInformation, WorkspaceSymbolResponse,
    request::{
        Completion, DocumentDiagnosticRequest, GotoDefinition, HoverRequest, InlayHintRequest, References, Rename,
        Request, SignatureHelpRequest, WorkspaceSymbolRequest,
    },
};
use serde_json::json;

use crate::{editor::Editor, places};

impl Editor {
    /// Where a request that goes somewhere, such as `GotoDefinition`, leads to.
    pub(crate) fn follow<R>(&mut self, place: &str) -> Result<Vec<String>>
    where
        R: Request<Result = Option<GotoDefinitionResponse>>,
    {
        let parameters = self.at(place)?;
        match self.client.request::<R>(parameters)? {
            Some(GotoDefinitionResponse::Array(locations)) => self.shown(locations),
            Some(GotoDefinitionResponse::Scalar(location)) => self.shown([location]),
            Some(GotoDefinitionResponse::Link(_)) => bail!("links were not asked for"),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) fn definition(&mut self, place: &str) -> Result<Vec<String>> {
        self.follow::<GotoDefinition>(place)
    }

    pub(crate) fn references(&mut self, place: &str) -> Result<Vec<String>> {
        let mut parameters = self.at(place)?;
        parameters["context"] = json!({ "includeDeclaration": true });
        let locations = self.client.request::<References>(parameters)?;
        self.shown(locations.unwrap_or_default())
    }

    /// What would be written over.
    pub(crate) fn rename(&mut self, place: &str, new: &str) -> Result<Vec<String>> {
        let mut parameters = self.at(place)?;
        parameters["newName"] = json!(new);
        let edit = self
            .client
            .request::<Rename>(parameters)?
            .context("it can be renamed")?;
        let Some(DocumentChanges::Edits(documents)) = edit.document_changes else {
            bail!("no documents but only their texts change: {edit:?}");
        };
        let mut edits = Vec::new();
        for document in documents {
            for edit in document.edits {
                let OneOf::Left(edit) = edit else {
                    bail!("notes were not asked for: {edit:?}");
                };
                let location = Location::new(document.text_document.uri.clone(), edit.range);
                edits.push(format!("{} -> {}", self.show(&location)?, edit.new_text));
            }
        }
        edits.sort();
        Ok(edits)
    }

    pub(crate) fn hover(&mut self, place: &str) -> Result<String> {
        let parameters = self.at(place)?;
        let hover = self
            .client
            .request::<HoverRequest>(parameters)?
            .context("there is something to say")?;
        match hover.contents {
            HoverContents::Markup(markup) => Ok(markup.value),
            other => bail!("Markdown was asked for: {other:?}"),
        }
    }

    /// The names of what may follow the place.
    pub(crate) fn completions(&mut self, place: &str) -> Result<Vec<String>> {
        let parameters = self.after(place)?;
        let items = match self
            .client
            .request::<Completion>(parameters)?
            .context("something may follow")?
        {
            CompletionResponse::Array(items) => items,
            CompletionResponse::List(list) => list.items,
        };
        Ok(items.into_iter().map(|item| item.label).collect())
    }

    /// What is shown of a function while its arguments are typed.
    pub(crate) fn signature(&mut self, place: &str) -> Result<String> {
        let parameters = self.after(place)?;
        let help = self
            .client
            .request::<SignatureHelpRequest>(parameters)?
            .context("there is a signature")?;
        let signature = help.signatures.into_iter().next().context("there is a signature")?;
        Ok(signature.label)
    }

    /// The hints of a document, each behind the place that it stands before.
    pub(crate) fn hints(&mut self, name: &str) -> Result<Vec<String>> {
        let lines = self.document(name)?.text.lines().count() as u32;
        let all = Range::new(Position::default(), Position::new(lines, 0));
        let parameters = json!({ "textDocument": { "uri": self.uri(name)? }, "range": all });
        let hints = self.client.request::<InlayHintRequest>(parameters)?.unwrap_or_default();
        let text = &self.document(name)?.text;
        let show = |hint: InlayHint| {
            let label = match hint.label {
                InlayHintLabel::String(label) => label,
                InlayHintLabel::LabelParts(parts) => parts.into_iter().map(|part| part.value).collect(),
            };
            Ok(format!(
                "{} {label}",
                places::show(text, Range::new(hint.position, hint.position))?
            ))
        };
        hints.into_iter().map(show).collect()
    }

    /// The problems of a document: place and message.
    pub(crate) fn diagnostics(&mut self, name: &str) -> Result<Vec<(String, String)>> {
        let parameters = json!({ "textDocument": { "uri": self.uri(name)? } });
        let report = match self.client.request::<DocumentDiagnosticRequest>(parameters)? {
            DocumentDiagnosticReportResult::Report(DocumentDiagnosticReport::Full(report)) => report,
            other => bail!("a full report was asked for: {other:?}"),
        };
        let text = &self.document(name)?.text;
        let show = |diagnostic: Diagnostic| Ok((places::show(text, diagnostic.range)?, diagnostic.message));
        report
            .full_document_diagnostic_report
            .items
            .into_iter()
            .map(show)
            .collect()
    }

    /// The things of the project that have `query` in their names, with their places.
    pub(crate) fn symbols(&mut self, query: &str) -> Result<Vec<(String, String)>> {
        let found = self
            .client
            .request::<WorkspaceSymbolRequest>(json!({ "query": query }))?;
        let Some(WorkspaceSymbolResponse::Flat(symbols)) = found else {
            bail!("a flat list was expected: {found:?}");
        };
        let show = |symbol: SymbolInformation| Ok((symbol.name, self.show(&symbol.location)?));
        symbols.into_iter().map(show).collect()
    }
}
