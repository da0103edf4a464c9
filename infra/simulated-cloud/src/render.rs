//! Fills a template that `template.rs` has read: looking names up, sections, escaping.

use crate::{json::Json, template::Node};

/// What filling one template may cost, or several that go into one request; a template of a few lines can otherwise ask for
/// hours.
pub(crate) struct Budget {
    steps: u32,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        // 1 MiB is ten times what a response may publish; a million steps take some milliseconds.
        Self {
            steps: 1_000_000,
            bytes: 1024 * 1024,
        }
    }
}

pub(crate) fn fill(
    nodes: &[Node],
    contexts: &[&Json],
    budget: &mut Budget,
) -> Result<String, String> {
    let mut filling = Filling {
        out: String::new(),
        contexts: contexts.to_vec(),
        budget,
    };
    filling.walk(nodes)?;
    Ok(filling.out)
}

struct Filling<'a> {
    out: String,
    /// Innermost last.
    contexts: Vec<&'a Json>,
    budget: &'a mut Budget,
}

/// What a name stands for: a value of the context, a number that JavaScript computes, or nothing.
#[derive(Clone, Copy)]
enum Found<'a> {
    Value(&'a Json),
    Length(usize),
    Nothing,
}

impl Found<'_> {
    fn is_falsy(self) -> bool {
        match self {
            // An empty list is true in JavaScript, but a section over it is skipped.
            Found::Value(Json::Array(items)) => items.is_empty(),
            Found::Value(value) => value.is_falsy(),
            Found::Length(length) => length == 0,
            Found::Nothing => true,
        }
    }

    fn to_text(self) -> String {
        match self {
            Found::Value(value) => value.to_text(),
            Found::Length(length) => length.to_string(),
            Found::Nothing => String::new(),
        }
    }
}

impl<'a> Filling<'a> {
    fn walk(&mut self, nodes: &[Node]) -> Result<(), String> {
        for node in nodes {
            self.budget.steps = self
                .budget
                .steps
                .checked_sub(1)
                .ok_or("the template takes too many steps")?;
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Value { name, escaped } => {
                    let text = self.find(name).to_text();
                    if *escaped {
                        self.write(&escape(&text))?
                    } else {
                        self.write(&text)?
                    }
                }
                Node::Inverted { name, nodes } => {
                    if self.find(name).is_falsy() {
                        self.walk(nodes)?;
                    }
                }
                Node::Section { name, nodes } => self.section(name, nodes)?,
                Node::Block(nodes) => self.walk(nodes)?,
            }
        }
        Ok(())
    }

    fn section(&mut self, name: &str, nodes: &[Node]) -> Result<(), String> {
        let found = self.find(name);
        if found.is_falsy() {
            return Ok(());
        }
        let top = self.contexts.last().copied().unwrap_or(&Json::Null);
        let context = match found {
            Found::Value(value @ (Json::Array(_) | Json::Object(_))) => value,
            // Text, numbers and true open the section without changing what names mean in it.
            _ => top,
        };
        self.contexts.push(context);
        if let Json::Array(items) = context {
            for item in items {
                self.budget.steps = self
                    .budget
                    .steps
                    .checked_sub(1)
                    .ok_or("the template takes too many steps")?;
                self.contexts.push(item);
                self.walk(nodes)?;
                self.contexts.pop();
            }
        } else {
            self.walk(nodes)?;
        }
        self.contexts.pop();
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        self.budget.bytes = self
            .budget
            .bytes
            .checked_sub(text.len())
            .ok_or("the filled template is longer than 1 MiB")?;
        self.out.push_str(text);
        Ok(())
    }

    fn find(&self, name: &str) -> Found<'a> {
        let depth = self.contexts.len();
        // `.` is the element inside a list, and outside of one simply a name that nothing has.
        if name == "." && depth >= 2 && matches!(self.contexts[depth - 2], Json::Array(_)) {
            return Found::Value(self.contexts[depth - 1]);
        }
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or("");
        let start = self
            .contexts
            .iter()
            .rev()
            .map(|context| member(context, first))
            .find(|found| !matches!(found, Found::Nothing));
        parts.fold(start.unwrap_or(Found::Nothing), |found, part| match found {
            Found::Value(value) => member(value, part),
            Found::Length(_) | Found::Nothing => Found::Nothing,
        })
    }
}

fn member<'a>(value: &'a Json, name: &str) -> Found<'a> {
    match value {
        Json::Object(_) => value.get(name).map_or(Found::Nothing, Found::Value),
        Json::Array(items) if name == "length" => Found::Length(items.len()),
        // Only the plain form of a number is an index: JavaScript knows no element "01".
        Json::Array(items) => match name.parse::<usize>() {
            Ok(index) if index.to_string() == name => {
                items.get(index).map_or(Found::Nothing, Found::Value)
            }
            _ => Found::Nothing,
        },
        _ => Found::Nothing,
    }
}

/// As hogan escapes for two braces, which also suits text in a page.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
