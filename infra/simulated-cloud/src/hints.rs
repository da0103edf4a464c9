//! The mistakes people make in a webhook's templates, as rows of one table. The page has the same rules
//! (`site/static/particle/template-rules.js`); `tests/template-hints.json` has examples that both run.

use serde_json::{Value, json};

use crate::{
    event::Event,
    hook::{config::HookConfig, variables::Variables},
    json::{Object, to_text},
    json_problem::{Problem, Reason, json_problem},
    render::{Budget, member, render, render_object, render_value},
    secrets::{PLACEHOLDER, SENSITIVE},
};

/// Names that the cloud has only for some webhooks, or makes up.
const OTHER_NAMES: [&str; 4] =
    ["PARTICLE_EVENT_ID", "PRODUCT_ID", "PRODUCT_USER_ID", "PRODUCT_VERSION"];
const OBJECT: &str = "[object Object]";
const ENTITIES: [&str; 5] = ["&quot;", "&amp;", "&lt;", "&gt;", "&#39;"];
/// Where versions of Device OS cut the data of an event, in bytes.
const DATA_LIMITS: [usize; 4] = [255, 622, 864, 1024];
/// How often one rule speaks.
const MAX_PLACES: usize = 5;
/// The longest texts that are compared value by value, and the most values.
const MAX_COMPARED: usize = 20_000;
const MAX_VALUES: usize = 2_000;

/// What there is to say about a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The rule.
    pub id: &'static str,
    /// Whether the request is probably not what was meant.
    pub is_error: bool,
    /// A sentence or two.
    pub text: String,
}

/// A tag with the value that it names; none if nothing has the name.
struct Tag {
    whole: String,
    name: String,
    is_double: bool,
    value: Option<Value>,
}

impl Tag {
    fn is_missing(&self) -> bool {
        let of_cloud = ["PARTICLE_", "SPARK_", "PRODUCT_"];
        let is_of_cloud = of_cloud.iter().any(|start| self.name.starts_with(start));
        self.value.is_none() && (is_of_cloud || !is_secret(&self.name))
    }

    fn is_unknown_secret(&self) -> bool {
        self.value.is_none() && !self.is_missing()
    }
}

