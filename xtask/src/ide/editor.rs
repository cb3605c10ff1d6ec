//! An editor with one open file. It writes the answers to its questions as short texts.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;
use crate::command::target_directory;
use crate::ide::client::Client;

/// What an editor asks about a place in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// The documentation in a tooltip; of it the code, without the paths of modules.
    Hover,
    /// Where a name is defined.
    Definition,
    /// Where a name is used, and where it is defined.
    References,
    /// The functions that could be called, with their parameters.
    Signature,
    /// The first twelve completions of the word.
    Completion,
    /// The changes that give something another name.
    Rename(&'static str),
    /// The errors and warnings in the whole file.
    Mistakes,
}

/// A change of the file: replaces a text.
pub(crate) type Edit = Option<(&'static str, &'static str)>;

/// An editor, and the server that answers its questions.
pub(crate) struct Editor {
    client: Client,
    uri: String,
    /// The text of the file, and the text that the server knows.
    original: String,
    text: String,
    version: u32,
}

impl Editor {
    /// Opens the library of a package, and waits until the server knows all about it.
    pub(crate) fn open(server: &Path, package: &Path, library: Option<&Path>) -> Result<Self, Failure> {
        let absolute =
            |path: &Path| fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()));
        let (server, root) = (absolute(server).unwrap_or_else(|_| server.to_owned()), absolute(package)?);
        let file = root.join("src/lib.rs");
        let original = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let library = library.map(absolute).transpose()?;
        let target = absolute(&target_directory())?.join("ide");
        let mut client = Client::start(&server, &root)?;
        let uri = |path: &Path| format!("file://{}", path.display());
        let initialize = json!({
            "processId": std::process::id(),
            "rootUri": uri(&root),
            "capabilities": {
                "experimental": { "serverStatusNotification": true },
                "textDocument": { "hover": { "contentFormat": ["markdown"] }, "diagnostic": {} },
            },
            "initializationOptions": {
                "cargo": { "sysrootSrc": library, "targetDir": target },
                "checkOnSave": false,
            },
        });
        client.request("initialize", &initialize)?;
        client.notify("initialized", &json!({}))?;
        let uri = uri(&file);
        let document = json!({ "uri": uri, "languageId": "rust", "version": 0, "text": original });
        client.notify("textDocument/didOpen", &json!({ "textDocument": document }))?;
        client.wait_for(|message| message["params"]["quiescent"] == true)?;
        Ok(Self { client, uri, text: original.clone(), original, version: 0 })
    }

    /// Changes the file, and returns the answer about a place in it: `|` marks the cursor in a text from the file.
    pub(crate) fn ask(&mut self, edit: Edit, ask: Ask, at: &str) -> Result<String, Failure> {
        self.change(edit)?;
        let document = json!({ "uri": self.uri });
        if let Ask::Mistakes = ask {
            let answer =
                self.client.request("textDocument/diagnostic", &json!({ "textDocument": document }))?;
            return Ok(lines(list(&answer["items"]).map(|item| {
                let message = item["message"].as_str().unwrap_or_default();
                format!("{}: {message}", self.shown(&self.uri, &item["range"]))
            })));
        }
        let cursor = self.find(at)?;
        let before = &self.text[..cursor];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let position = json!({ "line": before.matches('\n').count(), "character": cursor - line_start });
        let word = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        let word = before[word..].to_owned();
        let mut params = json!({ "textDocument": document, "position": position });
        let method = match ask {
            Ask::Hover => "hover",
            Ask::Definition => "definition",
            Ask::References => {
                params["context"] = json!({ "includeDeclaration": true });
                "references"
            }
            Ask::Signature => "signatureHelp",
            Ask::Completion => "completion",
            Ask::Rename(name) => {
                params["newName"] = json!(name);
                "rename"
            }
            Ask::Mistakes => "diagnostic",
        };
        let answer = self.client.request(&format!("textDocument/{method}"), &params)?;
        Ok(match ask {
            Ask::Hover => code(answer["contents"]["value"].as_str().unwrap_or_default()),
            Ask::Signature => lines(list(&answer["signatures"]).map(|signature| text(&signature["label"]))),
            Ask::Completion => completions(&answer["items"], &word),
            Ask::Rename(_) => {
                let edits = list(&answer["documentChanges"]).flat_map(|change| list(&change["edits"]));
                let shown = |edit: &Value| {
                    format!("{} = {}", self.shown(&self.uri, &edit["range"]), text(&edit["newText"]))
                };
                lines(edits.map(shown))
            }
            _ => lines(list(&answer).map(|place| self.shown(&text(&place["uri"]), &place["range"]))),
        })
    }

    fn change(&mut self, edit: Edit) -> Result<(), Failure> {
        let changed = match edit {
            None => self.original.clone(),
            Some((from, to)) if self.original.matches(from).count() == 1 => self.original.replace(from, to),
            Some((from, _)) => return Err(format!("`{from}` has to be once in the file")),
        };
        if changed == self.text {
            return Ok(());
        }
        self.text = changed;
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let change = json!({ "textDocument": document, "contentChanges": [{ "text": self.text }] });
        self.client.notify("textDocument/didChange", &change)
    }

    /// Returns the offset of the cursor.
    fn find(&self, at: &str) -> Result<usize, Failure> {
        let cursor = at.find('|').ok_or_else(|| format!("there is no cursor in `{at}`"))?;
        let text = at.replacen('|', "", 1);
        match self.text.matches(&text).count() {
            1 => Ok(self.text.find(&text).unwrap_or_default() + cursor),
            _ => Err(format!("`{text}` has to be once in the file")),
        }
    }

    /// Shows a range as the line up to its end, with the range in brackets.
    fn shown(&self, uri: &str, range: &Value) -> String {
        let number =
            |position: &Value| usize::try_from(position.as_u64().unwrap_or_default()).unwrap_or_default();
        let (start, end) = (&range["start"], &range["end"]);
        if uri != self.uri {
            return format!("line {} of {uri}", number(&start["line"]) + 1);
        }
        let line = self.text.lines().nth(number(&start["line"])).unwrap_or_default();
        let start = number(&start["character"]).min(line.len());
        let end = if end["line"] == range["start"]["line"] { number(&end["character"]) } else { line.len() };
        format!("{}[{}]", line[..start].trim_start(), &line[start..end.max(start)])
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the blocks of code in a tooltip, without those that only name a module or a type.
fn code(markdown: &str) -> String {
    let blocks = markdown.split("```rust\n").skip(1).filter_map(|block| block.split("\n```").next());
    lines(blocks.filter(|block| block.contains(' ')).map(str::to_owned))
}

/// Returns the first completions that begin with a word.
fn completions(items: &Value, word: &str) -> String {
    let ranked = |item: &Value| (text(&item["sortText"]), text(&item["label"]));
    let mut all: Vec<(String, String)> = list(items).map(ranked).collect();
    all.sort();
    let fitting = all.into_iter().map(|(_, label)| label).filter(|label| label.starts_with(word));
    fitting.take(12).collect::<Vec<_>>().join(", ")
}
