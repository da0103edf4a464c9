//! Fills a template that `template.rs` has read: looks names up, repeats sections, escapes.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    json::{Object, is_falsy, to_text},
    template::{Node, parse},
};

/// What filling all templates of one request or one response may cost. A template of a few lines could otherwise take
/// hours.
pub(crate) struct Budget {
    steps: usize,
    bytes: usize,
}

/// Some 20 ms in an optimized build.
const MAX_STEPS: usize = 1_000_000;
/// Ten times what a response may publish.
const MAX_BYTES: usize = 1024 * 1024;
/// The name of an event is filled where others wait for it.
const MAX_TOPIC_STEPS: usize = 10_000;

impl Default for Budget {
    fn default() -> Self {
        Self { steps: MAX_STEPS, bytes: MAX_BYTES }
    }
}

impl Budget {
    /// For the name of an event.
    pub(crate) fn of_topic() -> Self {
        Self { steps: MAX_TOPIC_STEPS, ..Self::default() }
    }

    fn spend_steps(&mut self, steps: usize) -> Result<(), String> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.ok_or("the template takes too many steps")?;
        Ok(())
    }

    /// One context or object is searched for the name. The whole name is read to do so.
    fn spend_lookup(&mut self, name: &str) -> Result<(), String> {
        self.spend_steps(1 + name.len() / 64)
    }

    fn spend_bytes(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or("the filled template is longer than 1 MiB")?;
        Ok(())
    }
}

/// Fills a template. A name is looked up in the last context first.
///
/// Partials do not exist in a webhook and render as nothing, as in hogan when none are given.
pub(crate) fn render(
    template: &str,
    contexts: &[&Value],
    budget: &mut Budget,
) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    let mut renderer = Renderer { out: String::new(), contexts: contexts.to_vec(), budget };
    renderer.walk(&parse(template)?)?;
    Ok(renderer.out)
}

/// Fills each text inside a value on its own, keys included, so that quotes in the data cannot break the JSON around them.
/// This is also why a number in such a template always arrives as text.
pub(crate) fn render_value(
    value: &Value,
    contexts: &[&Value],
    budget: &mut Budget,
) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(render(text, contexts, budget)?),
        Value::Array(items) => items
            .iter()
            .map(|item| render_value(item, contexts, budget))
            .collect::<Result<_, _>>()?,
        Value::Object(fields) => Value::Object(render_object(fields, contexts, budget)?),
        other => other.clone(),
    })
}

/// [`render_value`] for an object.
pub(crate) fn render_object(
    fields: &Object,
    contexts: &[&Value],
    budget: &mut Budget,
) -> Result<Object, String> {
    let mut rendered = Object::new();
    for (key, value) in fields {
        let key = render(key, contexts, budget)?;
        rendered.insert(key, render_value(value, contexts, budget)?);
    }
    Ok(rendered)
}

struct Renderer<'a> {
    out: String,
    /// Innermost last.
    contexts: Vec<&'a Value>,
    budget: &'a mut Budget,
}