/// Whether a secret can have this name.
fn is_secret(name: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    name.chars().all(is_sign) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// Templates and what became of them.
struct Filling {
    templates: Vec<String>,
    tags: Vec<Tag>,
    data: String,
    /// None if the data is not JSON.
    json: Option<Value>,
    /// All that may be named.
    names: Vec<String>,
    /// The body, or the values of a form or query.
    out: String,
    /// Why it could not be filled.
    error: Option<String>,
    /// Why `out`, which begins like JSON, is not JSON.
    problem: Option<Problem>,
}

type Find = fn(&Filling) -> Vec<String>;

const RULES: [(&str, bool, Find); 14] = [
    ("unfillable", true, |filling| {
        let error = filling.error.iter();
        error.map(|error| format!("It can't be filled: {error}.")).collect()
    }),
    ("open-tag", true, |filling| {
        let is_open = |text: &&String| text.matches("{{").count() > text.matches("}}").count();
        let open = filling.templates.iter().filter(is_open);
        open.map(|_| "A tag is opened by {{ and never closed by }}.".to_owned()).collect()
    }),
    ("data-cut", true, |filling| {
        let size = filling.data.len();
        said(is_cut(filling), || {
            format!(
                "The data is not JSON and ends after exactly {size} bytes, where a version of Device OS cuts longer data: it was longer, and the rest is lost."
            )
        })
    }),
    ("data-not-json", true, data_not_json),
    ("missing-name", true, missing_name),
    ("secret", false, |filling| {
        let unknown = filling.tags.iter().filter(|tag| tag.is_unknown_secret());
        unknown
            .map(|Tag { whole, name, .. }| {
                format!("{whole}: not in the data. It is filled if a cloud secret named {name} is selected for the webhook; logs show it as {SENSITIVE}.")
            })
            .collect()
    }),
    ("object-as-value", true, object_as_value),
    ("double-braces", true, double_braces),
    ("unquoted-text", true, |filling| {
        let problem = problem_of(filling, &[Reason::Quotes]);
        let place = problem.filter(|problem| {
            let before = problem.at.saturating_sub(1);
            filling.out.get(before..).is_none_or(|rest| !rest.starts_with(OBJECT))
        });
        place
            .map(|Problem { at, .. }| {
                let rest = &filling.out[at..];
                let end = rest.find([',', '}', ']', '\n']).unwrap_or(rest.len());
                format!("\"{}\" is text without quotes, which is not JSON. Put quotes around the tag, or publish JSON: the console's Test sends plain text.", short(&rest[..end]))
            })
            .into_iter()
            .collect()
    }),
    ("quote-inside", true, |filling| {
        let problem = problem_of(filling, &[Reason::Quote]);
        let words = problem.map(|problem| {
            let place = problem.position(&filling.out);
            format!("The body is not JSON: a quote in a value ends it too early, at position {place}. Leave out the quotes around the tag, or send the data in a json object, which escapes it.")
        });
        words.into_iter().collect()
    }),
    ("comma-left", true, |filling| {
        let problem = problem_of(filling, &[Reason::Comma]);
        let words = problem.map(|problem| {
            let place = problem.position(&filling.out);
            format!("A comma is left over after the last item, at position {place}: a section writes what is in it for every item, and the last one needs no comma.")
        });
        words.into_iter().collect()
    }),
    ("not-json", true, |filling| {
        let problem = problem_of(filling, &[Reason::End, Reason::Other]);
        let words = problem.map(|problem| {
            let why = problem.words(&filling.out);
            format!("The body begins like JSON and is not JSON: {why}. What is filled into a text is not escaped.")
        });
        words.into_iter().collect()
    }),
    ("became-string", false, became_string),
    ("data-size", false, |filling| {
        let size = filling.data.len();
        said(size > 1024, || {
            format!(
                "{size} bytes of data: before Device OS 6.3 a device publishes at most 1024, and cuts the rest."
            )
        })
    }),
];

/// What there is to say about the templates of a webhook, filled from an event; and a value for each secret that they name.
pub(crate) fn examine(config: &HookConfig, event: &Event) -> (Vec<Hint>, Object) {
    let filling = fill(config, event);
    let secrets = filling.tags.iter().filter(|tag| tag.is_unknown_secret());
    let secrets = secrets.map(|tag| (tag.name.clone(), json!(PLACEHOLDER))).collect();
    let rules = RULES.iter().flat_map(|(id, is_error, find)| {
        let places = find(&filling).into_iter().take(MAX_PLACES);
        places.map(|text| Hint { id, is_error: *is_error, text })
    });
    (rules.collect(), secrets)
}

fn said(is_so: bool, words: impl FnOnce() -> String) -> Vec<String> {
    is_so.then(words).into_iter().collect()
}

fn problem_of(filling: &Filling, reasons: &[Reason]) -> Option<Problem> {
    filling.problem.filter(|problem| reasons.contains(&problem.reason))
}

fn is_cut(filling: &Filling) -> bool {
    let is_limit = DATA_LIMITS.contains(&filling.data.len());
    filling.json.is_none() && is_like_json(&filling.data) && is_limit
}

fn data_not_json(filling: &Filling) -> Vec<String> {
    let data = &filling.data;
    let is_of_data = |tag: &Tag| tag.value.is_none() && !is_secret(&tag.name);
    let is_none = filling.json.is_none() && !data.trim().is_empty() && !is_cut(filling);
    if !is_none || !filling.tags.iter().any(is_of_data) {
        return Vec::new();
    }
    if !is_like_json(data) {
        return vec!["The data is text and not JSON, so every name in it is empty.".to_owned()];
    }
    let why = json_problem(data).map(|problem| problem.words(data)).unwrap_or_default();
    vec![format!("The data is not JSON ({why}), so every name in it is empty.")]
}

fn missing_name(filling: &Filling) -> Vec<String> {
    let missing: Vec<&Tag> = filling.tags.iter().filter(|tag| tag.is_missing()).collect();
    if missing.is_empty() {
        return said(problem_of(filling, &[Reason::Value]).is_some(), || {
            "A value is missing in the body: the template names something that the data does not have.".to_owned()
        });
    }
    if filling.json.is_none() && !filling.data.trim().is_empty() {
        return Vec::new();
    }
    let words = missing.into_iter().map(|Tag { whole, name, .. }| {
        let near = nearest(name, &filling.names);
        let near = near.map(|near| format!(" Did you mean {}?", short(near))).unwrap_or_default();
        format!("{whole}: the data has no \"{name}\", so nothing is written there.{near}")
    });
    words.collect()
}

fn object_as_value(filling: &Filling) -> Vec<String> {
    let objects = filling.tags.iter().filter_map(|tag| match &tag.value {
        Some(Value::Object(fields)) => Some((tag, fields)),
        _ => None,
    });
    let words: Vec<String> = objects
        .map(|(Tag { whole, name, .. }, fields)| {
            let key = fields.keys().next().map_or("name", String::as_str);
            format!("{whole}: \"{name}\" is an object, which is written as {OBJECT}. Name a value in it, such as {{{{{{{name}.{}}}}}}}, or pass the whole data on with {{{{{{PARTICLE_EVENT_VALUE}}}}}}.", short(key))
        })
        .collect();
    let is_written = filling.out.contains(OBJECT) && !filling.data.contains(OBJECT);
    if !words.is_empty() || !is_written {
        return words;
    }
    vec![format!(
        "{OBJECT}: the template names an object where a value belongs. Name a value in it, with a dot, or pass the whole data on with {{{{{{PARTICLE_EVENT_VALUE}}}}}}."
    )]
}

fn double_braces(filling: &Filling) -> Vec<String> {
    let is_changed = |tag: &&Tag| {
        let text = tag.value.as_ref().map(to_text).unwrap_or_default();
        tag.is_double && text.contains(['&', '<', '>', '\'', '"'])
    };
    let words: Vec<String> = filling
        .tags
        .iter()
        .filter(is_changed)
        .map(|Tag { whole, name, .. }| {
            format!("{whole}: two braces write text for HTML, so a quote becomes &quot;. Use three: {{{{{{{name}}}}}}}.")
        })
        .collect();
    let entity = ENTITIES.iter().find(|entity| filling.out.contains(**entity));
    let is_of_data = ENTITIES.iter().any(|entity| filling.data.contains(entity));
    match entity.filter(|_| words.is_empty() && !is_of_data) {
        Some(entity) => vec![format!(
            "\"{entity}\" comes from double braces in the template, which write text for HTML. Use triple braces."
        )],
        None => words,
    }
}

/// A number or boolean of the data that is text in the body: under its own name at any depth, under any name if it is long
/// enough to be no other's, and anywhere if it is all of the data.
fn became_string(filling: &Filling) -> Vec<String> {
    let (Some(data), Ok(body)) = (&filling.json, serde_json::from_str(&filling.out)) else {
        return Vec::new();
    };
    if filling.data.len() > MAX_COMPARED || filling.out.len() > MAX_COMPARED {
        return Vec::new();
    }
    let was = scalars(data);
    for (name, value) in scalars(&body) {
        let Value::String(text) = value else { continue };
        let found = was.iter().find(|(of, value)| {
            let is_candidate = matches!(value, Value::Number(_) | Value::Bool(_));
            let is_same = is_candidate && to_text(value) == *text;
            let is_long = value.is_number() && text.len() > 2;
            is_same && if of.is_empty() { name != "data" } else { *of == name || is_long }
        });
        if let Some((_, value)) = found {
            let kind = if value.is_number() { "number" } else { "boolean" };
            return vec![format!(
                "\"{}\" is text here and was a {kind} when published: in a json object of the webhook all values become text. A json given as text, or a body, keeps numbers.",
                short(name)
            )];
        }
    }
    Vec::new()
}

/// Values that hold no others, each with the name that is nearest.
fn scalars(value: &Value) -> Vec<(&str, &Value)> {
    let mut found = Vec::new();
    let mut open = vec![("", value)];
    while let Some((name, value)) = open.pop().filter(|_| found.len() < MAX_VALUES) {
        match value {
            Value::Array(items) => open.extend(items.iter().rev().map(|item| (name, item))),
            Value::Object(fields) => {
                open.extend(fields.iter().rev().map(|(name, inner)| (name.as_str(), inner)));
            }
            scalar => found.push((name, scalar)),
        }
    }
    found
}

fn fill(config: &HookConfig, event: &Event) -> Filling {
    let data = event.data.clone().unwrap_or_default();
    let json = serde_json::from_str::<Value>(&data).ok();
    let provided = Variables::of(event).provided;
    let others = OTHER_NAMES.map(|name| (name.to_owned(), json!(format!("[{name}]"))));
    let others = Value::Object(Object::from_iter(others));
    let templates = templates_of(config);
    let contexts = [&provided, &others, json.as_ref().unwrap_or(&Value::Null)];
    let tags = tags_of(&templates, &contexts);
    let secrets = tags.iter().filter(|tag| tag.is_unknown_secret());
    let secrets = secrets.map(|tag| (tag.name.clone(), json!(SENSITIVE)));
    let secrets = Value::Object(secrets.collect());
    let contexts = [contexts[2], &others, &secrets, &provided];
    let (out, error) = match written(config, &contexts) {
        Ok(out) => (out, None),
        Err(error) => (String::new(), Some(error)),
    };
    let mut names: Vec<String> = OTHER_NAMES.map(str::to_owned).into();
    names.extend(provided.as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
    add_names(json.as_ref().unwrap_or(&Value::Null), "", 0, &mut names);
    // A text whose template does not begin like JSON need not be any.
    let is_meant = is_like_json(&out) && templates.iter().any(|text| is_like_json(text));
    let is_data = is_like_json(&data) && json.is_none() && out.contains(&data);
    let is_judged = is_meant && !is_data && !tags.iter().any(Tag::is_missing);
    let problem = if is_judged { json_problem(&out) } else { None };
    Filling { templates, tags, data, json, names, out, error, problem }
}

/// The body without the default fields, or the values of a form and a query.
fn written(config: &HookConfig, contexts: &[&Value]) -> Result<String, String> {
    let budget = &mut Budget::default();
    let text = config.json.as_ref().and_then(Value::as_str).or(config.body.as_deref());
    if let Some(text) = text {
        return render(text, contexts, budget);
    }
    if let Some(json) = &config.json {
        return Ok(render_value(json, contexts, budget)?.to_string());
    }
    let form = render_object(&config.form, contexts, budget)?;
    let query = render_object(&config.query, contexts, budget)?;
    let values: Vec<String> = form.values().chain(query.values()).map(to_text).collect();
    Ok(values.join("\n"))
}

/// All templates of a request.
fn templates_of(config: &HookConfig) -> Vec<String> {
    let auth = config.auth.as_ref().map(|auth| json!([auth.username, auth.password]));
    let mut templates = vec![config.url.clone()];
    let mut open = vec![json!(config.headers), json!(config.query), json!(config.form)];
    open.extend(auth);
    open.extend(config.body.as_ref().map(|body| json!(body)));
    open.extend(config.json.clone());
    while let Some(value) = open.pop().filter(|_| templates.len() < MAX_VALUES) {
        match value {
            Value::String(text) => templates.push(text),
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                for (key, value) in fields {
                    templates.extend(Some(key).filter(|key| key.contains("{{")));
                    open.push(value);
                }
            }
            _ => {}
        }
    }
    templates
}

/// The tags that name a value, outside of sections, where names mean what the item has.
fn tags_of(templates: &[String], contexts: &[&Value]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for template in templates {
        let mut depth = 0;
        let mut rest = template.as_str();
        while let Some(at) = rest.find("{{") {
            let Some((whole, kind, inside)) = tag(&rest[at..]) else {
                rest = &rest[at + 1..];
                continue;
            };
            rest = &rest[at + whole.len()..];
            depth += match kind {
                '#' | '^' => 1,
                '/' => -1,
                _ => 0,
            };
            let name = short(inside);
            if depth > 0 || "#^/!>".contains(kind) || name.is_empty() || name == "." {
                continue;
            }
            if tags.len() < MAX_VALUES && tags.iter().all(|known| known.whole != whole) {
                let value = contexts.iter().find_map(|context| value_of(context, &name));
                let is_double = kind == ' ';
                tags.push(Tag { whole: short(whole), name, is_double, value: value.flatten() });
            }
        }
    }
    tags
}

/// The tag at the start of a text: all of it, what opens it (`{` for three braces, a blank for two) and what is in it.
fn tag(text: &str) -> Option<(&str, char, &str)> {
    let is_brace = |sign: char| sign == '{' || sign == '}';
    let read = |open: usize, close: &str| {
        let length = text.get(open..)?.find(is_brace)?;
        let end = open + length + close.len();
        text[open + length..].starts_with(close).then(|| (&text[..end], &text[open..open + length]))
    };
    if let Some((whole, inside)) = read(3, "}}}").filter(|_| text.starts_with("{{{")) {
        return Some((whole, '{', inside.trim()));
    }
    let (whole, inside) = read(2, "}}")?;
    let kind = inside.chars().next().filter(|kind| "#^/&!>".contains(*kind));
    Some((whole, kind.unwrap_or(' '), inside[kind.map_or(0, char::len_utf8)..].trim()))
}

/// What a context has under a name; none if it has not even its first part.
fn value_of(context: &Value, name: &str) -> Option<Option<Value>> {
    let mut parts = name.split('.');
    let mut value = member(context, parts.next()?)?.into_owned();
    for part in parts {
        match member(&value, part) {
            Some(inner) => value = inner.into_owned(),
            None => return Some(None),
        }
    }
    Some(Some(value))
}

/// Names in the data, with dots, as far as anybody would name them.
fn add_names(value: &Value, prefix: &str, depth: usize, names: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    for (key, inner) in fields.iter().take(50) {
        if depth > 3 || names.len() >= MAX_VALUES {
            return;
        }
        let name = format!("{prefix}{key}");
        names.push(name.clone());
        add_names(inner, &format!("{name}."), depth + 1, names);
    }
}

/// A name that differs in letters' case alone, or ends in the one that was meant.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let small = name.to_lowercase();
    let ends =
        [format!(".{small}"), format!("particle_event_{small}"), format!("particle_{small}")];
    let same = names.iter().find(|one| one.to_lowercase() == small);
    let mut others = names.iter();
    let close = |one: &&String| ends.iter().any(|end| one.to_lowercase().ends_with(end));
    same.or_else(|| others.find(close)).map(String::as_str)
}

fn is_like_json(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('[') || (text.starts_with('{') && !text.starts_with("{{"))
}

/// The start of a text for a sentence, on one line.
fn short(text: &str) -> String {
    let text: String = text.trim().chars().take(60).collect();
    text.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::event::Content;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        integration: Object,
        data: String,
        hints: Vec<String>,
    }

    fn found(integration: Object, data: &str) -> Vec<Hint> {
        let mut given = integration;
        given.insert("event".to_owned(), json!("E"));
        given.entry("url").or_insert(json!("http://h"));
        let event = Event {
            id: "0123456789abcdef01234567".to_owned(),
            name: "E".to_owned(),
            data: Some(data.to_owned()),
            content: Content::Text,
            published_at: 0,
            coreid: "api".to_owned(),
            userid: String::new(),
            product_id: 13,
            in_product: false,
            guesses: Vec::new(),
        };
        examine(&HookConfig::read(&given).unwrap(), &event).0
    }

    /// The page runs the same table, so neither side can be bent alone.
    #[test]
    fn the_table_of_mistakes_is_found() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../tests/template-hints.json")).unwrap();
        for (id, _, _) in RULES {
            assert!(cases.iter().any(|case| case.hints.iter().any(|hint| hint == id)), "{id}");
        }
        for case in cases {
            let found = found(case.integration, &case.data);
            let ids: Vec<_> = found.iter().map(|hint| hint.id).collect();
            assert_eq!(ids, case.hints, "{}: {found:?}", case.name);
        }
    }

    #[test]
    fn what_is_said_names_the_cause() {
        for (body, data, expected) in [
            (
                "{{{Room}}}",
                r#"{"room":1}"#,
                "has no \"Room\", so nothing is written there. Did you mean room?",
            ),
            ("{{{device_id}}}", "{}", "Did you mean PARTICLE_DEVICE_ID?"),
            ("{{{temp}}}", r#"{"sensor":{"temp":1}}"#, "Did you mean sensor.temp?"),
            ("{{{loc}}}", r#"{"loc":{"lat":1}}"#, "{{{loc.lat}}}"),
            (r#"{"t":{{{a}}}}"#, r#"{"a":{"b":1,}}"#, "a comma is left over, at position 12"),
            (
                r#"{"k":{{{PARTICLE_EVENT_VALUE}}}}"#,
                "ä-event",
                "\"ä-event\" is text without quotes",
            ),
        ] {
            let found = found(Object::from_iter([("body".to_owned(), json!(body))]), data);
            assert!(found.iter().any(|hint| hint.text.contains(expected)), "{body}: {found:?}");
        }
    }
}