impl<'a> Renderer<'a> {
    fn walk(&mut self, nodes: &[Node]) -> Result<(), String> {
        for node in nodes {
            self.budget.spend_steps(1)?;
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Value { name, escaped } => {
                    let mut text = String::new();
                    if let Some(found) = self.find(name)? {
                        self.append(&found, &mut text)?;
                    }
                    self.write(&if *escaped { escape(&text) } else { text })?;
                }
                Node::Inverted { name, nodes } => {
                    if is_skipped(self.find(name)?.as_deref()) {
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
        let found = self.find(name)?;
        if is_skipped(found.as_deref()) {
            return Ok(());
        }
        let context = match found {
            Some(Cow::Borrowed(value @ (Value::Array(_) | Value::Object(_)))) => value,
            // Text, numbers and true open the section without changing what names mean in it.
            _ => self.contexts.last().copied().unwrap_or(&Value::Null),
        };
        self.contexts.push(context);
        if let Value::Array(items) = context {
            for item in items {
                self.budget.spend_steps(1)?;
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
        self.budget.spend_bytes(text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    /// Appends `String(value)` of JavaScript. A list can be costly to print although little of it is seen.
    fn append(&mut self, value: &Value, text: &mut String) -> Result<(), String> {
        self.budget.spend_steps(1)?;
        let Value::Array(items) = value else {
            text.push_str(&to_text(value));
            return Ok(());
        };
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            self.append(item, text)?;
        }
        Ok(())
    }

    fn find(&mut self, name: &str) -> Result<Option<Cow<'a, Value>>, String> {
        // `.` is the element inside a list, and elsewhere a name that nothing has.
        if let (".", [.., Value::Array(_), item]) = (name, self.contexts.as_slice()) {
            return Ok(Some(Cow::Borrowed(*item)));
        }
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let mut found = None;
        for context in self.contexts.iter().rev() {
            self.budget.spend_lookup(first)?;
            found = member(context, first);
            if found.is_some() {
                break;
            }
        }
        for part in parts {
            self.budget.spend_lookup(part)?;
            found = match found {
                Some(Cow::Borrowed(value)) => member(value, part),
                _ => None,
            };
        }
        Ok(found)
    }
}

/// Whether a section over the value is skipped: JavaScript's conditions, and an empty list.
fn is_skipped(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(value) => is_falsy(value),
    }
}

/// What JavaScript finds under a name.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> Option<Cow<'a, Value>> {
    match value {
        Value::Object(fields) => fields.get(name).map(Cow::Borrowed),
        Value::Array(items) if name == "length" => Some(Cow::Owned(items.len().into())),
        Value::Array(items) => {
            // Only the plain form of a number is an index: JavaScript knows no element "01".
            let index = name.parse::<usize>().ok();
            let index = index.filter(|index| index.to_string() == name)?;
            items.get(index).map(Cow::Borrowed)
        }
        _ => None,
    }
}

/// As hogan escapes for two braces, which also suits text in a page.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    fn render(template: &str, contexts: &[&Value]) -> Result<String, String> {
        super::render(template, contexts, &mut Budget::default())
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        template: String,
        context: Value,
        expect: String,
    }

    /// The same table is run on hogan.js itself (`tests/api-js/hogan.js`), so neither side can be bent alone.
    #[test]
    fn the_table_renders_as_hogan_renders_it() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../tests/template-cases.json")).unwrap();
        assert!(cases.len() > 60, "the table has {} cases", cases.len());
        for case in cases {
            let rendered = render(&case.template, &[&case.context]).unwrap();
            assert_eq!(rendered, case.expect, "{}", case.name);
        }
    }

    #[test]
    fn a_template_that_does_not_fit_together_says_where() {
        let cases = [
            ("{{#a}}x", "missing closing tag: a"),
            ("x{{/a}}", "Closing tag without opener: /a"),
            ("{{#a}}{{^b}}{{/a}}{{/b}}", "Nesting error: b vs. a"),
            ("{{<a}}{{x}}{{/a}}", "Illegal content in < super tag."),
        ];
        for (template, expected) in cases {
            assert_eq!(render(template, &[]).unwrap_err(), expected, "{template}");
        }
    }

    #[test]
    fn the_last_context_is_searched_first() {
        let contexts = [&json!({"a": "data", "b": "data"}), &json!({"a": "variable"})];
        assert_eq!(render("{{a}} {{b}}", &contexts).unwrap(), "variable data");
    }

    /// Most of these do much at each node: a budget that counted nodes alone would let them run for minutes.
    #[test]
    fn a_template_that_costs_too_much_is_stopped() {
        let list = vec![1; 1000];
        let mut many: Object = (0..1796).map(|key| (format!("k{key}"), json!(key))).collect();
        many.insert("l".to_owned(), json!(list));
        let empty_lists = json!({"a": list, "l": vec![json!([[[[]]]]); 20_000]});
        let data = json!({"a": list, "t": "x".repeat(5000)});
        let nested = |name: &str, depth: usize, inner: &str| {
            let (open, close) = (format!("{{{{#{name}}}}}"), format!("{{{{/{name}}}}}"));
            format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
        };
        let lookups = nested("l", 1, &"{{zz}}".repeat(900));
        let long_name = format!("{{{{{}}}}}", "z".repeat(60_000));
        for (template, data, reason) in [
            (nested("a", 10, "x"), &data, "too many steps"),
            (nested("a", 100, "x"), &data, "nested"),
            ("{{#a}}{{t}}{{/a}}".to_owned(), &data, "longer than 1 MiB"),
            (nested("k1", 60, &lookups), &Value::Object(many), "too many steps"),
            (nested("a", 1, &long_name), &data, "too many steps"),
            (nested("a", 1, "{{l}}"), &empty_lists, "too many steps"),
            (format!("{{{{={} }}}}=}}}}", "a".repeat(60_000)), &data, "delimiter"),
        ] {
            let error = render(&template, &[data]).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    /// If each line were compared with all lines before it, this would take an hour.
    #[test]
    fn a_template_of_very_many_lines_is_read_line_by_line() {
        let lines = "{{! nothing }}\n".repeat(500_000);
        assert_eq!(render(&lines, &[]).unwrap(), "");
    }
}
